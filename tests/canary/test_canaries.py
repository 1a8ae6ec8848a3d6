"""Canaries: secrets, a document's words and its name go every way, well and badly, and are looked
for in every log, table, run, metric and answer where they do not belong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest
import sqlalchemy as sa
from psycopg import sql
from pydantic import SecretStr

from app.process.log_output import configure_logs
from mocks import LlamaParseMock, OpenAIMock
from mocks.webhooks import Event, signature
from pipeline.errors import ConfigurationError
from pipeline.identity import user_id
from pipeline.settings import Settings, load_settings
from pipeline.store.database_urls import driver_url
from tests.app.api.calling import upload
from tests.app.api.serving import RunningApi, serving
from tests.flows.working import Account
from tests.pipeline.parsing.locked_files import locked_zip
from tests.pipeline.parsing.office_files import letter
from tests.prefect_server import PrefectServer

pytestmark = pytest.mark.slow

# Spelt so that no form of theirs gives them away: only where they stand counts.
SECRET = "canarysecret"
WORDS = "zanzibarquill"
NAME = "canaryname"
OPENAI_KEY, LLAMA_KEY = f"{SECRET}-openai", f"{SECRET}-llama"
DATABASE_PASSWORD, METRICS_TOKEN = f"{SECRET}-database", f"{SECRET}-metrics-token"
PASSWORD = f"{SECRET}-password"
JWT_SECRET, WEBHOOK_SECRET = f"{SECRET}-jwt-of-more-than-thirty-two", f"{SECRET}-webhook"

# Where a document's words, and its name, are kept on purpose.
WORDS_BELONG = {
    ("document_chunks", "text"), ("document_chunks", "heading_path"), ("document_chunks", "search"),
    ("document_chunk_buffer", "text"), ("document_chunk_buffer", "heading_path"),
    ("upload_jobs", "facts"),
}  # fmt: skip
NAME_BELONGS = {
    ("documents", "name"), ("documents", "source"), ("run_jobs", "source"),
    # a letter and an archive name the files that are inside of them
    ("document_chunks", "text"), ("document_chunks", "search"),
}  # fmt: skip


def document(number: int) -> bytes:
    """A document full of the word, one of its own."""
    text = (
        f"# {WORDS} {number}\n\n" + f"The {WORDS} number {number} is covered by the policy. " * 20
    )
    return text.encode()


@dataclass
class Worker:
    """The process that runs flows."""

    process: subprocess.Popen[str]
    said: list[str] = field(default_factory=list)

    def run(self, *jobs: str, bug: str | None = None, run: UUID | None = None) -> str:
        """Run the batch flow over jobs, with what is inside them; how it ended."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        request = {"jobs": jobs, "run": str(run or uuid4()), "bug": bug}
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, "the worker ended"
        self.said.append(line)
        return str(json.loads(line))


@dataclass
class Aftermath:
    """Everything that was written and answered."""

    database_url: str
    home: Path
    worker_log: Path
    prefect: PrefectServer
    outcomes: dict[str, str] = field(default_factory=dict)
    answers: list[str] = field(default_factory=list)
    metrics: str = ""
    health: str = ""


