"""Storage block: a form for the object storage."""

from __future__ import annotations

from typing import ClassVar

from prefect.blocks.core import Block
from prefect.types import SecretDict
from pydantic import Field

from clients.storage.object_storage import Storage
from pipeline.api_keys import trimmed


class StorageBlock(Block):
    """A folder or bucket for the files as they came and for their text."""

    _block_type_name: ClassVar[str | None] = "Navigator Storage"
    _block_type_slug: ClassVar[str | None] = "navigator-storage"
    _description: ClassVar[str | None] = (
        "Where Insurance Navigator keeps files and their text: a folder, S3, Google Cloud, Azure "
        "or anything that speaks S3. Named by the setting NAVIGATOR_STORAGE_BLOCK."
    )

    address: str = Field(
        title="Address",
        description="file:///folder, s3://bucket/prefix, gs://bucket or az://container.",
    )
    options: dict[str, str] = Field(
        default_factory=dict,
        title="Options",
        description='A JSON object; for example {"region": "eu-central-1", "endpoint": "https://…"}.',
    )
    secret_options: SecretDict = Field(
        default_factory=lambda: SecretDict({}),
        title="Secret options",
        description='A JSON object; for example {"access_key_id": "…", "secret_access_key": "…"}.',
    )

    def all_options(self) -> dict[str, str]:
        """The options with the secret ones among them."""
        secrets = {
            name: trimmed(str(value))
            for name, value in self.secret_options.get_secret_value().items()
        }
        return self.options | secrets

    def open(self) -> Storage:
        """The storage, ready to use.

        Raises:
            ConfigurationError: the address or an option is wrong.
        """
        return Storage(self.address, self.all_options())
