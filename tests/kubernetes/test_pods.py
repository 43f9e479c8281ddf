"""Workloads: closed, probed where something answers, and never all away at once."""

import re
import tomllib
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from services.console.doctor.case import read_case
from shared.database import CONNECTIONS
from shared.probes import PROBE_SECONDS, probes
from shared.process import EXIT_SECONDS
from tests.kubernetes.rendered import OURS, ROOT, SERVICES, Pod, Rendered

pytestmark = pytest.mark.kubernetes

DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8")


def _stages() -> dict[str, str]:
    parts = re.split(r"^FROM \S+ AS (\S+)$", DOCKERFILE, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def _matches(selector: dict[str, Any], pod: Pod) -> bool:
    assert selector.keys() == {"matchLabels"}
    return bool(selector["matchLabels"].items() <= pod.labels.items())


def test_everything_is_in_one_namespace_that_is_made(rendered: Rendered) -> None:
    assert rendered.of("Namespace").keys() == {"carillon"}
    for one in rendered.manifests:
        if one["kind"] != "Namespace":
            assert one["metadata"]["namespace"] == "carillon", one["metadata"]["name"]


@pytest.mark.parametrize("name", OURS)
def test_no_process_may_do_more_than_it_needs(rendered: Rendered, name: str) -> None:
    pod = rendered.pods()[name]
    # https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted, and more
    context, inner = pod.spec["securityContext"], pod.container["securityContext"]
    assert context["runAsNonRoot"] is True
    assert context["runAsUser"] == context["runAsGroup"] == 10001
    assert "--uid 10001" in DOCKERFILE
    assert context["seccompProfile"] == {"type": "RuntimeDefault"}
    assert inner == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod.spec["automountServiceAccountToken"] is False
    # A Service `notifier` would set NOTIFIER_PORT=tcp://..., which is a setting of ours.
    assert pod.spec["enableServiceLinks"] is False
    assert not {"hostNetwork", "hostPID", "hostIPC", "initContainers"} & pod.spec.keys()
    kinds = {next(iter(volume.keys() - {"name"})) for volume in pod.spec["volumes"]}
    assert kinds <= {"secret", "projected", "emptyDir"}
    resources = pod.container["resources"]
    assert resources["requests"].keys() == resources["limits"].keys() == {"cpu", "memory"}


@pytest.mark.parametrize("name", OURS)
def test_an_image_holds_what_is_run_in_it(rendered: Rendered, name: str) -> None:
    container = rendered.pods()[name].container
    image, tag = container["image"].rsplit(":", 1)
    stage = _stages()[image.rsplit("/", 1)[1]]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    assert tag == project["version"]
    assert "\nUSER carillon\n" in stage
    if name in SERVICES:
        assert f'CMD ["python", "-m", "services.{SERVICES[name]}"]' in stage
        assert not {"command", "args"} & container.keys()
    else:
        assert 'ENTRYPOINT ["carillon"]' in stage


@pytest.mark.parametrize("name", SERVICES)
async def test_what_is_probed_answers(rendered: Rendered, name: str) -> None:
    container = rendered.pods()[name].container
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    asked = {
        probe: container[f"{probe}Probe"]["httpGet"]
        for probe in ("startup", "liveness", "readiness")
    }

    assert {probe: one["path"] for probe, one in asked.items()} == {
        "startup": "/livez",
        "liveness": "/livez",
        "readiness": "/readyz",
    }
    for one in asked.values():
        assert ports[one["port"]] == 8080
        assert await _status(one["path"]) == 200
    # Two checks, one after the other; a probe that gives up first would never hear which.
    assert container["readinessProbe"]["timeoutSeconds"] > 2 * PROBE_SECONDS
    assert rendered.pods()[name].spec["terminationGracePeriodSeconds"] > EXIT_SECONDS


async def _status(path: str) -> int:
    answers: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        answers.append(message)

    async def passes() -> bool:
        return True

    application = probes({"database": passes, "broker": passes})
    await application({"type": "http", "path": path}, None, send)
    return int(answers[0]["status"])


@pytest.mark.parametrize("name", SERVICES)
def test_the_ports_are_those_where_the_service_listens(rendered: Rendered, name: str) -> None:
    fields = import_module(f"services.{SERVICES[name]}.settings").Settings.model_fields
    served = {fields["port"].default}
    served |= {fields["web_port"].default} if "web_port" in fields else set()

    assert {port["containerPort"] for port in rendered.pods()[name].container["ports"]} == served


def test_a_budget_keeps_each_service_and_the_broker_at_work(rendered: Rendered) -> None:
    pods = rendered.pods()
    budgets = rendered.of("PodDisruptionBudget")
    assert budgets.keys() == {*SERVICES, "broker"}
    for name in SERVICES:
        selector = budgets[name]["spec"]["selector"]
        assert [pod.name for pod in pods.values() if _matches(selector, pod)] == [name]
        least = budgets[name]["spec"]["minAvailable"]
        replicas = rendered.of("Deployment")[name]["spec"].get("replicas", 2)
        assert least < replicas, "no machine could ever be emptied"
    assert budgets["broker"]["spec"]["maxUnavailable"] == 1


def test_selectors_find_their_own_pods_and_no_others(rendered: Rendered) -> None:
    pods = rendered.pods()
    for name, one in rendered.of("Deployment").items():
        found = [pod.name for pod in pods.values() if _matches(one["spec"]["selector"], pod)]
        assert found == [name]
    for name, one in rendered.of("Service").items():
        (found_pod,) = (
            pod for pod in pods.values() if one["spec"]["selector"].items() <= pod.labels.items()
        )
        ports = {port["name"] for port in found_pod.container["ports"]}
        assert found_pod.name == name
        assert {port["targetPort"] for port in one["spec"]["ports"]} <= ports


def test_everything_but_migrate_can_be_applied_first(rendered: Rendered) -> None:
    # kubectl apply -l 'app.kubernetes.io/name!=migrate'
    label = "app.kubernetes.io/name"
    left = [one for one in rendered.manifests if "migrate" in str(one["metadata"].get("labels"))]
    assert [(one["kind"], one["metadata"]["labels"][label]) for one in left] == [("Job", "migrate")]


def test_the_doctor_finds_each_service_under_its_name(rendered: Rendered) -> None:
    asked = {urlsplit(url).hostname: urlsplit(url).port for url in read_case().probes.values()}
    for name in SERVICES:
        service = rendered.of("Service")[name]["spec"]
        ports = {port["name"]: port["port"] for port in service["ports"]}
        assert asked[name] == ports["probes"]
        # Also who is not ready: that is when a doctor is called.
        assert service["publishNotReadyAddresses"] is True


def test_readers_come_in_where_mails_say(rendered: Rendered) -> None:
    spec = rendered.of("Ingress")["pages"]["spec"]
    settings = rendered.of("ConfigMap")["notifier-settings"]["data"]
    (rule,) = spec["rules"]
    (path,) = rule["http"]["paths"]
    service = rendered.of("Service")[path["backend"]["service"]["name"]]

    assert settings["NOTIFIER_PUBLIC_URL"] == f"https://{rule['host']}"
    assert spec["tls"][0]["hosts"] == [rule["host"]]
    assert path["backend"]["service"]["port"] in [
        {"name": port["name"]} for port in service["spec"]["ports"]
    ]
    # Readers' pages are served also while broker or database are away.
    assert service["spec"]["publishNotReadyAddresses"] is True


def test_the_database_has_a_connection_for_each_that_may_be_asked(rendered: Rendered) -> None:
    pods = rendered.pods()
    surge = sum(1 for name in SERVICES if pods[name].kind == "Deployment")
    most = sum(pods[name].most for name in SERVICES) + surge + len({"migrate", "console", "doctor"})
    given = rendered.of("Cluster")["postgres"]["spec"]["postgresql"]["parameters"][
        "max_connections"
    ]
    kept = 10  # for superusers, and the operator's own

    assert most * CONNECTIONS + kept <= int(given)


def test_the_limits_are_those_of_compose(production: Rendered) -> None:
    text = (ROOT / "deploy" / "compose.prod.yml").read_text(encoding="utf-8")
    text = re.sub(r"!(reset|override)", "", text)
    compose = yaml.safe_load(text)["services"]
    for name in SERVICES:
        limits = production.pods()[name].container["resources"]["limits"]
        theirs = compose[name]["deploy"]["resources"]["limits"]
        assert limits["cpu"] == theirs["cpus"]
        assert limits["memory"].removesuffix("i").lower() == theirs["memory"]


def test_what_the_docs_name_is_there(production: Rendered) -> None:
    docs = (ROOT / "docs" / "kubernetes.md").read_text(encoding="utf-8")
    kinds = {"deployment": "Deployment", "job": "Job", "cronjob": "CronJob"}
    kinds |= {"rabbitmqcluster": "RabbitmqCluster", "cluster.postgresql.cnpg.io": "Cluster"}
    named = set(re.findall(rf"\b({'|'.join(map(re.escape, kinds))})/(\w+)", docs))
    made_by_hand = {("job", "doctor")}  # of the CronJob

    assert {kind for kind, _ in named} == set(kinds)
    for kind, name in named - made_by_hand:
        assert name in production.of(kinds[kind]), f"{kind}/{name}"
    for path in set(re.findall(r"`?((?:deploy/kubernetes|base|engines|site)/[\w./-]+)", docs)):
        if "secrets" not in path:
            here = path.removeprefix("deploy/kubernetes/").rstrip("/")
            assert (ROOT / "deploy" / "kubernetes" / here).exists(), path
