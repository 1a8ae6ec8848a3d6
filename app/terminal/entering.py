"""Makes a command's process one of an environment, with the Prefect server that it names."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from app.prefect.block_server import QUIET
from app.process.log_output import configure_logs
from app.process.working_folder import leave_folder
from pipeline.settings import Settings, load_settings

if TYPE_CHECKING:
    from deployments.environment import Environment


def entered(name: str) -> tuple[Environment, Settings]:
    """Enter an environment for the rest of this process; what it says, and its settings.

    Its Prefect server need not answer yet.

    Raises:
        ConfigurationError: the environment's file is wrong, or a secret is missing.
    """
    from app.prefect.server import join_prefect
    from deployments.environment_files import load_environment
    from deployments.environment_variables import enter

    environment = load_environment(name)
    enter(environment)
    settings = load_settings()
    leave_folder()
    for variable, value in QUIET.items():
        os.environ.setdefault(variable, value)
    join_prefect(settings.home, settings.prefect_auth_file)
    configure_logs(settings, "navigator", console=False)
    return environment, settings
