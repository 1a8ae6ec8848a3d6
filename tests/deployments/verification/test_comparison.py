"""Each part of a baseline, held against what was found: every difference is a finding."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
import sqlalchemy as sa

from deployments.environment import FlowDeployment
from deployments.verification.comparison import (
    compare_answers,
    compare_contracts,
    compare_deployments,
    compare_documents,
    compare_release,
    compare_settings,
    compare_structure,
    judge_connections,
)
from deployments.verification.findings import Finding, Outcome
from deployments.verification.settings_facts import REDACTED, settings_facts
from pipeline.chunk_sizes import RECOMMENDED, UNREMEMBERED
from pipeline.settings import load_settings
from pipeline.store.engine import Database
from pipeline.store.schema import SCHEMA
from pipeline.store.structure import read_structure
from stages.transport_findings import State, TransportFinding
from tests.deployments.verification.making import DOCUMENT, contracts, corpus, deployment


def wrong(findings: Iterable[Finding]) -> list[str]:
    """The names of what failed; each says what to do."""
    found = [each for each in findings if each.outcome is Outcome.FAILED]
    assert all(each.remedy and each.expected != each.found for each in found)
    return [each.name for each in found]


STRUCTURE_CHANGES = {
    "a dropped policy": f"DROP POLICY reader ON {SCHEMA}.documents",
    "a missing index": f"DROP INDEX {SCHEMA}.uploads_user_id_idx",
    "another index": f"CREATE INDEX another ON {SCHEMA}.uploads (name)",
    "a column more": f"ALTER TABLE {SCHEMA}.documents ADD COLUMN note text",
    "security not forced": f"ALTER TABLE {SCHEMA}.documents NO FORCE ROW LEVEL SECURITY",
}


@pytest.mark.parametrize("change", STRUCTURE_CHANGES.values(), ids=STRUCTURE_CHANGES)
async def test_structure(database: Database, change: str) -> None:
    """A change of the database by hand is one finding, and without it there is none."""
    before = (await read_structure(database)).as_json()
    assert wrong(compare_structure(before, before)) == []
    async with database.owner() as connection:
        await connection.execute(sa.text(change))
    after = (await read_structure(database)).as_json()
    assert len(wrong(compare_structure(before, after))) == 1


async def test_extension_version(database: Database) -> None:
    """Another version of pgvector than the baseline's is a finding."""
    found = (await read_structure(database)).as_json()
    before = {**found, "facts": {**found["facts"], "extension": {"vector": "0.1.0"}}}
    assert wrong(compare_structure(before, found)) == ["extension vector"]


def test_settings() -> None:
    """A setting that has to be equal is judged; an address is told."""
    found = list(
        compare_settings({"chunk_tokens": 400, "home": "/a"}, {"chunk_tokens": 300, "home": "/b"})
    )
    assert wrong(found) == ["chunk_tokens"]
    assert [each.name for each in found if each.outcome is Outcome.TOLD] == ["home"]


def test_missing_key_is_noticed() -> None:
    """A key that is not set is a difference, though no key is ever in a baseline."""
    with_key = settings_facts(load_settings(openai_api_key="sk-very-secret-key"), RECOMMENDED)
    assert with_key["openai_api_key"] == REDACTED
    assert "very-secret" not in str(with_key)
    without = settings_facts(load_settings(), RECOMMENDED)
    assert "openai_api_key" in wrong(compare_settings(with_key, without))


def test_remembered_sizes_are_compared_as_set_ones() -> None:
    """What an installation remembers of chunks is judged, whether a setting says it or not."""
    began = settings_facts(load_settings(), UNREMEMBERED)
    chosen = settings_facts(load_settings(chunk_tokens=400), UNREMEMBERED)
    assert wrong(compare_settings(began, chosen)) == []
    new = settings_facts(load_settings(), RECOMMENDED)
    assert wrong(compare_settings(began, new)) == ["chunk_tokens"]


def test_password_in_an_address_is_redacted() -> None:
    """An address is kept without its password."""
    url = "https://user:hunter2hunter2@example.com/v1"
    facts = settings_facts(load_settings(openai_base_url=url), RECOMMENDED)
    assert "hunter2" not in str(facts)
    assert "example.com" in facts["openai_base_url"]


DECLARED = {"ingest": FlowDeployment(flow="ingest", description="", limit=1)}


@pytest.mark.parametrize("change", [{"entrypoint": "x"}, {"parameters": {"a": 1}}, {"form": "g"}])
def test_deployment_differs(change: dict[str, object]) -> None:
    """Another flow, other parameters or another form is a finding."""
    found = {"ingest": deployment(**change)}
    assert wrong(compare_deployments({"ingest": deployment()}, found, DECLARED)) == ["ingest"]


def test_deployment_missing() -> None:
    """A deployment that is not there is a finding."""
    assert wrong(compare_deployments({"ingest": deployment()}, {}, DECLARED)) == ["ingest"]


