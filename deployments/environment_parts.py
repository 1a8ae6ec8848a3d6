"""Describes parts of an environment: secrets, alerts, retention, automations, Kubernetes."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from pipeline.alert_kinds import KINDS
from pipeline.alert_routing import AlertRouting


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

    env: str | None = Field(default=None, min_length=1)
    file: Path | None = None
    prefect_secret: str | None = Field(default=None, min_length=1)

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


class AlertTarget(Part):
    """Who is told when a run goes wrong: a block of the type Navigator Alert on Prefect's server.

    Attributes:
        block: its name; `alert_block` of the settings is made of it.
        level: how the channel shows it.
        address: where the channel's address is found, as Apprise writes it.
    """

    block: str = "default"
    level: Literal["info", "warning", "failure"] = "failure"
    address: SecretReference

    @property
    def slug(self) -> str:
        """As the settings name the block."""
        return f"navigator-alert/{self.block}"


class AlertChannel(Part):
    """One target of alerts: a block of the type Navigator Alert of this name.

    Attributes:
        address: where the channel's address is found, as Apprise writes it.
    """

    address: SecretReference


class Alerts(AlertRouting):
    """Who is told of which alerts when; the targets' addresses stay with the deployer.

    Attributes:
        targets: by the names that routes have for them.
    """

    targets: dict[str, AlertChannel] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _all_are_there(self) -> Alerts:
        if missing := self.named_targets - self.targets.keys():
            raise ValueError(f"routes name no target of ours: {', '.join(sorted(missing))}")
        return self

    @property
    def routing(self) -> dict[str, Any]:
        """What processes have to know: everything but the targets' addresses."""
        return self.model_dump(mode="json", exclude={"targets"}, exclude_defaults=True)


class Retention(Part):
    """How long things are kept, beside documents, which stay until they are deleted.

    Attributes:
        prefect_days: flow runs and events on our Prefect server.
        backup_days: automatic backups of a database that the CloudFormation template makes.
        unfinished_upload_days: parts of uploads to a bucket of that template.
        deleted_object_days: what was deleted or overwritten in that bucket; only then is it gone.
    """

    prefect_days: int = Field(default=14, ge=1, le=3650)
    backup_days: int = Field(default=14, ge=1, le=35)
    unfinished_upload_days: int = Field(default=1, ge=1, le=30)
    deleted_object_days: int = Field(default=7, ge=1, le=365)


class AutomationAlert(Part):
    """What an automation raises; texts may have Prefect's templates in them.

    Attributes:
        passed: It closes the alert instead.
    """

    kind: str
    key: str = Field(min_length=1)
    title: str = ""
    evidence: dict[str, str] = Field(default_factory=dict)
    passed: bool = False

    @model_validator(mode="after")
    def _is_known(self) -> AutomationAlert:
        if self.kind not in KINDS:
            raise ValueError(f"{self.kind} is no kind of alert: {', '.join(KINDS)}")
        return self


class Automation(Part):
    """What Prefect does by itself when something happens.

    Attributes:
        trigger: as Prefect's API has it.
        alert: that is raised in our ledger, and told by the environment's `alerts`.
        actions: too, but that `deployment` may name one of the environment's deployments, in the
            place of `deployment_id`, which another server does not have.
    """

    description: str = ""
    enabled: bool = True
    trigger: dict[str, Any]
    actions: tuple[dict[str, Any], ...] = ()
    alert: AutomationAlert | None = None

    @model_validator(mode="after")
    def _does_something(self) -> Automation:
        if not self.actions and self.alert is None:
            raise ValueError("must have actions or an alert")
        return self

    @property
    def named_deployments(self) -> frozenset[str]:
        """The deployments that actions name."""
        return frozenset(str(each["deployment"]) for each in self.actions if "deployment" in each)


class AcceptedDrift(Part):
    """A difference between this file and the environment that is let be.

    Attributes:
        what: as `navigator drift` names it, or a pattern: `deployment nightly: paused`.
        reason: why, for whoever reads of it.
        until: the last day on which it is accepted; without one, for ever.
    """

    what: str = Field(min_length=1)
    reason: str = Field(min_length=1)
    until: date | None = None


class Scaling(Part):
    """How many pods of one kind there are."""

    minimum: int = Field(default=1, ge=0)
    maximum: int = Field(default=1, ge=1)

    @model_validator(mode="after")
    def _ordered(self) -> Scaling:
        if self.minimum > self.maximum:
            raise ValueError("minimum must not be above maximum")
        return self


class Kubernetes(Part):
    """What deployments/kubernetes needs to know of an environment.

    Attributes:
        host: name of the API outside, with TLS.
        prefect_host: the same of Prefect's server.
        secret: the Kubernetes Secret that has a key for each secret variable.
        config_map: the one with every other variable.
        workers: pods of `navigator worker`, by the number of jobs that wait.
        jobs_per_worker: that wait for each pod before there is one more.
    """

    host: str = "navigator.example.com"
    prefect_host: str = "prefect.example.com"
    secret: str = "navigator-secrets"  # noqa: S105  (its name)
    config_map: str = "navigator-settings"
    workers: Scaling = Scaling(minimum=1, maximum=4)
    jobs_per_worker: int = Field(default=200, ge=1)
