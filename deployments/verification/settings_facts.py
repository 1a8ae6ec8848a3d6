"""Takes the settings into a baseline: redacted, and with what differs by nature told apart."""

from __future__ import annotations

from typing import Any

from deployments.environment import is_secret
from pipeline.settings import Settings

BY_NATURE = frozenset(
    {
        # where things are
        "home", "storage_url", "database_url", "database_reader_url", "database_owner_url",
        "storage_options", "public_url", "openai_base_url", "llama_cloud_base_url",
        "onnx_folder", "ingest_roots", "password_file", "prefect_auth_file", "log_folder",
        # who is who there
        "user", "jwks", "jwt_issuer", "jwt_local_issuer", "jwt_audience", "operators",
        # what a person sets by the size of a machine or a contract
        "concurrency", "parse_workers", "embedding_concurrency", "embedding_requests_per_minute",
        "embedding_tokens_per_minute", "database_idle_seconds", "database_migrations",
        "work_pool", "alert_block", "user_quota_bytes", "lease_seconds",
    }
)  # fmt: skip
"""Settings that differ between environments by nature: told, not compared. The one list."""

REDACTED = "(set)"


def settings_facts(settings: Settings) -> dict[str, Any]:
    """Every setting by name; of a secret only whether it is set."""
    told = settings.model_dump(mode="json")
    return {name: _shown(name, getattr(settings, name), told[name]) for name in sorted(told)}


def _shown(name: str, value: Any, written: Any) -> Any:
    if is_secret(name) or "password" in name:
        return REDACTED if value else None
    return written


def compared(facts: dict[str, Any]) -> dict[str, Any]:
    """Those that have to be equal everywhere."""
    return {name: value for name, value in facts.items() if name not in BY_NATURE}
