"""Environments on this machine: each has a home, database, bucket, Prefect server, pool, worker."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import yaml

from app.stack.plan import PORTS
from app.stack.status_file import running_stack
from pipeline.store.embedded_access import ADMINISTRATOR, address
from tests.app.navigating import NEEDLESS, Ended
from tests.app.stack.conftest import free_offset, is_up
from tests.prefect_server import prepare_home
from tests.rooms import ROOMS, ROOT
from tests.s3 import Bucket

UP_SECONDS = 300
_SOURCE = ("pyproject.toml", "README.md", "LICENSE", "prefect.yaml", "requirements.lock")


@dataclass
class Here:
    """One environment, as `navigator up` runs it."""

    name: str
    folder: Path
    bucket: Bucket
    openai: str
    offset: int = field(default_factory=free_offset)
    process: subprocess.Popen[str] | None = None

    @property
    def home(self) -> Path:
        return self.folder / self.name

    @property
    def file(self) -> Path:
        return self.folder / "environments" / f"{self.name}.yaml"

    def url(self, service: str) -> str:
        return f"http://127.0.0.1:{PORTS[service] + self.offset}"

    def declare(self, **settings: Any) -> None:
        """Write the environment's file."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        told = {
            "extends": "base",
            "description": f"The environment {self.name} of a test.",
            "settings": {
                "home": str(self.home),
                "storage_url": self.bucket.url,
                "openai_base_url": self.openai,
                "embedder": "openai",
                **settings,
            },
            "secrets": {
                "openai_api_key": {"env": "TEST_OPENAI_KEY"},
                "storage_options": {"env": "TEST_STORAGE_OPTIONS"},
                "prefect_auth": {"file": str(self.home / "prefect" / "auth-string")},
            },
            "prefect": {"api_url": f"{self.url('prefect')}/api"},
            "verification": {"repetitions": 3, "slower_percent": 60, "max_cost_usd": 0.05},
        }
        self.file.write_text(yaml.safe_dump(told, sort_keys=False), "utf-8")

    @property
    def variables(self) -> dict[str, str]:
        clean = {name: value for name, value in os.environ.items() if name not in NEEDLESS}
        return {
            **clean,
            "COLUMNS": "140",
            "NAVIGATOR_ENVIRONMENTS": str(self.file.parent),
            "TEST_OPENAI_KEY": "sk-test",
            "TEST_STORAGE_OPTIONS": json.dumps(self.bucket.options),
        }

    def run(self, *arguments: object, **variables: str | None) -> Ended:
        """Run a command to its end; a variable that is None is taken away."""
        given = {**self.variables, **{n: v for n, v in variables.items() if v is not None}}
        for name in [name for name, value in variables.items() if value is None]:
            given.pop(name, None)
        done = subprocess.run(
            [sys.executable, "-P", "-m", "app", *map(str, arguments)],
            env={**given, "PYTHONPATH": str(ROOT)}, cwd=self.folder, capture_output=True,
            text=True, timeout=900,
        )  # fmt: skip
        return Ended(done.returncode, done.stdout, done.stderr)

    def start(self) -> None:
        """Run everything, until it is healthy."""
        prepare_home(self.home)
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "app", "up", "--port-offset", str(self.offset),
             "--mocks", "off"],
            env={**self.variables, "NAVIGATOR_HOME": str(self.home), "PYTHONPATH": str(ROOT),
                 **self._plainly()},
            cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        self.until_up()

    def _plainly(self) -> dict[str, str]:
        """The settings of what runs before the first release is deployed."""
        return {
            "NAVIGATOR_STORAGE_URL": self.bucket.url,
            "NAVIGATOR_STORAGE_OPTIONS": json.dumps(self.bucket.options),
            "OPENAI_BASE_URL": self.openai,
            "OPENAI_API_KEY": "sk-test",
        }

    def until_up(self) -> None:
        deadline = time.monotonic() + UP_SECONDS
        while True:
            assert self.process is not None
            assert self.process.poll() is None, self.process.communicate()[0]
            state = running_stack(self.home)
            if state is not None and is_up(state):
                return
            assert time.monotonic() < deadline, state
            time.sleep(0.2)

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.communicate(timeout=120)

    def ask(self, query: str, **values: Any) -> list[tuple[Any, ...]]:
        """Rows of a query, as the superuser."""
        url = address(self.home / "postgres", ADMINISTRATOR)
        with psycopg.connect(url, autocommit=True) as connection:
            done = connection.execute(query, values or None)
            return done.fetchall() if done.description else []

    def rollout(self) -> dict[str, Any]:
        """The newest deployment, as `navigator releases` tells it."""
        told = self.run("releases", self.name, "--json").json["deployments"]
        newest: dict[str, Any] = told[0]
        return newest

    def releases_of_services(self) -> set[str | None]:
        state = running_stack(self.home)
        assert state is not None
        return {state.services[name].release for name in ("api", "worker")}


@dataclass
class Visitor:
    """Uploads documents to an environment, one after the other, whatever is deployed there."""

    here: Here
    token: str
    accepted: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)

    def _upload(self) -> None:
        with httpx.Client(base_url=f"{self.here.url('api')}/api/v1", timeout=30,
                          headers={"Authorization": f"Bearer {self.token}"}) as client:  # fmt: skip
            while True:
                self._upload_one(client)
                if self._over.wait(8.0):
                    return

    def _upload_one(self, client: httpx.Client) -> None:
        word = uuid4().hex[:10]
        text = f"# Policy {word}\n\n" + f"Policy {word} covers burst pipes. " * 12
        try:
            answer = client.post("/documents", files={"file": (f"{word}.md", text.encode())})
        except httpx.TransportError:
            return  # the API is being changed: who uploads tries again
        if answer.is_success:
            self.accepted.append(answer.json()["job"]["document_id"])
        else:
            self.refused.append(answer.text)

    @contextmanager
    def uploading(self) -> Iterator[None]:
        """Upload for as long as the block."""
        thread = threading.Thread(target=self._upload)
        self._over.clear()
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join()


def copied(folder: Path, **changes: Callable[[str], str]) -> Path:
    """A copy of the source, with files changed; those that are not there begin empty.

    Args:
        changes: by the path with __ for / and without .py.
    """
    target = folder / f"source-{uuid4().hex[:8]}"
    target.mkdir(parents=True)
    for name in ROOMS:
        shutil.copytree(
            ROOT / name, target / name, ignore=shutil.ignore_patterns("__pycache__", "data")
        )
    for name in _SOURCE:
        shutil.copyfile(ROOT / name, target / name)
    shutil.copytree(ROOT / "samples" / "files", target / "samples" / "files", dirs_exist_ok=True)
    for name, change in changes.items():
        path = target / f"{name.replace('__', '/')}.py"
        before = path.read_text("utf-8") if path.exists() else ""
        after = change(before)
        assert after != before, name
        path.write_text(after, "utf-8")
    return target


def release(here: Here, source: Path, baseline: Path) -> str:
    """Make a release of a source; its file."""
    made = here.run("release", "--source", source, "--baseline", baseline, "--out", here.folder,
                    "--json")  # fmt: skip
    assert made.code == 0, made.err
    return str(made.json["file"])


def seconds(text: str) -> float:
    """The time of the last line that `deploy` tells."""
    return max(map(float, re.findall(r"^ *(\d+\.\d) s  ", text, re.MULTILINE)), default=0.0)
