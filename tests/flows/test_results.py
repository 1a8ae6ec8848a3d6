"""Results of tasks: JSON of one form on disk, and nothing else is ever read back."""

from __future__ import annotations

import base64
import importlib
import json
import math
import pkgutil
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any
from uuid import uuid4

import cloudpickle
import pytest
from prefect import Flow, Task
from prefect.filesystems import LocalFileSystem
from prefect.results import ResultStore
from prefect.serializers import JSONSerializer
from prefect.settings import PREFECT_LOCAL_STORAGE_PATH, temporary_settings

import flows
from flows.results import PlainResults, ReferencesSerializer
from pipeline.job_notes import JobNote
from pipeline.parsing.assessment.validation import TextAssessment
from stages.parsing import ParseReference
from tests.flows.corpus import policy
from tests.flows.working import Account, Worker, start_worker
from tests.prefect_server import PrefectServer

KEY = "0" * 64


def reference(**changed: Any) -> ParseReference:
    """A reference with every kind of value that it can hold."""
    kinds: dict[object, Any] = {"int": 3, "float": math.nan, "str": "en", "tuple[int, ...]": (1, 2)}
    assessment = TextAssessment(**{each.name: kinds[each.type] for each in fields(TextAssessment)})
    note = JobNote("not_read", True, "Page 2 was not read.", (2,), "Look there in the original.")
    values: dict[str, Any] = {
        "assessment": assessment,
        "notes": (note,),
        "failure": ("file_is_encrypted", "It is."),
    }
    return ParseReference(uuid4(), "parsed/x", "application/pdf", None, **(values | changed))


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[Path]:
    """Prefect's folder of results."""
    folder = tmp_path / "storage"
    folder.mkdir()
    with temporary_settings({PREFECT_LOCAL_STORAGE_PATH: folder}):
        yield folder


def everything() -> list[Task[..., Any] | Flow[..., Any]]:
    """Every task and flow of ours."""
    modules = [
        importlib.import_module(each.name)
        for each in pkgutil.walk_packages(flows.__path__, "flows.")
    ]
    found = {
        id(each): each
        for module in modules
        for each in vars(module).values()
        if isinstance(each, Task | Flow)
    }
    return list(found.values())


def test_no_task_and_no_flow_keeps_a_pickle() -> None:
    """Each keeps its result in JSON of one form, or keeps none, whatever Prefect's settings say."""
    assert len(everything()) >= 12
    for each in everything():
        if each.persist_result is False:
            assert each.result_serializer == "json", each.name
            continue
        assert isinstance(each.result_serializer, ReferencesSerializer), each.name
        assert isinstance(each.result_storage, PlainResults), each.name


async def test_references_come_back_as_they_were(storage: Path) -> None:
    """Written and read by Prefect's own store, they are the same, tuples, ids and NaN too."""
    whole, plain = reference(), reference(assessment=None, notes=(), failure=None)
    store = ResultStore(result_storage=PlainResults(), serializer=ReferencesSerializer())
    await store.awrite([whole, plain], key=KEY)
    record = json.loads((storage / KEY).read_text())
    assert record["metadata"]["serializer"] == {"type": "navigator-references"}
    assert isinstance(json.loads(record["result"]), list)
    fresh = ResultStore(result_storage=PlainResults(), serializer=ReferencesSerializer())
    assert await fresh.aexists(KEY)
    found = (await fresh.aread(KEY)).result
    assert found[1] == plain
    assert repr(found[0]) == repr(whole)  # NaN is not equal to itself


