"""Validating a batch: texts are judged once, and without a verdict nothing is written."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn
from uuid import uuid4

import pytest

from pipeline.errors import BrokenGate
from pipeline.identity import user_id
from pipeline.states import JobState
from stages import batch, validating
from tests.flows.corpus import Opener, policy, query, states
from tests.ingesting import accept, lose_text, parsed

ANNA = user_id("anna")
RESULTS = "SELECT count(*) AS number FROM upload_pipeline.quality_results"


@pytest.mark.parametrize("again", [False, True], ids=["as-parsed", "read-again"])
async def test_a_text_is_judged_the_same_whenever_it_is_read(
    local: Opener, folder: Path, again: bool
) -> None:
    """By what the parser measured just now, or by the stored text in a later run."""
    policy(folder, "good")
    (folder / "garbage.md").write_text("\ufffd\x00\ufffd" * 400)
    async with local() as services:
        jobs = await accept(services, [folder], ANNA)
        async with batch.claim_batch(services, jobs, uuid4()) as held:
            references = await parsed(services, held)
            waiting = await batch.jobs_at(services, held, JobState.PARSED)
            done, results = await validating.validate(services, held, () if again else references)
        assert done.advanced == 1
        assert len(results) == 1
        found = await states(services)
        assert found["good.md"] == "parse_validated"
        assert found["garbage.md"] in ("quarantined", "failed_parse")
        assert done.failed == len(waiting) - 1


async def test_without_a_verdict_nothing_is_written(
    local: Opener, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gate that breaks leaves every job where it was; the next try judges it."""
    policy(folder, "good")

    async def broken(*_: object) -> NoReturn:
        raise BrokenGate("The suite could not be run.")

    async with local() as services:
        jobs = await accept(services, [folder], ANNA)
        async with batch.claim_batch(services, jobs, uuid4()) as held:
            await parsed(services, held)
            with monkeypatch.context() as patched:
                patched.setattr(validating, "validate_rows", broken)
                with pytest.raises(BrokenGate):
                    await validating.validate(services, held)
            assert await states(services) == {"good.md": "parsed"}
            assert (await query(services, RESULTS))[0]["number"] == 0
            await validating.validate(services, held)
        assert await states(services) == {"good.md": "parse_validated"}
        assert (await query(services, RESULTS))[0]["number"] > 0


async def test_a_text_that_is_gone_fails_alone(local: Opener, folder: Path) -> None:
    """The document says that its stored text is missing; the others are judged."""
    policy(folder, "good")
    policy(folder, "gone")
    async with local() as services:
        jobs = await accept(services, [folder], ANNA)
        async with batch.claim_batch(services, jobs, uuid4()) as held:
            await parsed(services, held)
            await lose_text(services, held, JobState.PARSED, "gone.md")
            done, _ = await validating.validate(services, held)
        assert (done.advanced, done.failed) == (1, 1)
        assert await states(services) == {
            "good.md": "parse_validated", "gone.md": "failed_validation",
        }  # fmt: skip