@pytest.fixture(scope="module")
def aftermath(
    module_database_url: str,
    prefect_server: PrefectServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Aftermath]:
    """Every path that the canaries are driven through, once."""
    home = tmp_path_factory.mktemp("home")
    log = tmp_path_factory.mktemp("worker") / "worker.log"
    url = sa.make_url(module_database_url).set(password=DATABASE_PASSWORD)
    address = url.render_as_string(hide_password=False)
    with OpenAIMock() as openai, LlamaParseMock(job_seconds=0.05) as llamaparse:
        variables = {
            "DATABASE_URL": address,
            "NAVIGATOR_HOME": str(home),
            "OPENAI_API_KEY": OPENAI_KEY,
            "OPENAI_BASE_URL": openai.base_url,
            "LLAMA_CLOUD_API_KEY": LLAMA_KEY,
            "LLAMA_CLOUD_BASE_URL": llamaparse.base_url,
            "NAVIGATOR_PARSER": "llamaparse",
            "NAVIGATOR_JWT_SECRET": JWT_SECRET,
            "NAVIGATOR_METRICS_TOKEN": METRICS_TOKEN,
            "NAVIGATOR_PASSWORDS": PASSWORD,
            "NAVIGATOR_LLAMA_CLOUD_WEBHOOK_SECRET": WEBHOOK_SECRET,
            "NAVIGATOR_LOG_LEVEL": "DEBUG",
        }
        with pytest.MonkeyPatch.context() as patched:
            for name, value in variables.items():
                patched.setenv(name, value)
            settings = load_settings()
        variables |= {"CANARY_TEXT": document(0).decode()}
        found = Aftermath(module_database_url, home, log, prefect_server)
        configure_logs(settings, "api", console=False)
        with _worker(log, prefect_server.environment | variables) as worker:
            with serving(settings.model_copy(update={"public_url": "http://127.0.0.1:9"})) as api:
                _drive(api, worker, openai, llamaparse, found)
            time.sleep(3)  # Prefect's server writes logs and events a little later
        yield found


class _worker:  # noqa: N801
    """The worker until the end of the block."""

    def __init__(self, log: Path, environment: dict[str, str]) -> None:
        self._log, self._environment = log, environment

    def __enter__(self) -> Worker:
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.canary.bugged"], env=self._environment, text=True,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=output,
            )  # fmt: skip
        return Worker(self._process)

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(60)
        self._process.stdout.close()


def _drive(
    api: RunningApi,
    worker: Worker,
    openai: OpenAIMock,
    llamaparse: LlamaParseMock,
    found: Aftermath,
) -> None:
    """Send the canaries everywhere."""
    with api.client("canary-user") as client:

        def sent(number: int, content: bytes | None = None, suffix: str = ".md") -> str:
            answer = upload(client, content or document(number), name=f"{NAME}-{number}{suffix}")
            assert answer.status_code == 202, answer.text
            job: str = answer.json()["job"]["id"]
            return job

        found.outcomes["well"] = worker.run(sent(1))
        quoting = {"kind": "status", "status": 500, "detail": f"{WORDS} {LLAMA_KEY}"}
        faults: dict[str, tuple[Callable[..., None], Any]] = {
            "openai refuses the key": (openai.faults, {"kind": "status", "status": 401,
                "message": f"Incorrect API key provided: {OPENAI_KEY}"}),
            "openai quotes the text": (openai.faults, {"kind": "status", "status": 400,
                "message": f"'$.input' is invalid: {WORDS}"}),
            "openai has no quota": (openai.faults, "quota"),
            "llamaparse quotes the text": (llamaparse.faults, {"kind": "job_error",
                "message": f"PDF_IS_BROKEN: {WORDS} in {NAME}"}),
            "llamaparse refuses the key": (llamaparse.faults, {**quoting, "status": 401}),
            "llamaparse refuses the file": (llamaparse.faults, {**quoting, "status": 422}),
        }  # fmt: skip
        for number, (what, (load, fault)) in enumerate(faults.items(), start=10):
            load({"fault": fault})
            found.outcomes[what] = worker.run(sent(number))
            load()
            _close_circuits(found.database_url)
        found.outcomes["a bug quotes the text"] = worker.run(sent(30), bug="words")
        found.outcomes["the database quotes the text"] = worker.run(sent(31), bug="database")
        inside = document(40)
        locked = locked_zip({f"{NAME}-40.md": inside}, PASSWORD)
        run = _started_run(found.database_url)
        found.outcomes["a locked archive"] = worker.run(sent(40, locked, ".zip"), run=run)
        other = locked_zip({f"{NAME}-41.md": inside}, "another")
        found.outcomes["an archive stays locked"] = worker.run(sent(41, other, ".zip"))
        note = (f"{NAME}.md", "text/markdown", document(42))
        mail = letter(WORDS, files=[note], headers={"Subject": WORDS}).as_bytes()
        found.outcomes["a letter"] = worker.run(sent(42, mail, ".eml"), run=run)
        _ask_wrongly(client, api, found)
        found.health = httpx.get(f"{api.url}/health").text
    bearer = {"Authorization": f"Bearer {METRICS_TOKEN}"}
    found.metrics = httpx.get(f"{api.url}/metrics", headers=bearer).text


