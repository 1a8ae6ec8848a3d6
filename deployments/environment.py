"""Describes an environment: one schema for what deployments/environments/*.yaml may say."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from deployments.environment_parts import (
    AcceptedDrift,
    Alerts,
    AlertTarget,
    Automation,
    Kubernetes,
    Part,
    Retention,
    SecretReference,
)
from pipeline.errors import ConfigurationError
from pipeline.settings import Settings
from pipeline.settings_facts import is_secret

PREFECT_AUTH = "prefect_auth"
"""The name under `secrets` of Prefect's user:password."""


__all__ = [
    "PREFECT_AUTH",
    "Environment",
    "Part",
    "SecretReference",
    "declared_settings",
    "is_secret",
    "validated",
]


class PrefectServer(Part):
    """Where the environment's Prefect server is."""

    api_url: str

    @field_validator("api_url")
    @classmethod
    def _http(cls, value: str) -> str:
        if not value.startswith(("http://", "https://")):
            raise ValueError("must begin with http:// or https://")
        return value.rstrip("/")


class Queue(Part):
    """A queue of the work pool; without a limit it has none of its own."""

    priority: int = Field(default=1, ge=1)
    limit: int | None = Field(default=None, ge=1)


class Resources(Part):
    """What a run's container asks for and may take at most, as Kubernetes writes it."""

    cpu: str = Field(default="1", pattern=r"^\d+(\.\d+)?$|^\d+m$")
    memory: str = Field(default="2Gi", pattern=r"^\d+[MG]i$")


class WorkPool(Part):
    """The work pool that the environment's runs go through.

    Attributes:
        limit: runs at once in the whole pool.
        image: the repository of docker's and kubernetes' images; the digest is the release's.
        namespace: of kubernetes.
        service_account: under which kubernetes runs a run's pod; it needs no right of the API.
        network: of docker.
        resources: of each run's container.
    """

    name: str = "navigator"
    type: Literal["process", "docker", "kubernetes"] = "process"
    queues: dict[str, Queue] = Field(default_factory=lambda: {"default": Queue()})
    limit: int | None = Field(default=None, ge=1)
    image: str | None = None
    namespace: str = "insurance-navigator"
    service_account: str = "navigator-run"
    network: str | None = None
    resources: Resources = Resources()

    @model_validator(mode="after")
    def _has_image(self) -> WorkPool:
        if self.type != "process" and not self.image:
            raise ValueError(f"a pool of type {self.type} needs an image")
        return self

    @model_validator(mode="after")
    def _has_an_order(self) -> WorkPool:
        if len({each.priority for each in self.queues.values()}) < len(self.queues):
            raise ValueError("queues must have different priorities: Prefect keeps them apart")
        return self

    @field_validator("image")
    @classmethod
    def _repository(cls, value: str | None) -> str | None:
        if value is not None and ("@" in value or ":" in value.rpartition("/")[2]):
            raise ValueError("must name a repository alone: the digest is the release's")
        return value


class Schedule(Part):
    """When a deployment runs by itself.

    Attributes:
        interval: in seconds.
    """

    cron: str | None = None
    interval: int | None = Field(default=None, ge=60)
    timezone: str = "UTC"
    active: bool = True

    @model_validator(mode="after")
    def _one(self) -> Schedule:
        if (self.cron is None) == (self.interval is None):
            raise ValueError("must have either cron or interval")
        return self


class FlowDeployment(Part):
    """One deployment of a flow.

    Attributes:
        flow: the name of its module in flows/, and of the flow there.
        limit: runs at once; `collision` says what becomes of one more.
        queue: of the work pool.
    """

    flow: str
    description: str
    tags: tuple[str, ...] = ()
    parameters: dict[str, Any] = Field(default_factory=dict)
    queue: str = "default"
    limit: int = Field(ge=1)
    collision: Literal["ENQUEUE", "CANCEL_NEW"] = "ENQUEUE"
    schedules: dict[str, Schedule] = Field(default_factory=dict)
    enabled: bool = True

    @property
    def entrypoint(self) -> str:
        """As Prefect and the workers know the flow."""
        return f"flows/{self.flow}.py:{self.flow}"


class VerificationRules(Part):
    """What a verified environment has to show beside equal structure and canaries.

    Attributes:
        slower_percent: by how much a stage may be slower than the baseline's.
        repetitions: of the canary corpus, from which times and their spread are taken.
        within_seconds: a verification repeats nothing after so long, and a canary run that has
            not ended by then is given up.
        max_cost_usd: what the canaries may cost where a service is paid.
        api_url: where the HTTP API is, as users reach it; a canary is sent through it too.
    """

    slower_percent: float = Field(default=10, gt=0)
    repetitions: int = Field(default=5, ge=3, le=50)
    within_seconds: float = Field(default=270, ge=10)
    max_cost_usd: Decimal = Field(default=Decimal(0), ge=0)
    api_url: str | None = Field(default=None, pattern=r"^https?://[^\s@]+$")


