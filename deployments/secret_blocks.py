"""Reads Prefect's secret blocks, as a place where an environment's secrets may be."""

from __future__ import annotations

from dataclasses import dataclass, field

from deployments.prefect_api import path_of, prefect_api


@dataclass(frozen=True, slots=True)
class SecretBlocks:
    """The secret blocks of one server, each read when it is asked for.

    Attributes:
        auth: user:password, if it asks for one.
    """

    api_url: str
    auth: str | None = field(default=None, repr=False)

    def __call__(self, name: str) -> str | None:
        """The secret in the block of this name; None when there is none.

        Raises:
            ServiceUnavailable: the server does not answer as it should.
            ConfigurationError: it refuses the password.
        """
        path = path_of("block_types", "slug", "secret", "block_documents", "name", name)
        with prefect_api(self.api_url, self.auth) as server:
            document = server.read(path, include_secrets="true")
        value = document["data"].get("value") if document else None
        return None if value in (None, "") else str(value)
