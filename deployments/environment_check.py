"""Checks an environment from outside: secrets where they are said to be, addresses, Prefect's pool.

Nothing is changed, and no secret's value is told.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass

import httpx

from deployments.environment import Environment
from deployments.environment_variables import found_secrets, prefect_auth
from deployments.prefect_api import PrefectApi, path_of, prefect_api
from deployments.secret_blocks import SecretBlocks
from deployments.work_pool import work_pool_problems
from pipeline.errors import NavigatorError
from pipeline.store.migrating import head_revision, reachable_revision

SECONDS = 10.0
"""That an address has to answer."""
_LOGIN = re.compile(r"//[^/@]*@")
_BUCKETS = ("s3://", "gs://", "az://")


@dataclass(frozen=True, slots=True)
class Finding:
    """One part of an environment that was looked at.

    Attributes:
        problem: one sentence; empty when the part is as it should be.
    """

    part: str
    detail: str
    problem: str = ""
    remedy: str = ""


def check_environment(
    environment: Environment, given: Mapping[str, str], *, auth: str | None = None
) -> Iterator[Finding]:
    """What is found of an environment whose file is valid, part by part.

    Args:
        given: where variables that are named as secrets are found.
        auth: the Prefect server's user:password, when the environment does not say where it is.
    """
    yield Finding("schema", "its file and what it extends are valid")
    auth = prefect_auth(environment, given) or auth
    server = environment.prefect.api_url
    answers = _answers("Prefect server", f"{server}/health")
    yield answers
    secrets = _secrets(environment, given, SecretBlocks(server, auth))
    yield from _secret_findings(environment, secrets)
    known = {name: value for name, value in secrets.items() if isinstance(value, str)}
    yield from _databases(known)
    yield from _storage(environment, known)
    yield from _addresses(environment, known)
    if not answers.problem:
        yield from _pool(environment, auth)


def _secrets(
    environment: Environment, given: Mapping[str, str], blocks: SecretBlocks
) -> dict[str, str | NavigatorError | None]:
    """Each secret, or why it cannot be read; None for one that is not there."""
    found: dict[str, str | NavigatorError | None] = {}
    for name, reference in environment.secrets.items():
        one = environment.model_copy(update={"secrets": {name: reference}})
        try:
            found |= found_secrets(one, given=given, prefect_secret=blocks)
        except NavigatorError as error:
            found[name] = error
    return found


def _secret_findings(
    environment: Environment, secrets: Mapping[str, str | NavigatorError | None]
) -> Iterator[Finding]:
    for name, found in secrets.items():
        where, part = environment.secrets[name], f"secret {name}"
        if isinstance(found, NavigatorError):
            yield Finding(part, "", found.message, found.remedy)
        elif found is None:
            yield Finding(
                part, "", f"The secret {name} is not there: {where}.",
                "Set the variable, write the file, or save the block.",
            )  # fmt: skip
        else:
            yield Finding(part, f"is there: {where}")


def _databases(secrets: Mapping[str, str]) -> Iterator[Finding]:
    for name in ("database_url", "database_reader_url", "database_owner_url"):
        if (url := secrets.get(name)) is None:
            continue
        try:
            revision = reachable_revision(url)
        except NavigatorError as error:
            yield Finding(name, "", error.message, error.remedy)
            continue
        schema = f"its schema is {revision}" if revision else "it has no schema yet"
        newest = "" if revision == head_revision() else f", this program's is {head_revision()}"
        yield Finding(name, f"answers; {schema}{newest}")


def _storage(environment: Environment, secrets: Mapping[str, str]) -> Iterator[Finding]:
    url = str(environment.settings.get("storage_url") or secrets.get("storage_url") or "")
    if not url.startswith(_BUCKETS):
        return
    try:
        asyncio.run(_listed(url, json.loads(secrets.get("storage_options", "{}"))))
    except NavigatorError as error:
        yield Finding("storage_url", "", error.message, error.remedy)
    except (TimeoutError, ValueError) as error:
        why = "does not answer" if isinstance(error, TimeoutError) else "has wrong options"
        yield Finding("storage_url", "", f"The storage {url} {why}.", "Correct storage_url.")
    else:
        yield Finding("storage_url", "answers, and can be listed")


async def _listed(url: str, options: Mapping[str, str]) -> None:
    """Ask a bucket for its first objects.

    Raises:
        NavigatorError: it refuses, or there is none.
        TimeoutError: it does not answer.
    """
    from clients.storage.object_storage import Storage

    async with asyncio.timeout(SECONDS), aclosing(Storage(url, options).listing()) as listed:
        await anext(listed, None)


def _addresses(environment: Environment, secrets: Mapping[str, str]) -> Iterator[Finding]:
    settings = environment.settings
    asked = {"public_url": settings.get("public_url"), "jwks": settings.get("jwks")}
    if "openai_api_key" in secrets or settings.get("embedder") == "openai":
        asked["openai_base_url"] = settings.get("openai_base_url", "https://api.openai.com/v1")
    if settings.get("parser") == "llamaparse":
        default = "https://api.cloud.llamaindex.ai"
        asked["llama_cloud_base_url"] = settings.get("llama_cloud_base_url", default)
    for name, address in asked.items():
        if address and str(address).startswith("http"):
            yield _answers(name, str(address))


def _answers(part: str, address: str) -> Finding:
    """Whether anything answers there; what it says of a request without a key does not matter."""
    try:
        asked, address = address, _LOGIN.sub("//", address)
        httpx.get(asked, timeout=SECONDS)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        problem = f"{address} does not answer ({type(error).__name__})."
        return Finding(part, "", problem, "Start what is to answer there, or correct the address.")
    return Finding(part, f"{address} answers")


def _pool(environment: Environment, auth: str | None) -> Iterator[Finding]:
    """The work pool, its queues and the alert block, as the server has them."""
    try:
        with prefect_api(environment.prefect.api_url, auth) as server:
            problems = [*work_pool_problems(server, environment), *_alert(server, environment)]
    except NavigatorError as error:
        yield Finding("work pool", "", error.message, error.remedy)
        return
    remedy = "Deploy the environment: it makes pool, queues and alert block."
    yield from (Finding(part, "", problem, remedy) for part, problem in problems)
    if not problems:
        pool = environment.pool
        yield Finding("work pool", f"{pool.name} is there, of type {pool.type}, with its queues")


def _alert(server: PrefectApi, environment: Environment) -> Iterator[tuple[str, str]]:
    if (alert := environment.alert) is None:
        return
    name = ("block_types", "slug", "navigator-alert", "block_documents", "name", alert.block)
    if server.read(path_of(*name)) is None:
        yield "alert", f"There is no block {alert.slug} on the server."
