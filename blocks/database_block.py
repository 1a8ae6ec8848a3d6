"""Database block: a form for the database's credentials."""

from __future__ import annotations

from typing import ClassVar

from prefect.blocks.core import Block
from prefect_sqlalchemy import ConnectionComponents, SqlAlchemyConnector
from pydantic import Field, SecretStr

from pipeline.api_keys import clean_secret

DRIVER = "postgresql+psycopg"


class DatabaseBlock(Block):
    """Postgres 15 or newer with pgvector 0.8 or newer.

    Credentials and engine come from prefect-sqlalchemy. Its query methods are not offered: asked
    the same question twice, they answer the second time with no rows.
    """

    _block_type_name: ClassVar[str | None] = "Navigator Database"
    _block_type_slug: ClassVar[str | None] = "navigator-database"
    _description: ClassVar[str | None] = (
        "Where Insurance Navigator keeps documents, chunks and vectors: Postgres 15 or newer with "
        "pgvector 0.8 or newer. Named by the setting NAVIGATOR_DATABASE_BLOCK."
    )

    host: str = Field(title="Host", description="Name or address of the server.")
    port: int = Field(default=5432, ge=1, le=65535, title="Port")
    database: str = Field(title="Database", description="Its name; it has to exist.")
    username: str = Field(
        title="User", description="A role that may create the schema `upload_pipeline`."
    )
    # Not `| None` here and elsewhere: the form would ask for a type before it asks for the value.
    password: SecretStr = Field(
        default=SecretStr(""),
        title="Password",
        description="Empty for a server that asks for none.",
    )
    connection_options: dict[str, str] = Field(
        default_factory=dict,
        title="Connection options",
        description='Of libpq, as a JSON object; for example {"sslmode": "require"}.',
    )

    def url(self) -> str:
        """The address with its password, for `pipeline.store.engine.Database`."""
        url: str = self._credentials().create_url().render_as_string(hide_password=False)
        return url

    def connector(self) -> SqlAlchemyConnector:
        """For `get_engine()` in a flow of one's own; close it afterwards."""
        return SqlAlchemyConnector(connection_info=self._credentials())

    def _credentials(self) -> ConnectionComponents:
        password = clean_secret(self.password.get_secret_value())
        return ConnectionComponents(
            driver=DRIVER,
            host=self.host,
            port=self.port,
            database=self.database,
            username=self.username,
            password=SecretStr(password) if password else None,
            query=self.connection_options,
        )
