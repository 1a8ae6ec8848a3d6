"""Work pools, secret blocks and automations on a real Prefect server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from deployments.automation_changes import automations, put_automations
from deployments.environment import Environment
from deployments.environment_variables import process_variables
from deployments.prefect_api import PrefectApi, path_of, prefect_api
from deployments.rendering import TAG
from deployments.work_pool import put_work_pool, work_pool_problems
from pipeline.errors import ConfigurationError, ServiceUnavailable
from tests.prefect_server import PrefectServer

IMAGE = "registry.example.com/insurance-navigator"


@pytest.fixture
def server(prefect_server: PrefectServer) -> Iterator[PrefectApi]:
    """The session's server."""
    with prefect_api(prefect_server.url, changing=True) as api:
        yield api


def environment(server: PrefectApi, pool: dict[str, Any], **keys: Any) -> Environment:
    """One with a pool of its own, whose queues have limits."""
    queues = {"default": {"priority": 1, "limit": 3}, "batches": {"priority": 2}}
    name = f"pool-{uuid4().hex[:8]}"
    return Environment.model_validate(
        {
            "name": "mine",
            "prefect": {"api_url": str(server.client.base_url)},
            "pool": {"name": name, "queues": queues, "limit": 7, **pool},
            **keys,
        }
    )


def changed(made: Environment, **pool: Any) -> Environment:
    """The same with other keys of its pool."""
    return made.model_copy(update={"pool": made.pool.model_copy(update=pool)})


@pytest.mark.parametrize("kind", ["process", "docker", "kubernetes"])
def test_a_pool_is_made_and_brought_up_to_date(server: PrefectApi, kind: str) -> None:
    """A pool of each type has its limit and its queues; once more changes what differs."""
    made = environment(server, {"type": kind, "image": None if kind == "process" else IMAGE})
    assert dict(work_pool_problems(server, made)).keys() == {"work pool"}
    put_work_pool(server, made)
    assert list(work_pool_problems(server, made)) == []
    put_work_pool(server, made)
    assert list(work_pool_problems(server, made)) == []
    higher = changed(made, limit=None)
    assert [told for _, told in work_pool_problems(server, higher)] == [
        f"The work pool {made.pool.name} has the limit 7, not no limit."
    ]
    put_work_pool(server, higher)
    assert list(work_pool_problems(server, higher)) == []


def test_what_a_person_changed_is_told_and_brought_back(server: PrefectApi) -> None:
    """Limits, order and queues are compared one by one; a queue of somebody's own stays."""
    made = environment(server, {})
    put_work_pool(server, made)
    pool = path_of("work_pools", made.pool.name)
    server.make(f"{pool}/queues", {"name": "theirs"})
    server.change(f"{pool}/queues/default", {"concurrency_limit": 1})
    server.remove(f"{pool}/queues/batches")
    server.change(pool, {"is_paused": True})
    assert [told for _, told in work_pool_problems(server, made)] == [
        f"The work pool {made.pool.name} is paused.",
        "The queue default has the limit 1, not the limit 3.",
        f"The work pool {made.pool.name} has no queue batches.",
    ]
    put_work_pool(server, made)
    assert [told for _, told in work_pool_problems(server, made)] == [
        f"The work pool {made.pool.name} is paused."
    ]
    assert server.read(f"{pool}/queues/theirs") is not None


def test_another_template_is_told(server: PrefectApi) -> None:
    """A docker pool whose template a person changed is another, until it is put back."""
    made = environment(server, {"type": "docker", "image": IMAGE})
    put_work_pool(server, made)
    more = made.model_copy(update={"settings": {"ocr": True}})
    told = f"The work pool {made.pool.name} has another job template."
    assert [each for _, each in work_pool_problems(server, more)] == [told]
    put_work_pool(server, more)
    assert list(work_pool_problems(server, more)) == []


def test_a_pool_of_another_type_is_refused(server: PrefectApi) -> None:
    """Prefect cannot change a pool's type, so a person has to decide."""
    made = environment(server, {})
    put_work_pool(server, made)
    with pytest.raises(ConfigurationError, match="is of type process, not docker"):
        put_work_pool(server, changed(made, type="docker", image=IMAGE))


