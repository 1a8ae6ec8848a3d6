"""What a warm worker reads of a deployment and of its job variables."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from prefect.workers.process import ProcessJobConfiguration, ProcessVariables
from pydantic import Field, PrivateAttr

from app.worker.entrypoints import flow_of
from deployments.releases.release import without_release
from pipeline.errors import ConfigurationError

if TYPE_CHECKING:
    from prefect import Flow
    from prefect.client.schemas.objects import FlowRun
    from prefect.client.schemas.responses import DeploymentResponse

_OWN_PROCESS = (
    "`navigator worker` heeds it in a process of its own, and only with "
    "NAVIGATOR_WORKER_CHILD_RUNS=true; else it refuses the run. Prefect's own worker heeds it."
)
# Prefect shows a run's error without its remedy.
_ASKED_FOR = " NAVIGATOR_WORKER_CHILD_RUNS=true lets the worker run it in a process of its own."
_NO_MATTER = "Names a process of its own; a run in the worker's process has none."


class WarmVariables(ProcessVariables):
    """Job variables as the form of a run shows them, with what our workers do with each."""

    name: str | None = Field(default=None, description=f"The process's name. {_NO_MATTER}")
    env: dict[str, str | None] = Field(
        default_factory=dict,
        title="Environment Variables",
        description=f"Environment of the run. {_OWN_PROCESS}",
    )
    command: str | None = Field(
        default=None,
        description="Command that runs the flow run; empty: Prefect's engine. " + _OWN_PROCESS,
    )
    working_dir: Path | None = Field(
        default=None,
        title="Working Directory",
        description=f"Folder in which the run begins; empty: one of its own. {_OWN_PROCESS}",
    )
    stream_output: bool = Field(
        default=True,
        description="Whether a process's output is shown where its worker runs. A run in the "
        "worker's own process writes the worker's log.",
    )


class WarmConfiguration(ProcessJobConfiguration):
    """A process worker's, with the deployment and the job variables kept."""

    _deployment: DeploymentResponse | None = PrivateAttr(default=None)
    _own_process: list[str] = PrivateAttr(default_factory=list)

    def prepare_for_flow_run(
        self,
        flow_run: FlowRun,
        deployment: DeploymentResponse | None = None,
        *others: Any,
        **named: Any,
    ) -> None:
        """Keep the deployment, which names the flow, and what was asked for besides."""
        # Which release runs is the worker's own matter: one that changes ends its runs itself.
        environment = without_release({"env": self.env}).get("env")
        asked = {"command": self.command, "env": environment, "working_dir": self.working_dir}
        self._own_process = [name for name, value in asked.items() if value]
        super().prepare_for_flow_run(flow_run, deployment, *others, **named)
        self._deployment = deployment

    @property
    def entrypoint(self) -> str | None:
        """Which flow the run is of."""
        return self._deployment.entrypoint if self._deployment else None

    @property
    def own_process(self) -> list[str]:
        """The job variables that only a process of the run's own can heed."""
        return self._own_process


def warm_flow(configuration: WarmConfiguration, *, child_runs: bool) -> Flow[..., Any] | None:
    """The flow to run in this process; None for a run that gets a process of its own.

    Raises:
        ConfigurationError: it would need one, and the operator allows none.
    """
    flow = flow_of(configuration.entrypoint)
    if flow is not None and not configuration.own_process:
        return flow
    if child_runs:
        return None
    if configuration.own_process:
        raise ConfigurationError(
            f"This run has job variables ({', '.join(configuration.own_process)}) that a warm "
            "worker's own process cannot heed." + _ASKED_FOR,
            remedy="Leave them out, set NAVIGATOR_WORKER_CHILD_RUNS=true for the worker, or use "
            "`prefect worker start`.",
        )
    raise ConfigurationError(
        f"A warm worker runs the async flows that are installed with it, and not "
        f"{configuration.entrypoint}." + _ASKED_FOR,
        remedy="Install the flow's package beside the worker with an entry point in the group "
        "insurance_navigator.flows, set NAVIGATOR_WORKER_CHILD_RUNS=true for the worker, or use "
        "`prefect worker start`.",
    )
