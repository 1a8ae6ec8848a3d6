"""The retrievers for LangChain and LlamaIndex, in an environment that has those packages."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.app.navigating import SAMPLES, Navigator
from tests.environments import interpreter
from tests.rooms import ROOT

LOCK = ROOT / "tests" / "retrievers.lock"
EXAMPLE = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
TRIED = ("homeowners-policy.pdf", "renters-policy.md")

BOTH = """
import asyncio
import json
from importlib import import_module
from uuid import UUID

from insurance_navigator import Navigator, UsageError

def texts(kind, retriever, question):
    if kind == "langchain":
        found = retriever.invoke(question), asyncio.run(retriever.ainvoke(question))
        return [[(e.page_content, e.metadata, e.id) for e in each] for each in found]
    found = retriever.retrieve(question), asyncio.run(retriever.aretrieve(question))
    return [[(e.node.text, e.node.metadata, e.node.node_id) for e in each] for each in found]

with Navigator() as navigator:
    for kind in ("langchain", "llamaindex"):
        made = import_module(f"insurance_navigator.{kind}").NavigatorRetriever
        for filters in ({}, {"limit": 2, "mode": "text"}, {"roles": ["exclusion"]},
                        {"document": "renters-policy.md"}, {"user": "ben"}, {"tags": ["none"]}):
            question = "Is flood covered?"
            asked = navigator.search(question, **filters).passages
            sync, later = texts(kind, made(navigator=navigator, **filters), question)
            assert sync == later
            assert [each[2] for each in sync] == [str(each.chunk_id) for each in asked]
            for (text, told, _), passage in zip(sync, asked, strict=True):
                assert text.endswith(passage.text)
                assert passage.context in text
                assert json.loads(json.dumps(told)) == told
                assert told["citation"].startswith(passage.document)
                assert UUID(told["document_id"]) == passage.document_id
                assert told["page_first"] == passage.page_first
                assert "text" not in told
            assert bool(asked) == (filters.get("user") is None and "tags" not in filters)
        try:
            texts(kind, made(navigator=navigator, document="nowhere.pdf"), "Is flood covered?")
        except UsageError as error:
            assert error.remedy
        else:
            raise AssertionError("a document that is not there was searched")
"""


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Navigator:
    """A home with two documents."""
    navigator = Navigator(tmp_path_factory.mktemp("retrievers") / "home")
    done = navigator("ingest", *(SAMPLES / name for name in TRIED))
    assert done.code == 0, done.err
    return navigator


def run(corpus: Navigator, program: str) -> None:
    """Run a program that has our packages, and those of the frameworks before them."""
    python = interpreter(LOCK)
    packages = next((python.parents[1] / "lib").glob("python*/site-packages"))
    variables = {"PYTHONPATH": os.pathsep.join((str(packages), str(ROOT)))}
    done = subprocess.run(
        [sys.executable, "-P", "-W", "ignore", "-c", program],
        env=corpus.environment | variables,
        cwd=corpus.home.parent, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.mark.long
@pytest.mark.timeout(600)
def test_retrievers_answer_as_search_does(corpus: Navigator) -> None:
    """Both, waiting or not, give the passages of the same search, with citations as plain JSON."""
    run(corpus, BOTH)


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("page", ["langchain.md", "llamaindex.md"])
def test_examples_run(corpus: Navigator, page: str) -> None:
    """Every example of the two pages runs as it stands there."""
    examples = EXAMPLE.findall((ROOT / "docs" / page).read_text("utf-8"))
    assert len(examples) == 3
    for example in examples:
        run(corpus, example)


@pytest.mark.parametrize(
    ("module", "name"), [("langchain", "LangChain"), ("llamaindex", "LlamaIndex")]
)
def test_a_missing_package_is_named(module: str, name: str, tmp_path: Path) -> None:
    """Without the framework the import says in one sentence what to install."""
    program = f"import insurance_navigator.{module}"
    done = subprocess.run(
        [sys.executable, "-P", "-c", program], env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=tmp_path, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    told = done.stderr.strip().splitlines()[-1]
    assert told == (
        f"ImportError: {name} is not installed. Install it: "
        f"pip install 'insurance-navigator[{module}]'"
    )
