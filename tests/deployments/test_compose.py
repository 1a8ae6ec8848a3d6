"""compose.yaml and the Dockerfile say the same as `navigator up`, the settings and the lock.

They are read here, not run: that needs a container engine.
"""

from __future__ import annotations

import fnmatch
import importlib.util
import re
import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from typer.testing import CliRunner

from app.cli.main import app
from app.prefect.server_command import CLIENT_SETTINGS, SERVER_SETTINGS, server_environment
from app.stack.plan import NAMES, PORTS, StackOptions, plan
from pipeline import loopback
from pipeline.settings import Settings, load_settings

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = (ROOT / "deployments" / "Dockerfile").read_text("utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "deployments" / "compose.yaml").read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: each for name, each in SERVICES.items() if name != "postgres"}
each_of_ours = pytest.mark.parametrize("name", OURS)


@pytest.fixture
def planned(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, Any]:
    """What `navigator up` would start, by name."""
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    services = plan(load_settings(home=tmp_path), StackOptions(mocks=True))
    return {each.name: each for each in services}


def test_the_same_services(planned: dict[str, Any]) -> None:
    """Both run the same services."""
    assert set(SERVICES) == set(planned) == set(NAMES)


def test_the_same_order(planned: dict[str, Any]) -> None:
    """What a service needs there it waits for here, until that is healthy."""
    for name, each in SERVICES.items():
        waits = each.get("depends_on", {})
        assert {*planned[name].needs} <= set(waits)
        for needed, how in waits.items():
            assert how["condition"] == "service_healthy"
            assert "healthcheck" in SERVICES[needed]
            assert how.get("required", True) == ("profiles" not in SERVICES[needed])


def test_the_same_ports() -> None:
    """The ports are those of the table, open to this machine only; the worker's to none."""
    published = {name: each["ports"] for name, each in SERVICES.items() if "ports" in each}
    assert published == {
        name: [f"127.0.0.1:{port}:{port}"] for name, port in PORTS.items() if name != "worker"
    }


def test_the_same_health(planned: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """A service is healthy here when the same address answers as there."""
    asked: list[str] = []

    class Answering:
        status = 200

        def __init__(self, host: str, port: int, timeout: float) -> None:
            self._address = f"http://{host}:{port}"

        def request(self, method: str, path: str) -> None:
            asked.append(f"{self._address}{path}")

        def getresponse(self) -> Answering:
            return self

        def close(self) -> None: ...

    monkeypatch.setattr(loopback, "HTTPConnection", Answering)
    for name in PORTS:
        assert planned[name].health()
        assert SERVICES[name]["healthcheck"]["test"][-1] == asked[-1]


@each_of_ours
def test_commands_exist(name: str) -> None:
    """Each command is a module of ours or Prefect's server, with options that it knows."""
    module, *arguments = OURS[name]["command"]
    assert importlib.util.find_spec(module) is not None
    assert "ENTRYPOINT" in DOCKERFILE and '["python", "-m"]' in DOCKERFILE
    if module == "app":
        shown = CliRunner().invoke(app, [arguments[0], "--help"], env={"COLUMNS": "200"}).output
        for option in arguments[1:]:
            assert not option.startswith("--") or option in shown


@each_of_ours
def test_variables_are_known(name: str) -> None:
    """Every variable is one of our settings, or one that we set for Prefect elsewhere too."""
    known = {"PREFECT_API_URL", "PREFECT_HOME", *CLIENT_SETTINGS, *SERVER_SETTINGS}
    known |= set(server_environment(Path(), "http://ui")) | _variables()
    assert set(OURS[name]["environment"]) <= known
    for variable, value in OURS[name]["environment"].items():
        ours = {**CLIENT_SETTINGS, **SERVER_SETTINGS}
        assert value == ours.get(variable, value), variable


def _variables() -> set[str]:
    found = set()
    for name, setting in Settings.model_fields.items():
        aliases = setting.validation_alias
        found.add(f"NAVIGATOR_{name.upper()}")
        if aliases is not None:
            found |= {str(each) for each in getattr(aliases, "choices", [aliases])}
    return found


def test_no_secret_stands_in_it() -> None:
    """The password comes from outside, and without it nothing starts."""
    text = (ROOT / "deployments" / "compose.yaml").read_text("utf-8")
    used = re.findall(r"\$\{POSTGRES_PASSWORD([^}]*)\}", text)
    assert used and all(rest.startswith(":?") for rest in used)


def test_nobody_is_root() -> None:
    """Our image runs as a user with a number, and our services may not become more."""
    [*_, user] = re.findall(r"^USER (\S+)$", DOCKERFILE, re.MULTILINE)
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user)
    for each in OURS.values():
        assert each["cap_drop"] == ["ALL"]
        assert each["security_opt"] == ["no-new-privileges:true"]


def test_the_image_has_the_whole_program() -> None:
    """Every package is copied in, and what is copied in is let through to the builder."""
    copied = {
        source
        for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE)
        for source in line.split()[:-1]
    }
    assert all((ROOT / source).exists() for source in copied)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    rooms = {
        pattern.rstrip("*")
        for pattern in project["tool"]["setuptools"]["packages"]["find"]["include"]
    }
    assert rooms <= copied
    let_through = [
        line[1:]
        for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines()
        if line.startswith("!")
    ]
    for source in copied:
        top = source.split("/")[0]
        assert any(fnmatch.fnmatch(top, pattern) for pattern in let_through), source


