"""Opens what a deployment works with: the environment's database, storage and services."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

from deployments.environment import Environment
from deployments.releases.checks import checks_before
from deployments.releases.deploying import Deployer
from deployments.releases.deployment_parts import Services
from deployments.releases.switching import CommandServices
from deployments.releases.verification_process import VerifiedInAProcess
from pipeline.settings import Settings
from pipeline.store.engine import Database
from stages.services import database_addresses, open_storage


@asynccontextmanager
async def opened_deployer(
    environment: Environment,
    given: Mapping[str, str],
    settings: Settings,
    home_services: Services,
    told: Callable[[str], None],
) -> AsyncIterator[Deployer]:
    """Open everything; the schema stays as it is.

    Args:
        given: the variables of this process before it entered the environment.
        settings: of the environment.
        home_services: used where the environment's services are those of a home.

    Raises:
        ConfigurationError, DatabaseUnavailable, StorageUnavailable: in one sentence each.
    """
    async with AsyncExitStack() as stack:
        addresses = await database_addresses(settings)
        database = Database.at(addresses, pool_size=2)
        stack.push_async_callback(database.close)
        by_command = environment.services.kind == "command"
        yield Deployer(
            environment=environment,
            given=given,
            settings=settings,
            addresses=addresses,
            database=database,
            storage=await open_storage(settings),
            services=CommandServices(environment.services.command) if by_command else home_services,
            verify=VerifiedInAProcess(told),
            told=told,
            checks=checks_before(),
        )
