"""The Kubernetes manifests: rendered, built by kustomize, and the same as the program and settings.

No cluster is asked: what kustomize builds is compared with our commands, settings, routes and
metrics, and validated by Kubernetes' own schema.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from app.api.routes import probes
from app.cli.main import app
from app.prefect.guard import OPEN_PATHS
from app.prefect.server_command import CLIENT_SETTINGS, SERVER_SETTINGS, server_environment
from deployments.environment_files import load_environment
from deployments.environment_variables import variable_named
from deployments.kubernetes_files import OVERLAYS, overlay_names, secrets_of, written
from pipeline.env_files import HOME
from pipeline.unknown_variables import setting_variables
from tests.environments import interpreter

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "deployments" / "kubernetes"
LOCK = ROOT / "tests" / "manifests.lock"
KUBECTL = shutil.which("kubectl")
NAMES = overlay_names()
COMPONENTS = ("keda", "kubernetes-pool")
OUR_KINDS = {"ScaledObject", "TriggerAuthentication"}
"""Of KEDA, whose schema Kubernetes does not have."""

each_overlay = pytest.mark.parametrize("name", NAMES)


@cache
def built(folder: Path) -> tuple[dict[str, Any], ...]:
    """What kustomize makes of a folder."""
    if KUBECTL is None:
        pytest.skip("kubectl is not installed, and with it kustomize")
    done = subprocess.run([KUBECTL, "kustomize", folder], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return tuple(yaml.safe_load_all(done.stdout))


def overlay(name: str) -> dict[tuple[str, str], dict[str, Any]]:
    """What an overlay makes, by kind and name."""
    found = built(OVERLAYS / name)
    made = {(each["kind"], each["metadata"]["name"]): each for each in found}
    assert len(made) == len(found)
    return made


@pytest.fixture(scope="module")
def with_components(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A folder for each component, on top of an overlay as docs/deployment.md says."""
    copy = tmp_path_factory.mktemp("kubernetes") / "kubernetes"
    shutil.copytree(FOLDER, copy)
    made = {}
    for name in COMPONENTS:
        folder = copy / f"with-{name}"
        folder.mkdir()
        (folder / "kustomization.yaml").write_text(
            "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n"
            "namespace: insurance-navigator-staging\n"
            f"resources: [../overlays/staging]\ncomponents: [../components/{name}]\n"
        )
        made[name] = folder
    return made