def test_the_image_is_locked_like_the_checkout() -> None:
    """The image installs by hash, the versions of requirements.lock and no tools of ours."""
    assert "pip install --require-hashes -r /build/requirements.lock" in DOCKERFILE
    everything, image = (
        _pins(ROOT / "requirements.lock"),
        _pins(ROOT / "deployments" / "requirements.lock"),
    )
    assert image and image.items() <= everything.items()
    assert not {"pytest", "ruff", "mypy", "selenium"} & set(image)
    assert {"prefect", "fastapi", "asyncpg", "setuptools"} <= set(image)


def _pins(path: Path) -> dict[str, str]:
    found = re.findall(r"^([a-z0-9][\w.-]*)==(\S+)", path.read_text("utf-8"), re.MULTILINE)
    return dict(found)


def test_images_are_pinned_by_digest() -> None:
    """Whatever is not built here is named with the digest of its index, beside its tag."""
    built = {each["image"] for each in SERVICES.values() if "build" in each}
    pulled = {each["image"] for each in SERVICES.values() if "build" not in each}
    bases = set(re.findall(r"^FROM (?:--\S+ )?(\S+)", DOCKERFILE, re.MULTILINE))
    assert built == {"insurance-navigator:local"}
    assert len(bases) == 1
    for image in pulled | bases:
        assert re.fullmatch(r"[\w./-]+:[\w.-]+@sha256:[0-9a-f]{64}", image), image
    assert not re.search(r"^(ADD|COPY --from=(?!build\b))", DOCKERFILE, re.MULTILINE)


def test_keys_go_to_those_that_use_them() -> None:
    """API and worker read .env with its keys; Prefect's containers and the mock servers do not."""
    assert {name for name, each in SERVICES.items() if "env_file" in each} == {"api", "worker"}
    ours = {
        "HOME", "PREFECT_HOSTS", "PREFECT_AUTH_FILE", "STORAGE_URL", "INGEST_ROOTS", "PLAIN_HOSTS",
        "ALERTS_URL",
    }  # fmt: skip
    for name, each in OURS.items():
        theirs = {
            variable
            for variable in each.get("environment", {})
            if not variable.startswith("PREFECT_")
            and variable.removeprefix("NAVIGATOR_") not in ours
        }
        assert theirs <= ({"DATABASE_URL"} if name in ("api", "worker") else set()), name
        for value in each.get("environment", {}).values():
            assert not re.search(r"\$\{(?!POSTGRES_PASSWORD)", value), name


def test_documents_stay_out_of_prefects_containers() -> None:
    """The volume of documents and secrets is mounted where it is used, Prefect's password where
    it is asked for."""
    mounted = {
        name: {str(volume).split(":")[0] for volume in each.get("volumes", [])}
        for name, each in OURS.items()
    }
    assert {name for name, volumes in mounted.items() if "data" in volumes} == {"api", "worker"}
    assert {name for name, volumes in mounted.items() if "prefect" in volumes} == {
        "prefect", "deployments", "api", "worker",
    }  # fmt: skip


def test_prefect_is_ours_alone_there_too() -> None:
    """The same guarded application as `navigator up` starts, under the names that reach it."""
    server = OURS["prefect"]
    assert "app.prefect.application:create_own_app" in server["command"]
    environment = server["environment"]
    assert set(environment["NAVIGATOR_PREFECT_HOSTS"].split()) == {
        "127.0.0.1", "localhost", "prefect",
    }  # fmt: skip
    assert environment["PREFECT_SERVER_CORS_ALLOWED_ORIGINS"] == "http://127.0.0.1:4200"
    for name in ("deployments", "api", "worker"):
        client = OURS[name]["environment"]
        assert client["NAVIGATOR_PREFECT_AUTH_FILE"] == f"{environment['PREFECT_HOME']}/auth-string"


def test_the_worker_reads_its_mounted_folder() -> None:
    """What runs may read there is the one folder that is mounted for it, read-only."""
    worker = OURS["worker"]
    roots = worker["environment"]["NAVIGATOR_INGEST_ROOTS"]
    assert any(str(volume).endswith(f":{roots}:ro") for volume in worker["volumes"])


def test_addresses_name_services() -> None:
    """Whatever address a variable holds, its host is a service here."""
    for each in OURS.values():
        for value in each["environment"].values():
            plain = re.sub(r"\$\{.*?\}", "secret", value)
            host = urlsplit(plain).hostname if "://" in plain else None
            assert host is None or host in SERVICES or host == "127.0.0.1"