def test_parameters_are_the_environments() -> None:
    """What an environment gives a deployment is compared with what it declares."""
    declared = {"ingest": DECLARED["ingest"].model_copy(update={"parameters": {"a": 1}})}
    found = {"ingest": deployment(parameters={"a": 1})}
    assert wrong(compare_deployments({"ingest": deployment()}, found, declared)) == []
    plain = {"ingest": deployment()}
    assert wrong(compare_deployments(plain, plain, declared)) == ["ingest"]


@pytest.mark.parametrize(
    "declared", [{}, {"ingest": DECLARED["ingest"].model_copy(update={"enabled": False})}]
)
def test_deployment_that_the_environment_has_not(declared: dict[str, FlowDeployment]) -> None:
    """One that is not declared, or switched off, is told."""
    [told] = compare_deployments({"ingest": deployment()}, {}, declared)
    assert told.outcome is Outcome.TOLD


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"model": "other"}, "embedder model"),
        ({"dimension": 4}, "embedder dimension"),
        ({"norm": 2.0}, "embedder norm"),
        ({"tokens": 12}, "embedder usage"),
        ({"has_request_id": True}, "embedder has_request_id"),
        ({"vector": (0.8, 0.6, 0.0)}, "embedder vector"),
        ({"vector": (0.6, 0.8)}, "embedder vector"),
    ],
)
def test_wrong_model(change: dict[str, object], name: str) -> None:
    """A model that answers otherwise than the recorded one is a finding."""
    assert wrong(compare_contracts(contracts(), contracts(**change))) == [name]


def test_rounding_is_no_other_model() -> None:
    """A vector that differs in its last digits is the same model's."""
    found = contracts(vector=(0.60001, 0.79999, 0.0))
    assert wrong(compare_contracts(contracts(), found)) == []


@pytest.mark.parametrize(
    "change",
    [
        {"state": "quarantined"},
        {"text": "bb"},
        {"error": "x"},
        {"gaps": ("page_not_read",)},
        {"chunks": (("1", "x"),)},
        {"chunks": (("2", "y"), ("1", "x"))},
        {"chunks": (("9", "x"), ("2", "y"))},
    ],
)
def test_document_differs(change: dict[str, object]) -> None:
    """Another end, text, gap, chunk, order or id of a chunk is a finding."""
    found = corpus(documents={"policy.md": DOCUMENT.model_copy(update=change)})
    assert wrong(compare_documents(corpus(), found)) == ["policy.md"]


def test_document_that_ends_in_several_ways() -> None:
    """A document that is not the same each time is a finding, though the first time was right."""
    assert wrong(compare_documents(corpus(), corpus(varying=("policy.md",)))) == ["policy.md"]


def test_document_missing_or_extra() -> None:
    """Every document of either side is looked at."""
    found = corpus(documents={"other.md": DOCUMENT})
    assert wrong(compare_documents(corpus(), found)) == ["other.md", "policy.md"]


def test_answers_in_another_order() -> None:
    """The same passages in another order are another answer."""
    [answer] = corpus().answers
    turned = answer.model_copy(update={"passages": ("2", "1")})
    assert wrong(compare_answers(corpus(), corpus(answers=(turned,)))) == ["What?"]
    assert wrong(compare_answers(corpus(), corpus(answers=()))) == ["What?"]
    assert wrong(compare_answers(corpus(), corpus())) == []


def test_a_stranger_may_find_nothing() -> None:
    """One passage that another user is given is a finding."""
    assert wrong(compare_answers(corpus(), corpus(stranger=1))) == ["a stranger's question"]


@pytest.mark.parametrize(
    ("releases", "outcome"),
    [(("r2",), Outcome.OK), (("r1",), Outcome.FAILED), ((None,), Outcome.FAILED),
     (("r1", "r2"), Outcome.FAILED), ((), Outcome.FAILED)],
)  # fmt: skip
def test_release(releases: tuple[str | None, ...], outcome: Outcome) -> None:
    """Only canaries that the release's own workers worked on verify it."""
    assert compare_release("r2", corpus(releases=releases)).outcome is outcome
    assert compare_release(None, corpus(releases=releases)).outcome is Outcome.TOLD


def test_a_plain_connection_is_a_failure() -> None:
    """One without TLS that leaves the machine fails; what is allowed by exception is told."""
    found = judge_connections(
        [
            TransportFinding("Postgres", State.OK, "this machine"),
            TransportFinding("storage", State.NOTE, "plain, by exception", "Use TLS."),
            TransportFinding("OpenAI", State.PROBLEM, "plain", "Use https://."),
        ]
    )
    assert [each.outcome for each in found] == [Outcome.OK, Outcome.TOLD, Outcome.FAILED]
    assert (found[2].expected, found[2].remedy) == ("TLS", "Use https://.")