def pods(documents: dict[tuple[str, str], dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every pod's own part, by the name of what starts it."""
    for (kind, name), each in documents.items():
        if kind in ("Deployment", "StatefulSet", "Job"):
            yield name, each["spec"]["template"]


@each_overlay
def test_overlays_are_what_their_environments_say(name: str) -> None:
    """Config maps, secrets' names, hosts and numbers are rendered from the environment's file."""
    for file, text in written(load_environment(name)).items():
        assert (OVERLAYS / name / file).read_text("utf-8") == text, (
            "run `python -m deployments.kubernetes_files`"
        )


def test_every_environment_elsewhere_has_an_overlay() -> None:
    """Staging and production are there; the local one is this machine's."""
    assert NAMES == ["production", "staging"]


@each_overlay
def test_the_overlay_is_its_environments(name: str) -> None:
    """Namespace, image, hosts and workers are those of the environment's file."""
    made, environment = overlay(name), load_environment(name)
    spaces = {each["metadata"].get("namespace") for (kind, _), each in made.items()
              if kind != "Namespace"}  # fmt: skip
    assert spaces == {environment.pool.namespace}
    assert ("Namespace", environment.pool.namespace) in made
    hosts = {key: each["spec"]["rules"][0]["host"] for key, each in made.items()
             if key[0] == "Ingress"}  # fmt: skip
    assert hosts == {
        ("Ingress", "api"): environment.kubernetes.host,
        ("Ingress", "prefect"): environment.kubernetes.prefect_host,
    }
    scaling = made["HorizontalPodAutoscaler", "worker-batches"]["spec"]
    workers = environment.kubernetes.workers
    assert (scaling["minReplicas"], scaling["maxReplicas"]) == (workers.minimum, workers.maximum)
    for _, pod in pods(made):
        for container in pod["spec"]["containers"]:
            repository, _, digest = container["image"].partition("@sha256:")
            assert repository == environment.pool.image and re.fullmatch("[0-9a-f]{64}", digest)


@each_overlay
def test_pods_may_do_nothing_they_need_not(name: str) -> None:
    """No root, no privileges, nothing writable but named folders, no token of Kubernetes."""
    found = dict(pods(overlay(name)))
    assert set(found) == {"api", "worker", "worker-batches", "prefect", "migrations"}
    for pod in (each["spec"] for each in found.values()):
        assert pod["automountServiceAccountToken"] is False
        assert pod["serviceAccountName"] == "navigator"
        assert pod["securityContext"]["runAsNonRoot"] and pod["securityContext"]["runAsUser"] > 0
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert container["resources"]["requests"].keys() == {"cpu", "memory"}
            assert "memory" in container["resources"]["limits"]
            assert {"/tmp"} < {each["mountPath"] for each in container["volumeMounts"]}


@each_overlay
def test_secrets_are_references_to_those_who_need_them(name: str) -> None:
    """Each pod has the environment's secrets that it needs; the owner's login is not the API's."""
    made, environment = overlay(name), load_environment(name)
    assert not any(kind == "Secret" for kind, _ in made)
    for pod_name, pod in pods(made):
        [container] = pod["spec"]["containers"]
        referred = {
            each["name"]: each["valueFrom"]["secretKeyRef"]
            for each in container["env"]
            if "secretKeyRef" in each.get("valueFrom", {})
        }
        assert all(each["name"] == environment.kubernetes.secret for each in referred.values())
        assert all(each["key"] == variable for variable, each in referred.items())
        if pod_name == "prefect":
            assert set(referred) == {"PREFECT_API_DATABASE_CONNECTION_URL"}
            continue
        wanted = {variable_named(each) for each in secrets_of(environment, pod_name)}
        assert set(referred) == wanted and "DATABASE_URL" in wanted
    assert "database_owner_url" not in secrets_of(environment, "api")
    assert "jwt_secret" not in secrets_of(environment, "worker")
    assert "openai_api_key" not in secrets_of(environment, "migrations")


@each_overlay
def test_variables_are_known(name: str) -> None:
    """What a config map or a pod sets is a setting of ours, or one that we set for Prefect too."""
    made = overlay(name)
    known = {*setting_variables(), HOME, "NAVIGATOR_ENVIRONMENT", "NAVIGATOR_ENVIRONMENTS",
             "NAVIGATOR_ENVIRONMENT_ENTERED", "POD_NAME", "PREFECT_HOME", "PREFECT_API_URL",
             "PREFECT_API_AUTH_STRING", *CLIENT_SETTINGS, *SERVER_SETTINGS,
             *server_environment(Path(), "http://ui")}  # fmt: skip
    ours = made["ConfigMap", "navigator-settings"]["data"]
    assert {*ours, *made["ConfigMap", "prefect-settings"]["data"]} <= known
    for _, pod in pods(made):
        assert {each["name"] for each in pod["spec"]["containers"][0]["env"]} <= known
    assert ours["NAVIGATOR_ENVIRONMENT_ENTERED"] == ours["NAVIGATOR_ENVIRONMENT"] == name
    assert ours["NAVIGATOR_WORK_POOL"] == load_environment(name).pool.name


@each_overlay
def test_pods_find_their_environments_file(name: str, tmp_path: Path) -> None:
    """What is mounted is the whole environment, as a file that needs no other."""
    made = overlay(name)
    file = made["ConfigMap", "navigator-environments"]["data"][f"{name}.yaml"]
    (tmp_path / f"{name}.yaml").write_text(file)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("NAVIGATOR_ENVIRONMENTS", str(tmp_path))
        read = load_environment(name)
    assert read == load_environment(name)
    folder = made["ConfigMap", "navigator-settings"]["data"]["NAVIGATOR_ENVIRONMENTS"]
    for pod_name in ("api", "worker", "worker-batches"):
        [container] = dict(pods(made))[pod_name]["spec"]["containers"]
        assert folder in {each["mountPath"] for each in container["volumeMounts"]}


@each_overlay
def test_commands_are_ours(name: str) -> None:
    """API and workers are commands with options that exist; modules can be found."""
    for pod_name, pod in pods(overlay(name)):
        module, *arguments = pod["spec"]["containers"][0]["args"]
        if module != "app":
            assert module == "uvicorn" or (ROOT / f"{module.replace('.', '/')}.py").is_file()
            continue
        command, *options = arguments
        shown = CliRunner().invoke(app, [command, "--help"]).output
        assert all(each in shown for each in options if each.startswith("--")), pod_name
    assert_queues_have_workers(name)


def assert_queues_have_workers(name: str) -> None:
    """Each queue of the environment has workers of its own."""
    served = set()
    for _, pod in pods(overlay(name)):
        arguments = pod["spec"]["containers"][0]["args"]
        if "--queue" in arguments:
            served.add(arguments[arguments.index("--queue") + 1])
    assert served == set(load_environment(name).pool.queues)


@each_overlay
def test_probes_ask_what_exists(name: str) -> None:
    """The API's and Prefect's probes are routes that need no password; the worker's is its own."""
    routes = {getattr(route, "path", "") for route in probes.router.routes}
    for pod_name, pod in pods(overlay(name)):
        [container] = pod["spec"]["containers"]
        asked = [container[each] for each in container if each.endswith("Probe")]
        assert bool(asked) == (pod_name != "migrations")
        for probe in asked:
            if pod_name.startswith("worker"):
                *_, address = probe["exec"]["command"]
                port = container["args"][container["args"].index("--health-port") + 1]
                assert address == f"http://127.0.0.1:{port}/health"
            elif pod_name == "prefect":
                assert probe["httpGet"]["path"] in OPEN_PATHS
                [header] = probe["httpGet"]["httpHeaders"]
                assert header == {"name": "Host", "value": "prefect"}
            else:
                assert probe["httpGet"]["path"] in routes
    made = overlay(name)
    hosts = made["ConfigMap", "prefect-settings"]["data"]["NAVIGATOR_PREFECT_HOSTS"].split()
    assert "prefect" in hosts and load_environment(name).kubernetes.prefect_host in hosts


def policies(made: dict[tuple[str, str], dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The network policies, by name."""
    return {name: each["spec"] for (kind, name), each in made.items() if kind == "NetworkPolicy"}


def chosen(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    """Whether a selector means a pod with these labels."""
    if any(labels.get(key) != value for key, value in selector.get("matchLabels", {}).items()):
        return False
    return all(
        labels.get(each["key"]) in each["values"] for each in selector.get("matchExpressions", [])
    )


@each_overlay
def test_nobody_talks_to_whom_they_need_not(name: str) -> None:
    """Everything is denied first; of our pods, only clients of Prefect reach it, by its port."""
    made = overlay(name)
    found = policies(made)
    assert found["default-deny"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    labels = {pod: each["metadata"]["labels"] for pod, each in pods(made)}
    reached: dict[str, set[str]] = {pod: set() for pod in labels}
    for policy in found.values():
        for rule in policy.get("ingress", []):
            for source in rule["from"]:
                if "namespaceSelector" in source:
                    continue
                assert rule["ports"] == [{"protocol": "TCP", "port": "http"}]
                for target, of_target in labels.items():
                    if chosen(policy["podSelector"], of_target):
                        reached[target] |= {
                            pod for pod, each in labels.items()
                            if chosen(source["podSelector"], each)
                        }  # fmt: skip
    assert reached == {
        "api": set(), "worker": set(), "worker-batches": set(), "migrations": set(),
        "prefect": {"api", "worker", "worker-batches"},
    }  # fmt: skip


@each_overlay
def test_who_may_leave_the_cluster(name: str) -> None:
    """By TLS those who ask outside services; Prefect's server and migrations only Postgres."""
    made = overlay(name)
    ports: dict[str, set[int]] = {}
    for pod, template in pods(made):
        ports[pod] = {
            port["port"]
            for policy in policies(made).values()
            if chosen(policy["podSelector"], template["metadata"]["labels"])
            for rule in policy.get("egress", [])
            for target in rule["to"]
            if "ipBlock" in target
            for port in rule["ports"]
        }
    outside = {443, 5432}
    assert ports == {
        "api": outside, "worker": outside, "worker-batches": outside,
        "prefect": {5432}, "migrations": {5432},
    }  # fmt: skip
    for policy in policies(made).values():
        for rule in policy.get("egress", []):
            for target in rule["to"]:
                if "ipBlock" in target:
                    assert target["ipBlock"]["except"] == ["169.254.0.0/16"]


@each_overlay
def test_tls_is_demanded(name: str) -> None:
    """Each host has a certificate, and a request without TLS is sent there."""
    for (kind, _), each in overlay(name).items():
        if kind == "Ingress":
            [tls] = each["spec"]["tls"]
            assert tls["hosts"] == [rule["host"] for rule in each["spec"]["rules"]]
            told = each["metadata"]["annotations"]
            assert told["nginx.ingress.kubernetes.io/force-ssl-redirect"] == "true"


def test_services_find_their_pods() -> None:
    """Selectors of services, budgets and workloads mean exactly the pods of their name."""
    made = overlay("staging")
    labels = {pod: each["metadata"]["labels"] for pod, each in pods(made)}
    for (kind, name), each in made.items():
        selector = each.get("spec", {}).get("selector")
        if not selector or kind == "Job":
            continue
        wanted = selector.get("matchLabels", selector)
        assert [pod for pod, of in labels.items() if wanted.items() <= of.items()] == [name], kind


def test_workers_scale_by_a_metric_that_exists(with_components: dict[str, Path]) -> None:
    """The autoscaler and KEDA ask for a gauge that /metrics has."""
    metrics = (ROOT / "app" / "api" / "metrics.py").read_text("utf-8")
    scaler = overlay("staging")["HorizontalPodAutoscaler", "worker-batches"]["spec"]
    [metric] = scaler["metrics"]
    wanted = metric["external"]["metric"]["name"]
    assert f'"{wanted}"' in metrics
    keda = {each["kind"]: each for each in built(with_components["keda"])}
    assert "HorizontalPodAutoscaler" not in keda
    [trigger] = keda["ScaledObject"]["spec"]["triggers"]
    assert trigger["metadata"]["valueLocation"] == wanted
    [secret] = keda["TriggerAuthentication"]["spec"]["secretTargetRef"]
    assert secret["key"] == variable_named("metrics_token")


def test_runs_of_a_kubernetes_pool_have_prefects_worker(with_components: dict[str, Path]) -> None:
    """It takes the place of ours, starts jobs in its own namespace, and hands on no password."""
    made = {(each["kind"], each["metadata"]["name"]): each
            for each in built(with_components["kubernetes-pool"])}  # fmt: skip
    assert set(dict(pods(made))) == {"api", "prefect", "migrations", "pool-worker"}
    [container] = made["Deployment", "pool-worker"]["spec"]["template"]["spec"]["containers"]
    import prefect

    assert container["image"].startswith(f"prefecthq/prefect:{prefect.__version__}-")
    env = {each["name"]: each.get("value") for each in container["env"]}
    prefix = "PREFECT_INTEGRATIONS_KUBERNETES_WORKER_API_AUTH_STRING_SECRET"
    assert env[f"{prefix}_NAME"] == load_environment("staging").kubernetes.secret
    assert env[f"{prefix}_KEY"] == "PREFECT_API_AUTH_STRING"
    [binding] = made["RoleBinding", "navigator-pool"]["subjects"]
    assert binding["namespace"] == load_environment("staging").pool.namespace


@pytest.mark.long
def test_kubernetes_knows_all_of_it(with_components: dict[str, Path]) -> None:
    """Every manifest has the schema of Kubernetes, with no key that it does not know."""
    folders = [*(OVERLAYS / name for name in NAMES), *with_components.values()]
    documents = [each for folder in folders for each in built(folder)]
    known = [each for each in documents if each["kind"] not in OUR_KINDS]
    assert len(known) > 80 and len(documents) - len(known) == len(OUR_KINDS)
    assert invalid(known) == ""
    broken = {**known[0], "kind": "Pod", "apiVersion": "v1", "spec": {"container": []}}
    assert "Pod/" in invalid([broken])


def invalid(documents: list[dict[str, Any]]) -> str:
    """What Kubernetes' schema says of them."""
    done = subprocess.run(
        [interpreter(LOCK), Path(__file__).with_name("validated_in_schema.py")],
        input=yaml.safe_dump_all(documents), capture_output=True, text=True, timeout=170,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.long
def test_the_dockerfile_is_lint_free() -> None:
    """hadolint finds nothing in the image that all of this runs."""
    done = subprocess.run(
        [interpreter(LOCK).with_name("hadolint"), ROOT / "deployments" / "Dockerfile"],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
