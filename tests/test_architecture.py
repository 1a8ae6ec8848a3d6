"""The house keeps its shape: imports go one way, and each outside library has its place."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path

from app.cli.main import COMMANDS
from tests.rooms import ROOMS, ROOT

# What each room may take from the others.
MAY_IMPORT = {
    "pipeline": set(),
    "clients": {"pipeline"},
    "blocks": {"pipeline", "clients"},
    "checks": {"pipeline"},
    # Of the blocks only what loads a saved one, by name: see `stages/services.py`.
    "stages": {"pipeline", "clients", "blocks", "checks"},
    "deployments": {"pipeline", "clients", "blocks", "checks", "stages"},
    "flows": {"pipeline", "clients", "blocks", "checks", "stages", "deployments"},
    "app": {"pipeline", "clients", "blocks", "checks", "stages", "deployments", "flows", "mocks"},
    "insurance_navigator": {
        "pipeline",
        "clients",
        "blocks",
        "checks",
        "stages",
        "flows",
        "app",
    },
    "mocks": set(),
}
# Where an outside library may be imported.
PLACES = {
    "prefect": ("flows/", "blocks/", "deployments/", "app/"),
    "great_expectations": ("checks/",),
    "sqlalchemy": ("pipeline/store/", "blocks/database_block.py"),
    "psycopg": ("pipeline/store/",),
    "openai": ("clients/openai/",),
    "typer": ("app/",),
    "fastapi": ("app/api/",),
    "starlette": ("app/api/",),
    "uvicorn": ("app/api/",),
    "jwt": ("app/api/",),
    "langchain_core": ("insurance_navigator/langchain.py",),
    "llama_index": ("insurance_navigator/llamaindex.py",),
    "mcp": ("app/mcp/", "app/api/routes/mcp.py"),
    "prometheus_client": ("app/api/",),
    "opentelemetry": ("app/process/tracing.py",),
    "structlog": ("pipeline/logs.py", "app/"),
    "rich": ("app/",),
}
FORBIDDEN_NAMES = {"utils", "helpers", "common", "base", "manager", "misc"}


def modules() -> list[Path]:
    """Every module of ours, relative to the root."""
    return sorted(p.relative_to(ROOT) for room in ROOMS for p in (ROOT / room).rglob("*.py"))


@cache
def imported(path: Path) -> tuple[str, ...]:
    """The modules that a module imports, anywhere in it but for its types only."""
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    nodes = [each for each in tree.body if not _for_types_only(each)]
    return tuple(name for node in nodes for name in _imported(node))


def _for_types_only(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.If)
        and isinstance(node.test, ast.Name)
        and node.test.id == "TYPE_CHECKING"
    )


def _imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.module


def test_imports_go_one_way() -> None:
    """A module imports only from the rooms below its own."""
    wrong = {}
    for path in modules():
        room = path.parts[0]
        used = {name.split(".")[0] for name in imported(path)} & set(ROOMS) - {room}
        if not used <= MAY_IMPORT[room]:
            wrong[path.as_posix()] = used - MAY_IMPORT[room]
    assert wrong == {}


def test_outside_libraries_stay_in_their_places() -> None:
    """Prefect, Great Expectations, SQL and the clients are imported where they belong."""
    wrong = [
        f"{path} imports {name}"
        for path in modules()
        for name in imported(path)
        if not path.as_posix().startswith(PLACES.get(name.split(".")[0], ""))
    ]
    assert wrong == []


def test_stages_know_no_prefect() -> None:
    """What a stage does to a batch can be run and tested without Prefect."""
    stages = [path for path in modules() if path.as_posix().startswith("stages/")]
    assert stages
    for path in stages:
        assert "prefect" not in {name.split(".")[0] for name in imported(path)}, path


def test_no_module_has_a_name_that_says_nothing() -> None:
    """A newcomer can tell from a module's name what belongs in it."""
    assert not {path.stem for path in modules()} & FORBIDDEN_NAMES


def test_modules_stay_small() -> None:
    """One idea a module, and at most 400 lines; the schema alone is longer."""
    long = {
        path.as_posix(): lines
        for path in modules()
        if (lines := len((ROOT / path).read_text("utf-8").splitlines())) > 400
        and path.as_posix() != "pipeline/store/schema.py"
    }
    assert long == {}


def test_each_command_is_a_file_of_its_name() -> None:
    """A newcomer finds `navigator resume` in `app/cli/resume.py`, and nothing else is there."""
    files = {path.stem for path in (ROOT / "app/cli").glob("*.py")} - {"__init__", "main"}
    assert files == set(COMMANDS)
    for name, says in COMMANDS.items():
        module = import_module(f"app.cli.{name}")
        told = module.group.info.help if hasattr(module, "group") else module.command.__doc__
        assert (told or "").startswith(says.removesuffix("."))
