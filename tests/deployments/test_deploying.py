"""Deployments step by step, on a real database: noted, verified, or taken back.

What a release's code does, its services and the verification are small stand-ins here; the whole
is in `test_rollouts.py`.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from clients.storage.object_storage import Storage
from deployments.environment import Environment
from deployments.releases.archive import Packed
from deployments.releases.deploying import Deployer
from deployments.releases.deployment_parts import Verdict
from deployments.releases.installed import InstalledRelease
from pipeline.errors import NavigatorError, ServiceUnavailable, UsageError
from pipeline.identity import sha256_hex
from pipeline.settings import Settings
from pipeline.store import rollouts
from pipeline.store.database_urls import Addresses
from pipeline.store.engine import Database
from pipeline.store.rollouts import Step
from tests.deployments.test_releases import packed

ENVIRONMENT = Environment.model_validate(
    {"name": "mine", "prefect": {"api_url": "http://127.0.0.1:1/api"}}
)


class Killed(BaseException):
    """The process dies here."""


@dataclass
class World:
    """What is outside of the deployer: it does what it is told, and writes it down.

    Attributes:
        fails: what raises, by the words that are written down for it.
    """

    done: list[str] = field(default_factory=list)
    fails: dict[str, BaseException] = field(default_factory=dict)
    bad: set[str] = field(default_factory=set)

    def note(self, what: str) -> None:
        self.done.append(what)
        if (error := self.fails.get(what)) is not None:
            raise error

    async def require(self) -> None:
        self.note("require")

    async def switch(self, release: InstalledRelease | None, environment: Environment) -> None:
        self.note(f"switch {names.get(release.id) if release else None}")

    async def verify(
        self, environment: Environment, variables: Mapping[str, str], baseline: bytes,
        release: str | None,
    ) -> Verdict:  # fmt: skip
        self.note(f"verify {names[release or '']}")
        return Verdict({}, "it is slower" if names[release or ""] in self.bad else "")


@dataclass
class Steps:
    """What a release's code does."""

    world: World
    release: InstalledRelease
    environment: Environment

    async def expand(self) -> str:
        self.world.note(f"expand {names[self.release.id]}")
        return "0011"

    async def go_back(self, revision: str) -> None:
        self.world.note(f"back to {revision} by {names[self.release.id]}")

    async def contract(self, needed: str) -> list[str]:
        self.world.note(f"contract {needed}")
        return []

    async def deploy_flows(self) -> None:
        self.world.note(f"flows {names[self.release.id]}")

    async def renew(self, since: datetime) -> None:
        assert since <= datetime.now(UTC)
        self.world.note(f"renew {names[self.release.id]}")


names: dict[str, str] = {}


def release(name: str) -> Packed:
    """A release with a baseline, known by a short name."""
    baseline = b"{}"
    made = packed(f"print({name!r})", baseline_sha256=sha256_hex(baseline))
    names[made.release.id] = name
    return Packed(made.release, made.wheel, made.lock, baseline)


ONE, TWO = release("one"), release("two")


@pytest.fixture
def world() -> World:
    """Everything answers."""
    return World()


@asynccontextmanager
async def deployer_of(world: World, url: str, home: Path) -> AsyncIterator[Deployer]:
    """A deployer with connections of its own, as each process has."""
    database = Database(url, pool_size=2)
    try:
        yield Deployer(
            environment=ENVIRONMENT,
            given=dict(os.environ),
            settings=Settings(home=home),
            addresses=Addresses(url, None, None),
            database=database,
            storage=Storage((home / "objects").as_uri()),
            services=world,
            verify=world.verify,
            told=lambda sentence: None,
            steps_of=lambda release, environment, _: Steps(world, release, environment),
        )
    finally:
        await database.close()


@pytest.fixture
async def deployer(world: World, database_url: str, tmp_path: Path) -> AsyncIterator[Deployer]:
    """The deployer of an environment."""
    async with deployer_of(world, database_url, tmp_path) as made:
        yield made