def _ask_wrongly(client: httpx.Client, api: RunningApi, found: Aftermath) -> None:
    """Requests that are refused, with canaries in every part of them."""
    event = Event("parse.success", "pjb-of-nobody").body("json")
    signed = {"LC-Signature": signature(WEBHOOK_SECRET, event)}
    assert client.post("/webhooks/llamaparse", content=event, headers=signed).status_code == 204
    wrong = [
        client.get(f"/{NAME}/{WORDS}", params={WORDS: SECRET}),
        client.get(f"/jobs/{WORDS}"),
        client.get("/jobs", params={"state": WORDS}),
        client.post("/search", json={"question": [WORDS], "limit": SECRET}),
        client.post("/search", content=f"{{{WORDS}"),
        upload(client, b"\x00\x01" + WORDS.encode(), name=f"{NAME}.bin"),
        upload(client, b"", name=f"{NAME}.md"),
        client.get("/jobs", headers={"Authorization": f"Bearer {SECRET}.{WORDS}.x"}),
        client.post("/webhooks/llamaparse", content=event, headers={"LC-Signature": SECRET}),
        client.post("/webhooks/llamaparse", content=event + WORDS.encode(), headers=signed),
        httpx.get(f"{api.url}/metrics", headers={"Authorization": f"Bearer {SECRET}"}),
    ]
    assert all(400 <= answer.status_code < 500 for answer in wrong), wrong
    found.answers += [f"{dict(answer.headers)} {answer.text}" for answer in wrong]


def _started_run(url: str) -> UUID:
    run = uuid4()
    with _connected(url) as connection:
        connection.execute(
            "INSERT INTO upload_pipeline.ingest_runs (id, user_id, kind) VALUES (%s, %s, 'upload')",
            [run, user_id("canary-user")],
        )
    return run


def _close_circuits(url: str) -> None:
    with _connected(url) as connection:
        connection.execute(
            "UPDATE upload_pipeline.provider_budgets SET circuit = 'closed', failures = 0"
        )


def _connected(url: str) -> psycopg.Connection[Any]:
    plain = driver_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(plain)


def columns_with(url: str, canary: str) -> set[tuple[str, str]]:
    """Where a canary stands in the database, in any column that can hold words."""
    found = set()
    with _connected(url) as connection:
        columns = connection.execute(
            """
            SELECT c.table_name, c.column_name FROM information_schema.columns AS c
            JOIN information_schema.tables AS t USING (table_schema, table_name)
            WHERE c.table_schema = 'upload_pipeline' AND t.table_type = 'BASE TABLE'
              AND c.data_type NOT IN ('integer', 'bigint', 'boolean', 'uuid')
            """
        ).fetchall()
        assert len(columns) > 80
        for table, column in columns:
            query = sql.SQL("SELECT EXISTS (SELECT FROM {} WHERE {}::text ILIKE %s)").format(
                sql.Identifier("upload_pipeline", table), sql.Identifier(column)
            )
            row = connection.execute(query, [f"%{canary}%"]).fetchone()
            if row and row[0]:
                found.add((table, column))
    return found


def files_with(folder: Path, *canaries: str) -> list[str]:
    """Files below a folder that hold one of the canaries."""
    return [
        f"{path}: {canary}"
        for path in folder.rglob("*")
        if path.is_file()
        for canary in canaries
        if canary.encode() in path.read_bytes()
    ]


def test_every_path_was_taken(aftermath: Aftermath) -> None:
    """The faults did what they were to do, else nothing was proved."""
    ends = aftermath.outcomes
    well = {"well", "a locked archive", "a letter"}
    assert {what for what, end in ends.items() if "1 of 1 documents published" in end} == well, ends
    with _connected(aftermath.database_url) as connection:
        inside = connection.execute(
            "SELECT count(*) FROM upload_pipeline.documents"
            " WHERE parent_id IS NOT NULL AND published_job_id IS NOT NULL"
        ).fetchone()
    assert inside == (2,)
    assert "UnicodeEncodeError" in ends["a bug quotes the text"]
    assert "DataError" in ends["the database quotes the text"]


