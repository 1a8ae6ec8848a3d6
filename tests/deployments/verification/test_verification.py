"""An environment with a real server, a real worker and a real database, recorded and verified."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from deployments.environment import Environment
from deployments.environment_files import load_environment
from deployments.verification.baseline import Baseline, read_baseline
from deployments.verification.canary_flow import TAG
from deployments.verification.findings import Finding, Outcome, Verification
from deployments.verification.verifying import verify
from mocks import OpenAIMock
from pipeline.identity import CANARY
from pipeline.loopback import free_port
from pipeline.settings import Settings, load_settings
from pipeline.store.database_urls import driver_url
from tests.deployments.conftest import DeployedServer
from tests.prefect_server import ROOT, PrefectServer, end

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]

KEY = "sk-test"
RELEASE = "release-7"
COMMAND_SECONDS = 600


@dataclass
class Stage:
    """An environment called `stage`, whose worker runs a release."""

    server: PrefectServer
    deployed: DeployedServer
    openai: OpenAIMock
    folder: Path
    database_url: str
    worker: subprocess.Popen[bytes]

    @property
    def variables(self) -> dict[str, str]:
        """Of the commands: where the environment's file and its secrets are."""
        return self.server.environment | {
            "NAVIGATOR_ENVIRONMENTS": str(self.folder / "environments"),
            "STAGE_DATABASE_URL": self.database_url,
            "STAGE_OPENAI_KEY": KEY,
            "PYTHONPATH": str(ROOT),
        }

    @property
    def baseline(self) -> Path:
        """Where the module's baseline is kept: in the worker's home."""
        return self.folder / "home" / "baselines" / "stage.json"

    def start(self, *arguments: object) -> subprocess.Popen[str]:
        """Start a command of ours, outside the checkout."""
        return subprocess.Popen(
            [sys.executable, "-m", "app", *map(str, arguments)],
            env=self.variables, cwd=self.folder, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def run(self, *arguments: object) -> tuple[int, str, str]:
        """A command's exit code and what it printed."""
        process = self.start(*arguments)
        out, err = process.communicate(timeout=COMMAND_SECONDS)
        return process.returncode, out, err

    def rows(self, table: str = "documents") -> int:
        """Rows of the canaries' user."""
        url = driver_url(self.database_url).set(drivername="postgresql")
        with psycopg.connect(url.render_as_string(hide_password=False)) as connection:
            statement = f"SELECT count(*) FROM upload_pipeline.{table} WHERE user_id = %s"
            found = connection.execute(statement.encode(), [CANARY]).fetchone()
        assert found is not None
        return int(found[0])

    def until_canaries(self, process: subprocess.Popen[str]) -> None:
        """Wait until the canaries of a command are registered."""
        deadline = time.monotonic() + COMMAND_SECONDS
        while not self.rows():
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline, "no canary was taken in"
            time.sleep(0.05)


@pytest.fixture(scope="module")
def stage(
    prefect_server: PrefectServer,
    deployed: DeployedServer,
    module_database_url: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Stage]:
    """The environment with its baseline, recorded once by the command."""
    folder = tmp_path_factory.mktemp("stage")
    (folder / "environments").mkdir()
    with OpenAIMock() as openai:
        described = _environment(prefect_server.url, folder / "home", openai.base_url)
        (folder / "environments" / "stage.yaml").write_text(yaml.safe_dump(described))
        worker = _worker(prefect_server, folder, openai.base_url, module_database_url)
        made = Stage(prefect_server, deployed, openai, folder, module_database_url, worker)
        try:
            code, _, err = made.run("baseline", "record", "stage")
            assert code == 0, err
            yield made
        finally:
            end(worker)


def _environment(url: str, home: Path, openai: str) -> dict[str, Any]:
    """Times are judged where a test asks for it: the machine may be busy."""
    return {
        "extends": "base",
        "prefect": {"api_url": url},
        "settings": {
            "home": str(home), "embedder": "openai", "openai_base_url": openai, "parse_workers": 1,
        },
        "secrets": {
            "database_url": {"env": "STAGE_DATABASE_URL"},
            "openai_api_key": {"env": "STAGE_OPENAI_KEY"},
        },
        "verification": {
            "repetitions": 3, "slower_percent": 100_000, "max_cost_usd": 1,
            "within_seconds": 3000,
        },
    }  # fmt: skip


def _worker(server: PrefectServer, folder: Path, openai: str, url: str) -> subprocess.Popen[bytes]:
    environment = server.environment | {
        "NAVIGATOR_ENVIRONMENT": "stage",
        "STAGE_DATABASE_URL": url,
        "STAGE_OPENAI_KEY": KEY,
        "NAVIGATOR_ENVIRONMENTS": str(folder / "environments"),
        "NAVIGATOR_RELEASE": RELEASE,
        "NAVIGATOR_HOME": str(folder / "home"),
        "NAVIGATOR_EMBEDDER": "openai",
        "NAVIGATOR_PARSE_WORKERS": "1",
        "DATABASE_URL": url,
        "OPENAI_API_KEY": KEY,
        "OPENAI_BASE_URL": openai,
        "PYTHONPATH": str(ROOT),
    }
    with (folder / "worker.log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "app", "worker", "--limit", "4"],
            env=environment, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        )  # fmt: skip


async def verified(
    stage: Stage,
    rules: dict[str, Any] | None = None,
    baseline: Baseline | None = None,
    *,
    release: str | None = None,
    **settings: Any,
) -> Verification:
    """A verification in this process; the keywords are settings of it alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NAVIGATOR_ENVIRONMENTS", str(stage.folder / "environments"))
        environment = load_environment("stage")
    environment = _with_rules(environment, rules or {})
    with stage.server.in_this_process():
        return await verify(
            environment,
            _settings(stage, environment, settings),
            baseline or read_baseline(stage.baseline),
            release=release,
        )


def _with_rules(environment: Environment, rules: dict[str, Any]) -> Environment:
    changed = environment.verification.model_copy(update=rules)
    return environment.model_copy(update={"verification": changed})


def _settings(stage: Stage, environment: Environment, changes: dict[str, Any]) -> Settings:
    given = {"database_url": stage.database_url, "openai_api_key": KEY}
    return load_settings(**(environment.settings | given | changes))


def wrong(found: Verification, part: str | None = None) -> dict[str, Finding]:
    """What failed, by name."""
    return {each.name: each for each in found.wrong if part in (None, each.part)}


def test_command(stage: Stage) -> None:
    """The environment equals its own baseline: exit 0, JSON, a page, and nothing left."""
    page = stage.folder / "report.html"
    code, out, err = stage.run(
        "verify", "stage", "--baseline", stage.baseline, "--release", RELEASE, "--json",
        "--report", page,
    )  # fmt: skip
    assert code == 0, out + err
    told = json.loads(out)
    assert (told["outcome"], told["verified"]) == ("ok", True), told["summary"]
    assert {each["part"] for each in told["findings"]} == {
        "structure", "connections", "settings", "contracts", "deployments", "canaries", "answers",
        "release", "times",
    }  # fmt: skip
    assert told["cost_usd"] > 0
    assert told["summary"] in page.read_text("utf-8")
    assert stage.rows() == stage.rows("document_chunks") == stage.rows("run_jobs") == 0
    assert not list((stage.folder / "home" / "objects").rglob(f"{CANARY}/*/*"))
    tagged = {"flow_runs": {"tags": {"all_": [TAG]}}}
    assert stage.deployed.post("/flow_runs/filter", tagged) == []
    assert "Dropping event" not in (stage.server.folder / "server.log").read_text("utf-8")


def test_other_release(stage: Stage) -> None:
    """Canaries that a worker of another release worked on do not verify this one: exit 1."""
    code, out, _ = stage.run(
        "verify", "stage", "--baseline", stage.baseline, "--release", "release-8", "--json"
    )
    assert code == 1
    told = [each for each in json.loads(out)["findings"] if each["outcome"] == "failed"]
    assert [(each["part"], each["expected"], each["found"]) for each in told] == [
        ("release", "release-8", RELEASE)
    ]


async def test_slower_stage(stage: Stage) -> None:
    """A provider that takes some seconds more for each request is a slower stage, confirmed.

    The baseline's is set to the reference work's own time, so that a busy machine decides nothing:
    embedding takes two or three of these, and some twenty with the wait.
    """
    before = read_baseline(stage.baseline)
    set_times = tuple(
        each.model_copy(update={"stages": {**each.stages, "embed": each.reference}})
        for each in before.corpus.repetitions
    )
    corpus = before.corpus.model_copy(update={"repetitions": set_times})
    stage.openai.faults({"service": "openai", "match": {"path": "/v1/embeddings"},
                         "fault": {"kind": "latency", "seconds": 5}})  # fmt: skip
    try:
        found = await verified(
            stage, {"slower_percent": 900}, before.model_copy(update={"corpus": corpus})
        )
    finally:
        stage.openai.faults()
    assert "embed" in wrong(found, "times"), [e for e in found.findings if e.part == "times"]
    assert ", 3 times)" not in wrong(found, "times")["embed"].found, "it was not measured again"
    assert not found.verified


async def test_wrong_model(stage: Stage) -> None:
    """A process that embeds with another model than the baseline's is told of it.

    The worker's model is another one, so it takes none of these canaries: that is told too.
    """
    found = await verified(stage, embedding_model="text-embedding-3-large")
    assert {"embedder model", "embedder dimension"} <= set(wrong(found, "contracts"))
    assert "embedding_model" in wrong(found, "settings")
    [told] = wrong(found, "canaries").values()
    assert "Not finished" in told.found


async def test_unreachable_provider(stage: Stage) -> None:
    """A provider that is not there is a finding; nothing else is asked of it."""
    nowhere = f"http://127.0.0.1:{free_port()}/v1"
    found = await verified(stage, openai_base_url=nowhere)
    [told] = wrong(found).values()
    assert (told.part, "is not there" in told.found) == ("contracts", True)
    assert [each.part for each in found.findings if each.outcome is Outcome.LEFT_OUT] == [
        "canaries"
    ]
    assert (found.verified, found.usd) == (False, 0.0)


async def test_database_that_is_away(stage: Stage) -> None:
    """A database that is not there is a finding, not an error."""
    away = f"postgresql://nobody@127.0.0.1:{free_port()}/nothing"
    found = await verified(stage, database_url=away, database_patience_seconds=1)
    assert [each.part for each in found.wrong] == ["environment"]


async def test_deployment_and_answers(stage: Stage) -> None:
    """A deployment with another form than the baseline's, and another answer, are findings."""
    before = read_baseline(stage.baseline)
    [first, *others] = before.corpus.answers
    turned = first.model_copy(update={"passages": tuple(reversed(first.passages))})
    corpus = before.corpus.model_copy(update={"answers": (turned, *others)})
    other = before.deployments["ingest"].model_copy(update={"form": "other"})
    more = {**before.deployments, "ingest": other}
    changed = before.model_copy(update={"corpus": corpus, "deployments": more})
    found = await verified(stage, baseline=changed)
    assert set(wrong(found)) == {"ingest", first.question}


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT], ids=["killed", "interrupted"])
def test_ended_in_the_middle(stage: Stage, number: signal.Signals) -> None:
    """After Ctrl-C nothing is left; what a killed one left, the next one removes."""
    process = stage.start("verify", "stage", "--baseline", stage.baseline)
    stage.until_canaries(process)
    process.send_signal(number)
    process.communicate(timeout=120)
    if number is signal.SIGINT:
        assert process.returncode == 130
    else:
        code, out, err = stage.run("verify", "stage", "--baseline", stage.baseline, "--json")
        assert code == 0, out + err
    assert stage.rows() == stage.rows("upload_jobs") == stage.rows("parsed_files") == 0
    assert not list((stage.folder / "home" / "objects").rglob(f"{CANARY}/*/*"))


