"""A folder of documents that also holds what some program would execute or believe.

Everything in it that runs leaves a mark, whose name says what ran.
"""

from __future__ import annotations

from pathlib import Path

MODULES = (
    "app", "blocks", "checks", "clients", "flows", "mocks", "deployments", "stages",
    "json", "secrets", "typing", "ssl",
    "logging", "platform", "sitecustomize", "usercustomize", "prefect", "uvicorn", "typer",
    "pydantic", "numpy", "pandas", "httpx", "sqlalchemy", "great_expectations", "handlers",
)  # fmt: skip
PROGRAMS = ("git", "tesseract", "soffice", "libreoffice", "pg_dump", "initdb", "postgres", "gcc",
            "ldconfig", "sh", "python")  # fmt: skip
STRANGER = "http://127.0.0.1:9/v1"
SENTENCE = "The waiting period for dental crowns is six months from the first day of the contract."


def make_hostile(folder: Path, marks: Path) -> None:
    """Fill a folder; whatever runs of it writes into `marks`."""
    folder.mkdir(parents=True)
    marks.mkdir()
    for name in MODULES:
        _module(folder / f"{name}.py", marks / name)
    (folder / "pipeline").mkdir()
    _module(folder / "pipeline" / "__init__.py", marks / "pipeline")
    for name in PROGRAMS:
        program = folder / name
        program.write_text(f"#!/bin/sh\n: > '{marks / f'program-{name}'}'\n")
        program.chmod(0o755)
    _settings(folder, marks)
    (folder / "policy.md").write_text(f"# Policy\n\n{SENTENCE} Nothing else is said here.\n")


def _module(path: Path, mark: Path) -> None:
    path.write_text(f"open({str(mark)!r}, 'w').close()\n")


def _settings(folder: Path, marks: Path) -> None:
    (folder / ".env").write_text(
        "NAVIGATOR_USER=mallory\nNAVIGATOR_EMBEDDER=openai\nOPENAI_API_KEY=sk-theirs\n"
        f"OPENAI_BASE_URL={STRANGER}\nPREFECT_API_KEY=pnu_theirs\n"
        "PREFECT_LOGGING_SETTINGS_PATH=logging.yml\n"
    )
    (folder / "prefect.toml").write_text('[logging]\nsettings_path = "logging.yml"\n')
    (folder / "profiles.toml").write_text(
        'active = "theirs"\n[profiles.theirs]\nPREFECT_LOGGING_SETTINGS_PATH = "logging.yml"\n'
    )
    (folder / "pyproject.toml").write_text('[tool.prefect]\nprofiles_path = "profiles.toml"\n')
    (folder / "alembic.ini").write_text("[alembic]\nscript_location = .\n")
    log = marks / "logging-settings"
    (folder / "logging.yml").write_text(
        "version: 1\nhandlers:\n  theirs:\n    class: logging.FileHandler\n"
        f"    filename: {log}\nroot:\n  handlers: [theirs]\n"
    )
