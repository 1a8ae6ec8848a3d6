"""Plans the services of the stack: which ones, on which ports, in which environment."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from app.prefect.server_command import CLIENT_SETTINGS, server_command, server_environment
from app.stack.missing_deployments import missing_deployments
from app.stack.mock_services import mock_environment, wants_mocks
from app.stack.release_code import ReleaseCode
from app.stack.services import Service
from deployments.releases.installed import current_file
from pipeline.child_processes import module_command
from pipeline.env_files import VARIABLE, env_file
from pipeline.errors import UsageError
from pipeline.loopback import answers
from pipeline.settings import Settings
from pipeline.store.embedded_tools import is_ready, postmaster_pid
from stages.report_links import API_ADDRESS

PORTS = {"prefect": 4200, "api": 8000, "mocks": 8010, "worker": 8020}
"""Where each service listens, before `--port-offset`."""

NAMES = ("postgres", "prefect", "mocks", "deployments", "api", "worker")
_HOST = "127.0.0.1"
_HEALTH_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class StackOptions:
    """What a person asked `navigator up` for.

    Attributes:
        only: names of services; all of them when empty.
        mocks: True: run the mock servers and use them; False: neither; None: run them when there
            are no keys, but use the local parser and embedder, whose answers make sense.
        port_offset: added to every port.
    """

    only: Collection[str] = ()
    mocks: bool | None = None
    port_offset: int = 0

    def port(self, name: str) -> int:
        """Where a service listens."""
        return PORTS[name] + self.port_offset

    def url(self, name: str) -> str:
        """Where a service is reached."""
        return f"http://{_HOST}:{self.port(name)}"


def plan(settings: Settings, options: StackOptions) -> Sequence[Service]:
    """The services to start, in an order in which each comes after what it needs.

    A database or a Prefect server that the settings name is used where it is, not started.

    Raises:
        UsageError: a name that is no service, or a worker without a Prefect server.
    """
    unknown = sorted(set(options.only) - set(NAMES))
    if unknown:
        raise UsageError(
            f"There is no service {unknown[0]!r}.", remedy=f"Services: {', '.join(NAMES)}."
        )
    all_of_them = {each.name: each for each in _services(settings, options)}
    chosen = [name for name in all_of_them if not options.only or name in options.only]
    if "worker" in chosen and "prefect" not in chosen and not _named_prefect():
        raise UsageError(
            "The worker needs a Prefect server.",
            remedy="Add it, as in `--only prefect,api,worker`, or set PREFECT_API_URL.",
        )
    return [_within(all_of_them[name], chosen) for name in chosen]


def _services(settings: Settings, options: StackOptions) -> Sequence[Service]:
    services: list[Service] = []
    if settings.database_url is None and settings.database_block is None:
        services.append(_postgres(settings.home / "postgres"))
    if not _named_prefect():
        services += [_prefect(settings.home, options), _deployments(settings.home, options)]
    if wants_mocks(settings, options.mocks):
        services.append(_mocks(options))
    code = ReleaseCode(settings.home)
    return [*services, *(replace(each, code=code) for each in (_api(options), _worker(options)))]


def _within(service: Service, chosen: Sequence[str]) -> Service:
    """The service, needing only what is started beside it."""
    return replace(service, needs=[name for name in service.needs if name in chosen])


def _named_prefect() -> bool:
    return bool(os.environ.get("PREFECT_API_URL"))


def common_environment(
    settings: Settings, options: StackOptions, names: Collection[str]
) -> dict[str, str]:
    """The variables of every service, on top of this process's own."""
    home = settings.home.absolute()
    variables = {
        **{name: os.environ.get(name, value) for name, value in CLIENT_SETTINGS.items()},
        "NAVIGATOR_HOME": str(home),
        "PYTHONUNBUFFERED": "1",
    }
    if (settings_file := env_file()) is not None:
        variables[VARIABLE] = str(settings_file)  # also when it names another home
    if "prefect" in names:
        variables["PREFECT_API_URL"] = f"{options.url('prefect')}/api"
        variables["PREFECT_HOME"] = str(home / "prefect")
    if options.mocks:
        variables |= mock_environment(options.url("mocks"), options.url("api"))
    return variables


def _postgres(folder: Path) -> Service:
    return Service(
        name="postgres",
        title="Postgres with pgvector",
        command=module_command("app.stack.postgres", str(folder)),
        address=f"socket in {folder}",
        health=partial(is_ready, folder),
        elsewhere=partial(postmaster_pid, folder),
    )


def _prefect(home: Path, options: StackOptions) -> Service:
    return Service(
        name="prefect",
        title="Prefect server and UI",
        command=server_command(options.port("prefect")),
        address=options.url("prefect"),
        port=options.port("prefect"),
        health=partial(answers, options.port("prefect"), "/api/health", _HEALTH_SECONDS),
        environment=server_environment(home / "prefect", options.url("prefect"), pages=True),
        ready_seconds=180.0,
    )


def _deployments(home: Path, options: StackOptions) -> Service:
    return Service(
        name="deployments",
        title="Deployments of prefect.yaml",
        command=module_command("app.stack.deployment", options.url("api")),
        health=lambda: True,
        needs=["prefect"],
        is_task=True,
        lapsed=partial(_missing_deployments, options, home),
    )


def _missing_deployments(options: StackOptions, home: Path) -> str:
    """What has to be deployed again; nothing where releases are deployed, which have their own."""
    if current_file(home).exists():
        return ""
    return missing_deployments(options.url("prefect"), home / "prefect")


def _mocks(options: StackOptions) -> Service:
    return Service(
        name="mocks",
        title="Mock servers for LlamaParse and OpenAI",
        command=module_command("mocks", "--port", str(options.port("mocks"))),
        address=options.url("mocks"),
        port=options.port("mocks"),
        health=partial(answers, options.port("mocks"), "/__mock/stats", _HEALTH_SECONDS),
    )


def _api(options: StackOptions) -> Service:
    return Service(
        name="api",
        title="API and dashboard",
        command=module_command("app", "api", "--port", str(options.port("api"))),
        address=options.url("api"),
        port=options.port("api"),
        health=partial(answers, options.port("api"), "/health/live", _HEALTH_SECONDS),
        needs=["postgres", "prefect", "mocks"],
    )


def _worker(options: StackOptions) -> Service:
    port = options.port("worker")
    return Service(
        name="worker",
        title="Warm worker",
        command=module_command("app", "worker", "--name", "stack", "--health-port", str(port)),
        address=options.url("worker"),
        port=port,
        health=partial(answers, options.port("worker"), "/health", _HEALTH_SECONDS),
        environment={API_ADDRESS: options.url("api")},
        needs=["postgres", "prefect", "mocks"],
    )
