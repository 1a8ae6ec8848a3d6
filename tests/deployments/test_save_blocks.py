"""Blocks from files: the examples are right, secrets come from the environment only."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from blocks.registry import BLOCK_TYPES
from deployments.save_blocks import BlockFile, read_block_file, save
from pipeline.errors import ConfigurationError
from tests.prefect_server import ROOT, PrefectServer

EXAMPLES = sorted((ROOT / "deployments" / "blocks").glob("*.yaml"))
SECRET = "canary-2c9b"


def written(folder: Path, text: str) -> Path:
    path = folder / "block.yaml"
    path.write_text(text)
    return path


def test_an_example_for_each_type() -> None:
    """Every block type has one example file, whose fields it has."""
    types = {each.get_block_type_slug(): each for each in BLOCK_TYPES}
    everything = {name: "1" for path in EXAMPLES for name in _variables(path)}
    files = [read_block_file(path, everything) for path in EXAMPLES]
    assert sorted(each.type for each in files) == sorted(types)
    for each in files:
        assert set(each.values) <= set(types[each.type].model_fields)


def test_examples_hold_no_secret() -> None:
    """Every secret field of an example is a variable and nothing else."""
    types = {each.get_block_type_slug(): each for each in BLOCK_TYPES}
    for path in EXAMPLES:
        empty = dict.fromkeys(_variables(path), "")
        block = read_block_file(path, dict.fromkeys(empty, "MARK"))
        for name in types[block.type].model_json_schema()["secret_fields"]:
            values = block.values.get(name.removesuffix(".*"), "MARK")
            for value in values.values() if isinstance(values, dict) else [values]:
                assert value == "MARK"


def _variables(path: Path) -> set[str]:
    return set(re.findall(r"\$\{(\w+)", path.read_text()))


def test_default_and_missing(tmp_path: Path) -> None:
    """A variable may have a default; all that are missing are named at once."""
    path = written(tmp_path, "type: t\nname: n\nvalues: {a: '${A:-x}', b: ['${B}'], c: 'c-${C}'}\n")
    assert read_block_file(path, {"B": "1", "C": "2"}).values == {"a": "x", "b": ["1"], "c": "c-2"}
    with pytest.raises(ConfigurationError, match=r"not set: B, C\."):
        read_block_file(path, {})


def test_other_keys(tmp_path: Path) -> None:
    """A file with a misspelled key is refused."""
    with pytest.raises(ConfigurationError, match="exactly the keys"):
        read_block_file(written(tmp_path, "type: t\nname: n\nvalue: {}\n"), {})


async def test_wrong_field_or_value() -> None:
    """What does not fit the type is named, and a secret among it is not repeated."""
    with pytest.raises(ConfigurationError, match="has no field hots"):
        await save(BlockFile("navigator-database", "x", {"hots": "db"}))
    with pytest.raises(ConfigurationError, match="none of"):
        await save(BlockFile("navigator-nothing", "x", {}))
    with pytest.raises(ConfigurationError, match="password") as refused:
        values = {"host": "h", "database": "d", "username": "u", "password": {"a": SECRET}}
        await save(BlockFile("navigator-database", "x", values))
    assert SECRET not in str(refused.value)


def test_saved_by_the_command(prefect_server: PrefectServer) -> None:
    """The command of docs/deployment.md saves the example, and the server shows no secret of it."""
    done = subprocess.run(
        [sys.executable, "-m", "deployments.save_blocks",
         "deployments/blocks/openai-embedder.yaml"],
        env=prefect_server.environment | {"OPENAI_API_KEY": SECRET},
        cwd=ROOT, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "navigator-openai-embedder/default\n"), done.stderr
    address = "/block_types/slug/navigator-openai-embedder/block_documents/name/default"
    kept = httpx.get(prefect_server.url + address)
    assert kept.json()["data"]["model"] == "text-embedding-3-small"
    assert SECRET not in kept.text