def secret_block(server: PrefectApi, value: str) -> str:
    """A secret block with a name of its own."""
    kind = server.read("block_types/slug/secret")["id"]
    [schema] = server.ask(
        "block_schemas/filter",
        {"block_schemas": {"block_type_id": {"any_": [kind]}}, "limit": 1},
    )
    name = f"secret-{uuid4().hex[:8]}"
    body = {"name": name, "data": {"value": value}, "block_type_id": kind}
    server.ask("block_documents/", body | {"block_schema_id": schema["id"]})
    return name


def test_secrets_in_blocks_are_read_from_the_environments_server(server: PrefectApi) -> None:
    """A secret block's value becomes the variable; a block that is not there is named."""
    name = secret_block(server, "sk-of-a-block")
    made = environment(server, {}, secrets={"openai_api_key": {"prefect_secret": name}})
    assert process_variables(made, given={})["OPENAI_API_KEY"] == "sk-of-a-block"
    gone = environment(server, {}, secrets={"openai_api_key": {"prefect_secret": "gone"}})
    with pytest.raises(ConfigurationError, match="Prefect secret block gone"):
        process_variables(gone, given={})


def test_a_server_that_does_not_answer_is_told() -> None:
    """Who needs a secret block and has no server is told which server that is."""
    made = Environment.model_validate(
        {
            "name": "mine",
            "prefect": {"api_url": "http://127.0.0.1:1/api"},
            "secrets": {"openai_api_key": {"prefect_secret": "x"}},
        }
    )
    with pytest.raises(ServiceUnavailable, match=r"127\.0\.0\.1:1/api does not answer"):
        process_variables(made, given={})


def automation(**keys: Any) -> dict[str, Any]:
    """One that pauses or runs a deployment when a run of it crashes."""
    trigger = {
        "type": "event",
        "posture": "Reactive",
        "expect": ["prefect.flow-run.Crashed"],
        "match_related": {"prefect.resource.name": "ingest"},
        "threshold": 3,
        "within": 60,
    }
    actions = [{"type": "pause-deployment", "deployment": "ingest"}]
    return {"trigger": trigger, "actions": actions, **keys}


def test_automations_are_made_changed_and_removed(server: PrefectApi) -> None:
    """Those of the environment are there, by the ids of its deployments; those gone are removed."""
    flow = server.ask("flows/", {"name": "automated"})["id"]
    made = environment(
        server,
        {},
        deployments={"ingest": {"flow": "automated", "description": "x", "limit": 1}},
        automations={"crashes": automation(), "others": automation(enabled=False)},
    )
    with pytest.raises(ConfigurationError, match="no deployment automated/ingest"):
        put_automations(server, made)
    deployed = server.ask("deployments/", {"name": "ingest", "flow_id": flow})["id"]
    try:
        put_automations(server, made)
        there = automations(server)
        assert {name: each["enabled"] for name, each in there.items()} == {
            "crashes": True,
            "others": False,
        }
        assert there["crashes"]["tags"] == [TAG]
        assert there["crashes"]["actions"][0]["deployment_id"] == deployed
        fewer = {"crashes": made.automations["crashes"].model_copy(update={"enabled": False})}
        put_automations(server, made.model_copy(update={"automations": fewer}))
        left = automations(server)
        assert {name: each["enabled"] for name, each in left.items()} == {"crashes": False}
        assert left["crashes"]["id"] == there["crashes"]["id"]
    finally:
        put_automations(server, made.model_copy(update={"automations": {}}))
        server.remove(path_of("deployments", deployed))


def test_a_wrong_automation_is_refused_by_the_server(server: PrefectApi) -> None:
    """A trigger that Prefect does not know is told as a wrong environment."""
    wrong = {"trigger": {"type": "nothing"}, "actions": [{"type": "do-nothing"}]}
    made = environment(server, {}, automations={"wrong": wrong})
    told = pytest.raises(ConfigurationError, match="does not take what /api/automations/")
    with told, prefect_api(str(server.client.base_url), changing=True) as api:
        put_automations(api, made)
