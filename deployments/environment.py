"""Describes an environment: one schema for what deployments/environments/*.yaml may say."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)

from pipeline.errors import ConfigurationError
from pipeline.settings import Settings

PREFECT_AUTH = "prefect_auth"
"""The name under `secrets` of Prefect's user:password."""


class Part(BaseModel):
    """A part of an environment; a key that it does not know is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class SecretReference(Part):
    """Where a secret is found: an environment variable, a file, or a Prefect secret block.

    Attributes:
        env: of the process that deploys, verifies or runs.
        file: that holds it alone.
        prefect_secret: the name of a block of Prefect's type Secret.
    """

    env: str | None = None
    file: Path | None = None
    prefect_secret: str | None = None

    @model_validator(mode="after")
    def _one(self) -> SecretReference:
        if sum(each is not None for each in (self.env, self.file, self.prefect_secret)) != 1:
            raise ValueError("must name exactly one of env, file and prefect_secret")
        return self

    def __str__(self) -> str:
        """Where, in words; the secret itself is not read."""
        if self.env is not None:
            return f"variable {self.env}"
        if self.file is not None:
            return f"file {self.file}"
        return f"Prefect secret block {self.prefect_secret}"


class PrefectServer(Part):
    """Where the environment's Prefect server is."""

    api_url: str


class Queue(Part):
    """A queue of the work pool; without a limit it has none of its own."""

    priority: int = Field(default=1, ge=1)
    limit: int | None = Field(default=None, ge=1)


class Resources(Part):
    """What a run's container asks for and may take at most, as Kubernetes writes it."""

    cpu: str = "1"
    memory: str = "2Gi"


class WorkPool(Part):
    """The work pool that the environment's runs go through.

    Attributes:
        limit: runs at once in the whole pool.
        image: the repository of docker's and kubernetes' images; the digest is the release's.
        namespace: of kubernetes.
        network: of docker.
    """

    name: str = "navigator"
    type: Literal["process", "docker", "kubernetes"] = "process"
    queues: dict[str, Queue] = Field(default_factory=lambda: {"default": Queue()})
    limit: int | None = Field(default=None, ge=1)
    image: str | None = None
    namespace: str = "insurance-navigator"
    network: str | None = None
    resources: Resources = Resources()

    @model_validator(mode="after")
    def _has_image(self) -> WorkPool:
        if self.type != "process" and not self.image:
            raise ValueError(f"a pool of type {self.type} needs an image")
        return self


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
    """

    slower_percent: float = Field(default=10, gt=0)
    repetitions: int = Field(default=5, ge=3, le=50)


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


def is_secret(name: str) -> bool:
    """Whether a setting is never written into an environment's file."""
    field = Settings.model_fields[name]
    return "SecretStr" in str(field.annotation) or name.endswith("_options")


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
        return self


def validated(name: str, given: dict[str, Any]) -> Environment:
    """The environment of merged keys, its settings checked one by one.

    Raises:
        ConfigurationError: one sentence with every wrong key; no value is repeated.
    """
    try:
        environment = Environment.model_validate({**given, "name": name})
        _require_valid(environment)
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


def _require_valid(environment: Environment) -> None:
    """Settings have the rules of `Settings`; a secret counts as given, with a stand-in."""
    stand_ins = {
        name: SecretStr("postgresql://stand-in/x" if name.startswith("database") else "x" * 32)
        for name in environment.secrets
        if name in Settings.model_fields and "SecretStr" in str(Settings.model_fields[name])
    }
    Settings(**{**environment.settings, **stand_ins})
