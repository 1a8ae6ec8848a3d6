"""Settings of the HTTP API: tokens, links, limits. Part of `pipeline.settings`."""

from __future__ import annotations

import ipaddress

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings


class ApiSettings(BaseSettings):
    """What is set about who may ask, and how much."""

    # -- the HTTP API --------------------------------------------------------------------------
    jwt_secret: SecretStr | None = Field(
        default=None, min_length=32, description="HS256; without it, one is made and kept in home."
    )
    jwt_previous_secret: SecretStr | None = Field(
        default=None, min_length=32, description="Still accepted while tokens are renewed."
    )
    jwks: str | None = Field(
        default=None, description="URL or file of the public keys of an identity provider."
    )
    jwt_audience: str = Field(default="insurance-navigator", min_length=1)
    jwt_issuer: str | None = Field(default=None, description="Checked when given.")
    signing_secret: SecretStr | None = Field(
        default=None, min_length=32, description="Signs URLs; without it, made from the JWT secret."
    )
    report_keys: SecretStr | None = Field(
        default=None,
        min_length=32,
        description="Signs quality reports; older ones after it, by spaces. Without it, one is "
        "made and kept in home.",
    )
    report_link_hours: float = Field(
        default=24 * 14, gt=0, le=24 * 366, description="Life of a run's link to its report."
    )
    public_url: str | None = Field(
        default=None, description="Where clients reach the API; without it, as they asked for it."
    )
    alerts_url: str | None = Field(
        default=None, description="Where Prefect's server reaches the API; else public_url."
    )
    cors_origins: str = Field(default="", description="Pages elsewhere that may ask; by spaces.")
    signed_url_seconds: int = Field(default=300, ge=1, le=86_400, description="Life of a URL.")
    requests_per_minute: int = Field(default=1200, ge=0, description="Of a user; 0: no limit.")
    uploads_per_minute: int = Field(default=300, ge=0, description="Of a user; 0: no limit.")
    request_timeout_seconds: float = Field(
        default=30, gt=0, description="To answer, or between two pieces of an upload."
    )
    upload_seconds: float = Field(
        default=3600, gt=0, description="For a whole upload, from its first byte to its last."
    )
    upload_bytes_per_second: int = Field(
        default=1024,
        ge=0,
        description="Lowest speed of an upload, while we wait for it; 0: no limit.",
    )
    user_quota_bytes: int = Field(
        default=0, ge=0, description="Stored files of one user, in all; 0: no limit."
    )
    trusted_proxies: str = Field(
        default="",
        description="Addresses and networks whose X-Forwarded-… is believed; by spaces.",
    )

    @field_validator("trusted_proxies")
    @classmethod
    def _addresses(cls, value: str) -> str:
        try:
            for each in value.split():
                ipaddress.ip_network(each)
        except ValueError:
            raise ValueError(
                "must be addresses or networks such as 10.0.0.7 10.1.0.0/16, separated by spaces"
            ) from None
        return value
