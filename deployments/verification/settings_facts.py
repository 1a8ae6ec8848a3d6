"""Takes the settings into a baseline: redacted, and with what differs by nature told apart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deployments.environment import is_secret
from pipeline.chunk_sizes import ChunkSizes, with_sizes
from pipeline.redaction import Redaction, secrets_of
from pipeline.settings import Settings

BY_NATURE = frozenset(
    {
        # where things are
        "home", "storage_url", "storage_options", "database_url", "database_reader_url",
        "database_owner_url", "public_url", "openai_base_url", "llama_cloud_base_url",
        "llama_cloud_result_hosts", "onnx_folder", "reranker_folder", "ingest_roots",
        "password_file", "prefect_auth_file", "prefect_hosts", "trusted_proxies", "cors_origins",
        # who is who there, and its own secrets
        "user", "passwords", "jwks", "jwt_issuer", "jwt_local_issuer", "jwt_audience",
        "jwt_secret", "jwt_previous_secret", "jwt_subject_ids", "signing_secret",
        "report_keys", "report_link_hours",
        "metrics_token", "llama_cloud_webhook_secret", "llama_cloud_webhook_previous_secret",
        # what goes by the size of a machine, a contract or a team
        "concurrency", "parse_workers", "parse_memory_bytes", "embedding_concurrency",
        "embedding_requests_per_minute", "embedding_tokens_per_minute",
        "llama_cloud_requests_per_minute", "database_idle_seconds", "engine_idle_seconds",
        "database_migrations",
        "database_patience_seconds", "prefect_patience_seconds", "work_pool", "alert_block",
        "user_quota_bytes", "lease_seconds", "requests_per_minute", "uploads_per_minute",
        "log_level", "log_format", "log_files", "log_file_bytes",
    }
)  # fmt: skip
"""Settings that differ between environments by nature: told, not compared. The one list."""

REDACTED = "(set)"


def settings_facts(settings: Settings, sizes: ChunkSizes) -> dict[str, Any]:
    """Every setting by name; of a secret only whether it is set, of an address no password.

    Args:
        sizes: of chunks, in force: what the installation remembers is compared as what is set.
    """
    settings = with_sizes(settings, sizes)
    blot = Redaction(secrets_of(settings))
    told = settings.model_dump(mode="json")
    return {
        name: _whether(getattr(settings, name)) if is_secret(name) else blot.value(told[name])
        for name in sorted(told)
    }


def _whether(value: Any) -> str | None:
    return REDACTED if value else None


def compared(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Those that have to be equal everywhere."""
    return {name: value for name, value in facts.items() if name not in BY_NATURE}
