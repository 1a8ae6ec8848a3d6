"""Makes a run's job with Prefect's own worker package; see `tests/worker-packages.lock`.

Reads the pool's job template from stdin, and prints the job as JSON. Arguments: the pool's type,
and the deployment's job variables.
"""

from __future__ import annotations

import asyncio
import json
import sys
from importlib import import_module
from unittest.mock import MagicMock
from uuid import uuid4

from prefect.client.schemas.objects import FlowRun


async def main() -> None:
    """Resolve the template as the worker does when it starts a run."""
    kind, variables = sys.argv[1], json.loads(sys.argv[2])
    if kind == "docker":
        worker = import_module("prefect_docker.worker").DockerWorker
    else:
        worker = import_module("prefect_kubernetes.worker").KubernetesWorker
    template = json.load(sys.stdin)
    made = await worker.job_configuration.from_template_and_values(
        template, variables, client=MagicMock()
    )
    made.prepare_for_flow_run(FlowRun(id=uuid4(), name="a-run", flow_id=uuid4()))
    sys.stdout.write(json.dumps(made.model_dump(mode="json")))


if __name__ == "__main__":
    asyncio.run(main())
