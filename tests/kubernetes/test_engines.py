"""Engines, scaling, numbers: what operators are told agrees with what Carillon needs."""

import configparser
import re
from urllib.parse import urlsplit

import pytest
import yaml

from shared import topology
from tests.kubernetes.rendered import HOSTS, ROOT, SERVICES, Rendered

pytestmark = pytest.mark.kubernetes


def _urls(rendered: Rendered) -> dict[str, str]:
    return {
        key: value.strip()
        for name in (*(f"{one}-secrets" for one in SERVICES), "console-secrets")
        for key, value in rendered.secret(name).items()
        if key.endswith("_url")
    }


def test_urls_lead_to_the_services_that_the_operators_make(rendered: Rendered) -> None:
    # RabbitMQ's operator names the service as the cluster; CloudNativePG puts -rw behind it.
    (broker,), (postgres,) = rendered.names("RabbitmqCluster"), rendered.names("Cluster")
    wanted = {"amqp": (f"{broker}.carillon.svc", 5672)}
    wanted["postgresql+asyncpg"] = (f"{postgres}-rw.carillon.svc", 5432)
    management = rendered.of("ConfigMap")["console-settings"]["data"]["CARILLON_MANAGEMENT_URL"]

    assert len(_urls(rendered)) == 8
    for key, url in _urls(rendered).items():
        parts = urlsplit(url)
        assert (parts.hostname, parts.port) == wanted[parts.scheme], key
    assert management == f"http://{broker}:15672/"
    assert set(HOSTS.values()) == {host for host, _ in wanted.values()}


def test_the_engines_have_the_administrators_whom_migrate_names(rendered: Rendered) -> None:
    urls = {key: urlsplit(url) for key, url in _urls(rendered).items() if "carillon_" in key}
    spec = rendered.of("RabbitmqCluster")["broker"]["spec"]
    said = rendered.secret(spec["secretBackend"]["externalSecret"]["name"])
    conf = configparser.ConfigParser()
    conf.read_string(f"[all]\n{said['default_user.conf']}")
    amqp = urls["carillon_amqp_url"]
    assert (conf["all"]["default_user"], conf["all"]["default_pass"]) == (
        amqp.username,
        amqp.password,
    )

    spec = rendered.of("Cluster")["postgres"]["spec"]
    initdb, (role,) = spec["bootstrap"]["initdb"], spec["managed"]["roles"]
    owner = rendered.secret(initdb["secret"]["name"])
    url = urls["carillon_database_url"]
    assert (owner["username"], owner["password"]) == (url.username, url.password)
    assert url.path == f"/{initdb['database']}"
    assert initdb["owner"] == role["name"] == owner["username"]
    assert role["passwordSecret"] == initdb["secret"]
    # Enough for the accounts: integration/test_accounts_by_an_owner.py.
    assert (role["createrole"], role["superuser"]) == (True, False)
    secret_type = rendered.of("Secret")[initdb["secret"]["name"]]["type"]
    assert secret_type == "kubernetes.io/basic-auth"


def test_the_broker_is_the_one_that_is_tested(rendered: Rendered) -> None:
    spec = rendered.of("RabbitmqCluster")["broker"]["spec"]
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    plugins = (ROOT / "deploy" / "rabbitmq-plugins").read_text(encoding="utf-8")
    confs = [ROOT / "deploy" / name for name in ("rabbitmq.conf", "rabbitmq-cluster.conf")]
    conf = "".join(path.read_text(encoding="utf-8") for path in confs)
    lines = re.findall(r"^(?!cluster_formation)(\S+ = \S+)$", conf, re.MULTILINE)
    said = spec["rabbitmq"]["additionalConfig"].splitlines()

    assert spec["image"] == compose["services"]["rabbitmq"]["image"]
    # These three the operator has by itself.
    by_itself = {"rabbitmq_management", "rabbitmq_prometheus", "rabbitmq_peer_discovery_k8s"}
    wanted = set(re.findall(r"\w+", plugins))
    assert wanted <= by_itself | set(spec["rabbitmq"]["additionalPlugins"])
    assert [line for line in said if not line.startswith("#")] == lines


def test_no_commit_is_lost_with_a_machine(production: Rendered) -> None:
    spec = production.of("Cluster")["postgres"]["spec"]
    synchronous = spec["postgresql"]["synchronous"]
    assert synchronous["dataDurability"] == "required"
    # So many may be lost and writes go on.
    assert spec["instances"] - 1 > synchronous["number"]
    assert production.of("RabbitmqCluster")["broker"]["spec"]["replicas"] == 3
    major = spec["imageName"].rsplit(":", 1)[1]
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    assert compose["services"]["postgres"]["image"] == f"postgres:{major}"


def test_scaling_follows_the_queue_of_the_service_by_its_own_account(production: Rendered) -> None:
    queues = {one.name for one in topology.CONSUMERS}
    scaled = production.of("ScaledObject")
    assert scaled.keys() == queues
    for name, one in scaled.items():
        spec = one["spec"]
        (trigger,) = spec["triggers"]
        auth = production.of("TriggerAuthentication")[trigger["authenticationRef"]["name"]]
        (reference,) = auth["spec"]["secretTargetRef"]
        assert trigger["metadata"]["queueName"] == spec["scaleTargetRef"]["name"] == name
        assert reference["name"] in production.names("Secret")
        assert reference["key"] == f"{name}_amqp_url"
        assert reference["key"] in production.secret(f"{name}-secrets")
        assert 2 <= spec["minReplicaCount"] < spec["maxReplicaCount"]
        assert spec["fallback"]["replicas"] == spec["minReplicaCount"]
        # Who else says how many there are would be at odds with it at each `kubectl apply`.
        assert "replicas" not in production.of("Deployment")[name]["spec"]


def test_prometheus_reads_every_service_under_the_name_that_the_alerts_know(
    production: Rendered,
) -> None:
    spec = production.of("PodMonitor")["carillon"]["spec"]
    (endpoint,) = spec["podMetricsEndpoints"]
    (by_name, by_part) = spec["selector"]["matchExpressions"]
    for name in SERVICES:
        pod = production.pods()[name]
        assert pod.labels[spec["jobLabel"]] == name
        assert pod.labels[by_name["key"]] in by_name["values"]
        assert pod.labels[by_part["key"]] in by_part["values"]
        ports = {port["name"]: port["containerPort"] for port in pod.container["ports"]}
        assert ports[endpoint["port"]] == 8080
    assert by_name["values"] == list(SERVICES)
    assert endpoint["path"] == "/metrics"


def test_the_alerts_are_those_of_deploy_observability(production: Rendered) -> None:
    alerts = (ROOT / "deploy" / "observability" / "alerts.yml").read_text(encoding="utf-8")
    assert production.of("PrometheusRule")["carillon"]["spec"] == yaml.safe_load(alerts), (
        "run deploy/kubernetes/components/monitoring/make-alerts"
    )


def test_grafana_finds_the_dashboard(production: Rendered) -> None:
    one = production.of("ConfigMap")["carillon-dashboard"]
    file = (ROOT / "deploy" / "observability" / "dashboard.json").read_text(encoding="utf-8")
    assert one["data"] == {"dashboard.json": file}
    assert one["metadata"]["labels"]["grafana_dashboard"] == "1"