class ServiceSwitch(Part):
    """How API and workers change to another release.

    Attributes:
        kind: home: `navigator up` on the environment's home restarts them; command: `command` is
            run, with {release} and {image} in its words replaced, and has to end with 0.
    """

    kind: Literal["home", "command"] = "home"
    command: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _complete(self) -> ServiceSwitch:
        if (self.kind == "command") != bool(self.command):
            raise ValueError("kind command needs a command, and only that kind has one")
        return self


def _known_settings(given: dict[str, Any]) -> dict[str, Any]:
    for name in given:
        if name not in Settings.model_fields:
            raise ValueError(f"{name} is no setting")
        if is_secret(name):
            raise ValueError(f"{name} is secret: say under secrets where it is found")
    return given


def _known_secrets(given: dict[str, SecretReference]) -> dict[str, SecretReference]:
    for name in given:
        if name != PREFECT_AUTH and name not in Settings.model_fields:
            raise ValueError(f"{name} is no setting")
    return given


class Environment(Part):
    """Everything that is said of one environment, the base's included.

    Attributes:
        name: of its file.
        settings: by the names of `Settings`' fields.
        secrets: of `Settings` too, and `prefect_auth`: where each is found.
    """

    name: str
    description: str = ""
    settings: Annotated[dict[str, Any], AfterValidator(_known_settings)] = Field(
        default_factory=dict
    )
    secrets: Annotated[dict[str, SecretReference], AfterValidator(_known_secrets)] = Field(
        default_factory=dict
    )
    prefect: PrefectServer
    pool: WorkPool = WorkPool()
    deployments: dict[str, FlowDeployment] = Field(default_factory=dict)
    verification: VerificationRules = VerificationRules()
    services: ServiceSwitch = ServiceSwitch()
    alert: AlertTarget | None = None
    alerts: Alerts | None = None
    retention: Retention = Retention()
    automations: dict[str, Automation] = Field(default_factory=dict)
    kubernetes: Kubernetes = Kubernetes()
    accepted: tuple[AcceptedDrift, ...] = ()

    def allowing(self, max_cost_usd: Decimal) -> Environment:
        """The same, whose verification may spend so much."""
        return self._verified_by(max_cost_usd=max_cost_usd)

    def reached_at(self, api_url: str | None) -> Environment:
        """The same, whose API is at this address unless its file names one."""
        if self.verification.api_url is not None or api_url is None:
            return self
        return self._verified_by(api_url=api_url)

    @property
    def alerts_api_url(self) -> str | None:
        """Where Prefect's server reaches the API, for the webhook of the alerts."""
        return self.verification.api_url or self.settings.get("public_url")

    def _verified_by(self, **rules: Any) -> Environment:
        changed = self.verification.model_copy(update=rules)
        return self.model_copy(update={"verification": changed})

    @field_validator("name")
    @classmethod
    def _plain(cls, value: str) -> str:
        if not value.replace("-", "").replace("_", "").isalnum():
            raise ValueError("must be letters, digits, - and _")
        return value

    @model_validator(mode="after")
    def _queues_are_there(self) -> Environment:
        for name, each in self.deployments.items():
            if each.queue not in self.pool.queues:
                raise ValueError(f"deployment {name} names the queue {each.queue!r}, which the "
                                 "pool does not have")  # fmt: skip
        for name, automation in self.automations.items():
            if missing := automation.named_deployments - self.deployments.keys():
                raise ValueError(f"automation {name} names no deployment of ours: "
                                 f"{', '.join(sorted(missing))}")  # fmt: skip
        return self

    @model_validator(mode="after")
    def _password_is_outside_of_prefect(self) -> Environment:
        if (found := self.secrets.get(PREFECT_AUTH)) and found.prefect_secret is not None:
            raise ValueError("prefect_auth opens the server's blocks, so it cannot be one of them")
        return self


def validated(name: str, given: dict[str, Any]) -> Environment:
    """The environment of merged keys, its settings checked one by one.

    Raises:
        ConfigurationError: one sentence with every wrong key; no value is repeated.
    """
    try:
        environment = Environment.model_validate({**given, "name": name})
        declared_settings(environment)
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(map(str, each['loc']))}: {str(each['msg']).removeprefix('Value error, ')}"
            for each in error.errors(include_input=False, include_context=False)
        )
        raise ConfigurationError(
            f"The environment {name} is wrong: {wrong}.",
            remedy="Correct its file, or the one that it extends.",
        ) from None
    return environment


class _Given(Settings):
    """Settings of what is given alone: nothing of the process or of a file of settings."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        *_: PydanticBaseSettingsSource,
        **__: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What is given."""
        return (init_settings,)


def declared_settings(environment: Environment) -> Settings:
    """The settings that an environment says; in the place of each secret stands another text.

    Raises:
        ValidationError: a value breaks the rules of `Settings`.
    """
    alert: dict[str, Any] = {}
    if environment.alert is not None:
        alert["alert_block"] = environment.alert.slug
    if environment.alerts is not None:
        alert["alert_routing"] = environment.alerts.routing
    stand_ins = {
        name: SecretStr("postgresql://stand-in/x" if name.startswith("database") else "x" * 32)
        for name in environment.secrets
        if name in Settings.model_fields and "SecretStr" in str(Settings.model_fields[name])
    }
    return _Given(**{**environment.settings, **alert, **stand_ins})