def test_from_its_form(stage: Stage) -> None:
    """The deployment verifies the worker's environment, and leaves an artifact on its run."""
    run = stage.deployed.run("verify", baseline="stage", release=RELEASE)
    assert (run["state_type"], run["state_name"]) == ("COMPLETED", "Completed"), run["state"]
    wanted = {"artifacts": {"key": {"any_": ["verification"]}}}
    left = stage.deployed.post("/artifacts/filter", wanted)
    assert run["id"] in {each["flow_run_id"] for each in left}


def test_form_takes_a_name_only(stage: Stage) -> None:
    """A path is no baseline's name: the form refuses it."""
    found = stage.deployed.deployments()["verify"]["id"]
    body = {"parameters": {"baseline": "../secret"}, "state": {"type": "SCHEDULED"}}
    answer = stage.deployed.api.post(f"/deployments/{found}/create_flow_run", json=body)
    assert answer.is_client_error


def test_compare(stage: Stage, tmp_path: Path) -> None:
    """The recorded side beside one with another embedder: same texts, other chunks and answers."""
    page = tmp_path / "pairs.html"
    code, out, err = stage.run(
        "compare", stage.baseline, "stage:embedder=wordllama", "--json", "--report", page
    )
    assert code == 0, err
    told = json.loads(out)
    assert told["sides"] == [str(stage.baseline), "stage:embedder=wordllama"]
    assert (told["statistics"]["same_text"], told["statistics"]["same_state"]) == (1.0, 1.0)
    assert "wordllama" in told["services"][1]
    assert told["settings"]["embedder"] == ["openai", "wordllama"]
    assert told["cost_usd"][0] > told["cost_usd"][1] == 0
    assert {each["stage"] for each in told["stages"]} >= {"parse", "embed", "publish"}
    assert "stage:embedder=wordllama" in page.read_text("utf-8")
    assert stage.rows() == 0


def test_own_files(stage: Stage, tmp_path: Path) -> None:
    """A person's own files and questions take the place of the canaries."""
    (tmp_path / "hail.md").write_text("# Hail\n\nThe deductible for hail is 750 dollars.\n")
    out = tmp_path / "own.json"
    code, _, err = stage.run(
        "baseline", "record", "stage", "--out", out, "--files", tmp_path / "*.md",
        "--question", "What is the deductible for hail?",
    )  # fmt: skip
    assert code == 0, err
    corpus = read_baseline(out).corpus
    assert {name: each.state for name, each in corpus.documents.items()} == {
        "001-hail.md": "complete"
    }
    assert corpus.answers[0].documents == ("001-hail.md",)
    assert corpus.version.startswith("own-")


async def test_no_worker(stage: Stage) -> None:
    """Without a worker the canaries are not waited for for ever, and nothing is left of them."""
    end(stage.worker)
    found = await verified(stage, {"within_seconds": 20})
    [told] = found.wrong
    assert told.found.startswith("No worker took the canaries up within ")
    assert stage.rows() == 0