async def ended(deployer: Deployer) -> list[tuple[str, str]]:
    """The rollouts, the newest first: release and how it ended."""
    async with deployer.database.service() as connection:
        found = await rollouts.history(connection, "mine")
    return [(names[each.release_id], each.step) for each in found]


async def test_a_release_goes_forward_in_order(deployer: Deployer, world: World) -> None:
    """Migrate, change, deploy, verify; the release is in the storage, and the steps are noted."""
    outcome = await deployer.deploy(ONE)
    assert outcome.is_verified
    assert world.done == ["require", "expand one", "switch one", "flows one", "verify one"]
    assert await ended(deployer) == [("one", "verified")]


async def test_the_second_release_contracts_what_the_first_needs_no_more(
    deployer: Deployer, world: World
) -> None:
    """What both know is what may be taken away."""
    await deployer.deploy(ONE)
    await deployer.deploy(TWO)
    assert world.done[-1] == "contract 0011"


async def test_what_is_not_verified_is_taken_back(deployer: Deployer, world: World) -> None:
    """Services first, then flows; what is back is verified, and the reason is kept."""
    await deployer.deploy(ONE)
    world.done.clear()
    world.bad = {"two"}
    outcome = await deployer.deploy(TWO)
    assert not outcome.is_verified
    assert world.done[4:] == ["verify two", "switch one", "flows one", "renew one", "verify one"]
    assert outcome.rollout.reason == "it is slower"
    assert outcome.after is not None
    assert outcome.after.passed
    assert await ended(deployer) == [("two", "rolled_back"), ("one", "verified")]


@pytest.mark.parametrize("step", ["expand two", "switch two", "flows two", "verify two"])
@pytest.mark.parametrize(
    "error", [ServiceUnavailable("It is away.", remedy="Wait."), ValueError("a bug")]
)
async def test_any_error_takes_it_back(
    deployer: Deployer, world: World, step: str, error: Exception
) -> None:
    """Also one that nobody foresaw."""
    await deployer.deploy(ONE)
    world.fails = {step: error}
    outcome = await deployer.deploy(TWO)
    assert outcome.rollout.step == Step.ROLLED_BACK
    assert ("It is away." in outcome.rollout.reason) or ("a bug" in outcome.rollout.reason)
    assert world.done[-4:] == ["switch one", "flows one", "renew one", "verify one"]


async def test_the_first_release_goes_back_to_what_is_installed(
    deployer: Deployer, world: World
) -> None:
    """There is nothing verified before it."""
    world.bad = {"one"}
    outcome = await deployer.deploy(ONE)
    assert outcome.rollout.step == Step.ROLLED_BACK
    assert world.done[-1] == "switch None"


async def test_what_is_missing_is_found_before_anything_is_changed(
    deployer: Deployer, world: World
) -> None:
    """It is refused; the release before goes on."""
    await deployer.deploy(ONE)
    world.done.clear()
    world.fails = {"require": ServiceUnavailable("Nothing runs there.", remedy="Start it.")}
    outcome = await deployer.deploy(TWO)
    assert outcome.rollout.step == Step.REFUSED
    assert outcome.rollout.reason == "Nothing runs there. Start it."
    assert world.done == ["require"]


async def test_a_release_without_a_baseline_is_refused(deployer: Deployer) -> None:
    """It could not be verified."""
    with pytest.raises(UsageError, match="no baseline"):
        await deployer.deploy(Packed(ONE.release, ONE.wheel, ONE.lock))