class Planted:
    """What runs a command of its author when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.marker,)


def plants(marker: Path) -> dict[str, bytes]:
    """Files that make Prefect run a stranger's code, or try to, when they are read."""
    pickled = base64.encodebytes(cloudpickle.dumps(Planted(marker))).decode()
    ours = {"type": "navigator-references"}
    decoder = {"type": "json", "object_decoder": "builtins.exec"}
    library = {"type": "json", "jsonlib": "planted_library"}
    return {
        "by-its-metadata": _record(pickled, {"serializer": {"type": "pickle"}}),
        "by-default": _record(pickled, {}),
        "old-form": json.dumps({"data": pickled, "serializer": {"type": "pickle"}}).encode(),
        "old-form-inside": json.dumps(
            {"metadata": {"serializer": ours}, "result": "[]", "serializer": {"type": "pickle"},
             "data": pickled}
        ).encode(),
        "twice": _record(pickled, {"serializer": ours})[:-1]
        + b',"metadata":' + json.dumps({"serializer": {"type": "pickle"}}).encode() + b"}",
        "json-with-a-decoder": _record('{"a": 1}', {"serializer": decoder}),
        "json-with-a-library": _record("[]", {"serializer": library}),
        "json": _record('{"__exc_type__": "builtins.SystemExit", "message": "x"}',
                        {"serializer": {"type": "json"}}),
        "bare": cloudpickle.dumps(Planted(marker)),
        "bare-base64": pickled.encode(),
        "empty": b"",
        "a-list": b"[]",
    }  # fmt: skip


def _record(result: str, metadata: dict[str, Any]) -> bytes:
    return json.dumps({"metadata": metadata, "result": result}).encode()


@pytest.mark.parametrize("kind", plants(Path()))
async def test_what_is_planted_is_not_read(
    storage: Path, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever lies under a result's name, nothing of it runs: to Prefect it is not there."""
    marker = tmp_path / "executed"
    (tmp_path / "planted_library.py").write_text(f"open({str(marker)!r}, 'w').close()\n")
    monkeypatch.syspath_prepend(tmp_path)
    (storage / KEY).write_bytes(plants(marker)[kind])
    store = ResultStore(result_storage=PlainResults(), serializer=ReferencesSerializer())
    assert not await store.aexists(KEY)
    with pytest.raises(ValueError):
        await store.aread(KEY)
    assert not store.exists(KEY)
    with pytest.raises(ValueError):
        store.read(KEY)
    assert not marker.exists()


async def test_prefect_alone_would_execute_it(storage: Path, tmp_path: Path) -> None:
    """The same file in Prefect's own folder runs, also for a task whose serializer is JSON."""
    marker = tmp_path / "executed"
    (storage / KEY).write_bytes(plants(marker)["by-its-metadata"])
    folder = LocalFileSystem(basepath=str(storage))
    store = ResultStore(result_storage=folder, serializer=JSONSerializer())
    await store.aexists(KEY)
    assert marker.exists()


@pytest.mark.slow
def test_a_planted_result_makes_the_task_run_again(
    worker: Worker,
    account: Account,
    prefect_server: PrefectServer,
    variables: dict[str, str],
    tmp_path: Path,
) -> None:
    """In a real run results are JSON; a pickle in their place is passed over and replaced."""
    path, marker = policy(tmp_path, "planted"), tmp_path / "executed"
    folder = prefect_server.folder / "client" / "storage"
    before = set(folder.glob("*"))
    assert worker.run("ingest", {"paths": [str(path)]})["name"] == "Completed"
    kept = set(folder.glob("*")) - before
    assert kept
    for file in kept:
        record = json.loads(file.read_bytes())
        assert record["metadata"]["serializer"] == {"type": "navigator-references"}
        file.write_bytes(plants(marker)["by-its-metadata"])
    original = path.read_bytes()
    fresh = start_worker(tmp_path, prefect_server.environment, variables)
    try:
        for content in (original + b"\nOne more line.\n", original):
            path.write_bytes(content)
            assert fresh.run("ingest", {"paths": [str(path)]})["name"] == "Completed"
    finally:
        fresh.end()
    assert not marker.exists()
    for file in kept:
        assert json.loads(file.read_bytes())["metadata"]["serializer"]["type"] != "pickle"