def test_no_canary_in_the_logs(aftermath: Aftermath) -> None:
    """Neither in the JSON files nor in what the processes said, the errors' own lines among it."""
    folder = aftermath.home / "logs"
    assert {path.name for path in folder.glob("*.jsonl")} >= {"api.jsonl", "worker.jsonl"}
    assert "upload_accepted" in (folder / "api.jsonl").read_text()
    assert "service_called" in (folder / "worker.jsonl").read_text()
    assert files_with(folder, SECRET, WORDS, NAME) == []
    assert files_with(aftermath.worker_log.parent, SECRET, WORDS, NAME) == []
    ends = json.dumps(aftermath.outcomes)
    assert [canary for canary in (SECRET, WORDS, NAME) if canary in ends] == []


def test_canaries_in_the_database_stand_where_they_belong(aftermath: Aftermath) -> None:
    """Words only in chunks, the name only where a person looks for it, secrets nowhere."""
    url = aftermath.database_url
    assert columns_with(url, SECRET) == set()
    assert ("document_chunks", "text") in (words := columns_with(url, WORDS))
    assert words - WORDS_BELONG == set()
    assert ("documents", "name") in (names := columns_with(url, NAME))
    assert names - NAME_BELONGS == set()


def test_no_canary_in_prefect(aftermath: Aftermath, prefect_server: PrefectServer) -> None:
    """No parameter, state, log, artifact, event or stored result: its whole database and home."""
    with httpx.Client(base_url=prefect_server.url, timeout=30) as client:
        account = Account(client)
        logs = [each["message"] for each in account.all("logs")]
        told = json.dumps([account.all(what) for what in ("flow_runs", "task_runs", "artifacts")])
    assert any("Something unforeseen went wrong (UnicodeEncodeError" in line for line in logs)
    for canary in (SECRET, WORDS, NAME):
        assert [line for line in logs if canary in line] == []
        assert canary not in told
    assert files_with(aftermath.prefect.folder, SECRET, WORDS, NAME) == []


def test_no_canary_in_what_everybody_may_read(aftermath: Aftermath) -> None:
    """Metrics, health and refusals say nothing of a secret, a document or its name."""
    assert "navigator_documents" in aftermath.metrics
    assert "database" in aftermath.health
    for canary in (SECRET, WORDS, NAME):
        assert canary not in aftermath.metrics
        assert canary not in aftermath.health
        for answer in aftermath.answers:
            assert canary not in answer


@pytest.mark.parametrize(
    "variables",
    [
        {"DATABASE_URL": f"mysql://me:{SECRET}@host/db"},
        {"NAVIGATOR_JWT_SECRET": SECRET},
        {"NAVIGATOR_STORAGE_OPTIONS": f"{{{SECRET}"},
        {"NAVIGATOR_METRICS_TOKEN": SECRET[:9]},
        {"NAVIGATOR_LLAMA_CLOUD_FALLBACK": SECRET},
    ],
    ids=lambda variables: next(iter(variables)),
)
def test_wrong_settings_are_named_and_not_repeated(
    variables: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The sentence names the variable; its value stays where it is."""
    monkeypatch.chdir(tmp_path)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError) as caught:
        load_settings()
    assert SECRET[:9] not in f"{caught.value} {caught.value.remedy} {caught.value!r}"


def test_settings_keep_their_secrets_to_themselves() -> None:
    """Printed, they show none."""
    settings = Settings(
        jwt_secret=SecretStr(JWT_SECRET),
        database_url=SecretStr(f"postgresql://me:{DATABASE_PASSWORD}@h/d"),
        storage_options={"key": SECRET},
    )
    assert SECRET not in f"{settings!r} {settings}"
    assert os.environ.get("CANARY_TEXT") is None