@pytest.mark.parametrize(
    "place", ["expand two", "switch two", "flows two", "verify two", "switch one", "flows one"]
)
async def test_what_a_dead_process_left_is_taken_back_by_the_next(
    world: World, database_url: str, tmp_path: Path, place: str
) -> None:
    """Wherever it died, on the way forward or back; then the next release goes forward."""
    async with deployer_of(world, database_url, tmp_path) as first:
        await first.deploy(ONE)
        world.bad = {"two"} if place.endswith("one") else set()
        world.fails = {place: Killed()}
        with pytest.raises(Killed):
            await first.deploy(TWO)
    world.fails, world.bad = {}, set()
    async with deployer_of(world, database_url, tmp_path) as second:
        world.done.clear()
        outcome = await second.finish_abandoned()
        assert outcome is not None
        assert outcome.rollout.step == Step.ROLLED_BACK
        assert world.done == ["switch one", "flows one", "renew one", "verify one"]
        assert await second.finish_abandoned() is None
        assert (await second.deploy(TWO)).is_verified


async def test_the_next_deployment_takes_an_abandoned_one_back_first(
    world: World, database_url: str, tmp_path: Path
) -> None:
    """Nobody has to know of it: what is deployed next begins from what was verified."""
    async with deployer_of(world, database_url, tmp_path) as first:
        await first.deploy(ONE)
        world.fails = {"flows two": Killed()}
        with pytest.raises(Killed):
            await first.deploy(TWO)
    world.fails = {}
    async with deployer_of(world, database_url, tmp_path) as second:
        assert (await second.deploy(TWO)).is_verified
        assert await ended(second) == [
            ("two", "verified"), ("two", "rolled_back"), ("one", "verified"),
        ]  # fmt: skip


async def test_one_process_deploys_at_a_time(
    deployer: Deployer, world: World, database_url: str, tmp_path: Path
) -> None:
    """A second one says so, and takes nothing back."""
    async with (
        deployer_of(world, database_url, tmp_path) as other,
        rollouts.alone(other.database, "mine"),
    ):
        for work in (deployer.deploy(ONE), deployer.finish_abandoned(), deployer.go_back()):
            with pytest.raises(UsageError, match="Another process deploys to mine"):
                await work
    assert world.done == []


async def test_a_person_goes_back_to_what_was_verified_before(
    deployer: Deployer, world: World
) -> None:
    """It is deployed and verified again, without the schema; the other is marked as left."""
    await deployer.deploy(ONE)
    await deployer.deploy(TWO)
    world.done.clear()
    outcome = await deployer.go_back()
    assert outcome.is_verified
    assert world.done[:4] == ["require", "switch one", "flows one", "verify one"]
    assert await ended(deployer) == [
        ("one", "verified"), ("two", "superseded"), ("one", "verified"),
    ]  # fmt: skip


async def test_a_rollback_by_hand_that_is_refused_changes_nothing(
    deployer: Deployer, world: World
) -> None:
    """The release that a person wanted to leave still runs, and is still the verified one."""
    await deployer.deploy(ONE)
    await deployer.deploy(TWO)
    world.fails = {"require": ServiceUnavailable("Nothing runs there.", remedy="Start it.")}
    outcome = await deployer.go_back()
    assert outcome.rollout.step == Step.REFUSED
    assert await ended(deployer) == [("one", "refused"), ("two", "verified"), ("one", "verified")]


async def test_there_may_be_nothing_to_go_back_to(deployer: Deployer) -> None:
    """After the first release a person is told so."""
    await deployer.deploy(ONE)
    with pytest.raises(UsageError, match="No other release was verified"):
        await deployer.go_back()


async def test_a_rollback_that_fails_is_still_under_way(deployer: Deployer, world: World) -> None:
    """It is told, not ended: the next command tries again."""
    await deployer.deploy(ONE)
    world.bad = {"two"}
    world.fails = {"switch one": ServiceUnavailable("It does not come up.", remedy="Look.")}
    with pytest.raises(NavigatorError, match="does not come up"):
        await deployer.deploy(TWO)
    assert (await ended(deployer))[0] == ("two", "rolling_back")
    world.fails = {}
    outcome = await deployer.finish_abandoned()
    assert outcome is not None
    assert outcome.rollout.step == Step.ROLLED_BACK
