"""The Python interface on a real database, with real ingests in their processes."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from decimal import Decimal
from pathlib import Path

import psutil
import pytest

import insurance_navigator
from insurance_navigator import (
    AsyncNavigator,
    ConfigurationError,
    IngestResult,
    Navigator,
    UsageError,
    results,
)
from tests.prefect_server import PrefectServer
from tests.rooms import ROOT

POLICY = "# Policy {0}\n\n## Exclusions\n\n{1}\n"
WORDS = "Policy {0} does not cover loss or damage caused by earth movement or flood. " * 12
MakeNavigator = Callable[..., Navigator]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two policies, a broken one, and a file of another type."""
    made = tmp_path_factory.mktemp("policies")
    for number in (1, 2):
        (made / f"policy-{number}.md").write_text(POLICY.format(number, WORDS.format(number)))
    (made / "broken.pdf").write_bytes(b"%PDF-1.7\nnothing of it is left")
    (made / "picture.png").write_bytes(b"\x89PNG")
    return made


@pytest.fixture(scope="module")
def settings(
    prefect_server: PrefectServer,
    module_database_url: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[dict[str, object]]:
    """Settings as a program gives them; Prefect's come from the environment."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("PREFECT_API_URL", "PREFECT_HOME"):
            patch.setenv(name, prefect_server.environment[name])
        yield {
            "home": tmp_path_factory.mktemp("home"),
            "database_url": module_database_url,
            "parse_workers": 1,
            "batch_size": 20,
            "chunk_tokens": 64,
            "chunk_overlap_tokens": 8,
            "user": "anna",
        }


@pytest.fixture(scope="module")
def navigator(settings: dict[str, object]) -> Iterator[Navigator]:
    """A Navigator that is open for all tests of the module."""
    with Navigator(**settings) as opened:
        yield opened


@pytest.fixture(scope="module")
def ingested(navigator: Navigator, folder: Path) -> IngestResult:
    """The folder taken in."""
    return navigator.ingest(folder, tags=["policies"])


def test_an_ingest_tells_of_each_document(ingested: IngestResult) -> None:
    """Published documents have figures, a failed one has its reason and remedy."""
    by_name = {each.document: each for each in ingested.documents}
    assert by_name["policy-1.md"].status == "published"
    assert by_name["broken.pdf"].status == "failed"
    problem = by_name["broken.pdf"].problem
    assert problem is not None
    assert (problem.code, bool(problem.message), bool(problem.remedy)) == (
        "file_is_broken", True, True,
    )  # fmt: skip
    assert (ingested.all_fine, dict(ingested.skipped)) == (False, {".png": 1})
    assert [each.document for each in ingested.with_status("failed")] == ["broken.pdf"]


def test_settings_given_by_keyword_reach_the_run(ingested: IngestResult) -> None:
    """Chunks are of the 64 tokens that were given, not of the 400 of the default."""
    assert all((each.chunks or 0) > 2 for each in ingested.with_status("published"))


async def test_a_search_works_where_a_loop_runs_already(
    navigator: Navigator, ingested: IngestResult
) -> None:
    """As in a notebook: the call blocks and gets passages with their document and role."""
    found = navigator.search("Is damage by an earthquake covered?", limit=2, roles=["exclusion"])
    assert len(found.passages) == 2
    assert found.passages[0].document in ("policy-1.md", "policy-2.md")
    assert (found.passages[0].role, found.published) == ("exclusion", 2)
    only = navigator.search("earth movement", document="policy-2.md", mode="text").passages
    assert {each.document for each in only} == {"policy-2.md"}


def test_a_search_with_context_brings_companions(
    navigator: Navigator, ingested: IngestResult
) -> None:
    """The rest of the section that a passage was cut from, with why it is there."""
    options = {"document": "policy-1.md", "limit": 1}
    [alone] = navigator.search("earth movement", **options).passages  # type: ignore[arg-type]
    assert alone.companions == ()
    [passage] = navigator.search(
        "earth movement", document="policy-1.md", limit=1, context=True
    ).passages
    reasons = ", ".join(each.reason for each in passage.companions)
    assert "in the clause" in reasons
    assert {each.document for each in passage.companions} == {"policy-1.md"}
    room = navigator.search("flood", limit=1, context=True, context_characters=1).passages[0]
    assert (room.companions, room.companions_left_out > 0) == ((), True)


async def test_coroutines_run_at_the_same_time(
    settings: dict[str, object], ingested: IngestResult
) -> None:
    """Calls of one AsyncNavigator share its database."""
    async with AsyncNavigator(**settings) as navigator:
        status, listed, found = await asyncio.gather(
            navigator.status(), navigator.documents(state="failed"), navigator.search("flood")
        )
    assert dict(status.documents) == {"published": 2, "failed": 1}
    assert [each.document for each in listed.documents] == ["broken.pdf"]
    assert listed.documents[0].tags == ("policies",)
    assert found.passages


def test_another_user_sees_nothing(navigator: Navigator, ingested: IngestResult) -> None:
    """Each call may name a user, who has documents of their own."""
    assert navigator.search("flood", user="bert").published == 0
    assert navigator.documents(user="bert").total == 0


def test_a_plan_stores_nothing(
    navigator: Navigator, ingested: IngestResult, tmp_path: Path
) -> None:
    """It says what an ingest would do with a new file and with one that is published."""
    new = tmp_path / "policy-3.md"
    new.write_text(POLICY.format(3, WORDS.format(3)))
    source = next(each.source for each in ingested.documents if each.status == "published")
    (tmp_path / "draft.md").write_text("# A draft\n")
    plan = navigator.plan([tmp_path, source], exclude=["draft*"])
    assert {each.outcome for each in plan.documents} == {"new", "unchanged"}
    assert plan.cost_usd == Decimal(0)
    assert navigator.documents().total == 3


def test_a_deleted_document_is_found_no_more(navigator: Navigator, ingested: IngestResult) -> None:
    """One name that is unknown keeps all of the others."""
    with pytest.raises(UsageError, match=r"There is no document 'nowhere\.md'"):
        navigator.delete(["broken.pdf", "nowhere.md"])
    deleted = navigator.delete("broken.pdf")
    assert (len(deleted.documents), deleted.passages) == (1, 0)
    assert navigator.documents().total == 2


@pytest.mark.long
async def test_a_cancelled_ingest_gives_its_documents_back(
    settings: dict[str, object], ingested: IngestResult, tmp_path: Path
) -> None:
    """The run is stopped as by Ctrl-C, and no process of it is left."""
    for number in range(40):
        (tmp_path / f"claim-{number}.md").write_text(POLICY.format(number, WORDS.format(number)))
    async with AsyncNavigator(**{**settings, "user": "carl", "batch_size": 1}) as navigator:
        running = asyncio.create_task(navigator.ingest(tmp_path))
        await _some_documents(navigator)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        status = await navigator.status()
    assert status.runs[0].stopped == "A person stopped the run."
    assert set(status.documents) <= {"published", "waiting", "stopped"}
    assert status.documents.get("published", 0) < 40
    left = [each.cmdline() for each in psutil.Process().children(recursive=True)]
    assert not [command for command in left if "app.ingestion_process" in command]


def test_errors_of_an_ingest_cross_its_process(navigator: Navigator, tmp_path: Path) -> None:
    """They arrive as what they are, with their remedy."""
    with pytest.raises(UsageError, match="There is no file or folder") as raised:
        navigator.ingest(tmp_path / "nowhere")
    assert raised.value.remedy


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"chunk_token": 300}, "There is no setting 'chunk_token'. Did you mean chunk_tokens?"),
        ({"chunk_tokens": "many"}, "NAVIGATOR_CHUNK_TOKENS"),
    ],
)
def test_a_wrong_setting_is_told_at_once(given: dict[str, object], says: str) -> None:
    """A setting that does not exist, or is wrong, is told where the Navigator is made."""
    with pytest.raises(ConfigurationError) as raised:
        Navigator(**given)
    assert says in raised.value.message


@pytest.mark.parametrize(
    ("question", "options", "says"),
    [
        (" ", {}, "The question is empty."),
        ("flood", {"roles": ["excluded"]}, "There is no role 'excluded'."),
        ("flood", {"mode": "words"}, "There is no mode 'words'."),
        ("flood", {"limit": 0}, "The limit is less than one passage."),
        (
            "flood",
            {"context": True, "context_characters": -1},
            "The context cannot have -1 characters.",
        ),
    ],
)
def test_a_wrong_question_is_told(
    navigator: Navigator, question: str, options: dict[str, object], says: str
) -> None:
    """What cannot be searched for is a sentence, before anything is asked."""
    with pytest.raises(UsageError) as raised:
        navigator.search(question, **options)  # type: ignore[arg-type]
    assert raised.value.message == says


@pytest.mark.parametrize("cap", ["much", "nan", -1])
def test_a_wrong_cap_is_told(navigator: Navigator, folder: Path, cap: str | int) -> None:
    """What is no sum of money starts no ingest."""
    with pytest.raises(UsageError, match="max_cost_usd is no sum of money"):
        navigator.ingest(folder, max_cost_usd=cap)


def test_both_navigators_have_the_same_methods() -> None:
    """Names, arguments and documentation; only one of them waits."""

    told = [
        {
            name: (str(inspect.signature(each)), each.__doc__)
            for name, each in _methods(kind).items()
        }
        for kind in (Navigator, AsyncNavigator)
    ]
    for each in told:
        assert each.pop("close")
    assert told[0] == told[1]


def test_the_page_names_everything() -> None:
    """docs/python.md lists every method, every result with its fields, and every error."""
    page = (ROOT / "docs" / "python.md").read_text("utf-8")
    for name in insurance_navigator.__all__:
        assert f"`{name}`" in page, name
    for name, each in _methods(AsyncNavigator).items():
        _, *named = inspect.signature(each).parameters.values()
        keywords = [n.name for n in named if n.kind is n.KEYWORD_ONLY]
        plain = [n.name for n in named if n.kind is not n.KEYWORD_ONLY]
        given = [*plain, *(["*", *keywords] if keywords else [])]
        assert f"| `{name}({', '.join(given)})` |" in page, name
    for kind in vars(results).values():
        # those of other modules are described where the page links to
        if not isinstance(kind, type) or kind.__module__ != results.__name__:
            continue
        if is_dataclass(kind):
            [row] = [line for line in page.splitlines() if line.startswith(f"| `{kind.__name__}`")]
            assert all(f"`{field.name}`" in row for field in fields(kind)), kind.__name__


def _methods(kind: type) -> dict[str, Callable[..., object]]:
    return {
        name: each
        for name, each in vars(kind).items()
        if inspect.isfunction(each) and not name.startswith("_")
    }


async def _some_documents(navigator: AsyncNavigator) -> None:
    async with asyncio.timeout(120):
        while not (await navigator.status()).documents:  # noqa: ASYNC110 - another process makes them
            await asyncio.sleep(0.1)
