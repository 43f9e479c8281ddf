"""What an operator edits agrees with the code: settings, Compose file, image targets."""

import re
import tomllib
from datetime import UTC, datetime
from importlib import import_module
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from pydantic_settings import BaseSettings

from services.notifier import entries
from shared import collector

ROOT = Path(__file__).parents[2]
EXAMPLE = (ROOT / "deploy" / "env.example").read_text(encoding="utf-8")
DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8")
COMPOSE_FILES = (ROOT / "docker-compose.yml", ROOT / "deploy" / "compose.cluster.yml")


class _Compose(yaml.SafeLoader):
    """YAML with Compose's own tag for what takes the place of a list."""


def _in_place(loader: yaml.SafeLoader, node: yaml.Node) -> list[object]:
    assert isinstance(node, yaml.SequenceNode)
    return list(loader.construct_sequence(node))


_Compose.add_constructor("!override", _in_place)
COMPOSE, CLUSTER = (
    yaml.load(path.read_text(encoding="utf-8"), _Compose)  # noqa: S506  a SafeLoader
    for path in COMPOSE_FILES
)
PRODUCTION_FILES = tuple(ROOT.glob("deploy/compose.prod*.yml"))
"""What they come to is asked of Compose itself: test_deploy_production.py."""
NODES = ("rabbitmq", "rabbitmq-2", "rabbitmq-3")
SERVERS = ("postgres", "postgres-2")

SERVICES = {
    "poller": "poller",
    "classifier": "classifier",
    "notifier": "notifier",
    "ncbi-sim": "ncbi_sim",
}
"""Image target and Compose service, with the package it holds."""

TRACED = ("poller", "classifier", "notifier")
"""What tells of its work where a collector is set."""

KEPT_AT_DEFAULT = {"POLLER_PORT", "CLASSIFIER_PORT", "NOTIFIER_PORT", "NOTIFIER_WEB_PORT"}
"""Compose's health checks ask there, and it publishes the pages from there."""


def _variables(package: str) -> set[str]:
    settings: type[BaseSettings] = import_module(f"services.{package}.settings").Settings
    kinds = (settings, collector.Settings) if package in TRACED else (settings,)
    return {
        f"{kind.model_config.get('env_prefix', '')}{name}".upper()
        for kind in kinds
        for name in kind.model_fields
    }


def _example_lines() -> dict[str, str]:
    found = re.findall(r"^#?([A-Z][A-Z0-9_]*)=(.*)$", EXAMPLE, re.MULTILINE)
    assert len(found) == len(dict(found)), "a variable stands there twice"
    return dict(found)


def _interpolated() -> set[str]:
    files = COMPOSE_FILES + PRODUCTION_FILES
    text = "".join(path.read_text(encoding="utf-8") for path in files)
    return set(re.findall(r"\$\{([A-Z_]+)", text))


def _targets() -> dict[str, str]:
    """Each stage of the Dockerfile with its instructions."""
    parts = re.split(r"^FROM \S+ AS (\S+)$", DOCKERFILE, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


@pytest.mark.parametrize("package", [*SERVICES.values(), "console"])
def test_every_setting_of_a_service_stands_in_the_example(package: str) -> None:
    assert _variables(package) <= _example_lines().keys()


def test_the_example_names_nothing_that_nobody_reads() -> None:
    settings = set().union(*map(_variables, [*SERVICES.values(), "console"]))
    assert _example_lines().keys() <= settings | _interpolated()


def test_every_variable_of_the_compose_files_stands_in_the_example() -> None:
    assert _interpolated() <= _example_lines().keys()


@pytest.mark.parametrize(("name", "rest"), _example_lines().items())
def test_every_line_of_the_example_says_what_it_is_for(name: str, rest: str) -> None:
    assert re.search(r"# \w", rest), f"{name} has no comment"


def test_the_example_sets_nothing_by_itself() -> None:
    assert not re.findall(r"^[A-Z].*", EXAMPLE, re.MULTILINE)


@pytest.mark.parametrize("name", ["poller", "classifier", "notifier"])
def test_compose_gives_or_passes_on_every_setting_of_a_service(name: str) -> None:
    environment = COMPOSE["services"][name]["environment"]
    assert _variables(SERVICES[name]) - KEPT_AT_DEFAULT == environment.keys()


def test_compose_gives_a_service_no_variable_that_it_does_not_read() -> None:
    console = dict.fromkeys(("migrate", "demo"), "console")
    for name, package in (SERVICES | console).items():
        assert COMPOSE["services"][name]["environment"].keys() <= _variables(package)


def test_compose_builds_only_targets_that_the_dockerfile_has() -> None:
    built = {n: s["build"]["target"] for n, s in COMPOSE["services"].items() if "build" in s}
    assert set(built.values()) <= _targets().keys()
    assert {name: built[name] for name in SERVICES} == {name: name for name in SERVICES}


@pytest.mark.parametrize(("target", "package"), SERVICES.items())
def test_an_image_holds_one_service_and_what_is_shared(target: str, package: str) -> None:
    copied = re.findall(r"^COPY (?:--\S+ )*(\S+) \S+$", _targets()[target], re.MULTILINE)
    allowed = {
        "/venv",
        "/sbom.json",
        "shared/",
        "services/__init__.py",
        f"services/{package}/",
        "topics/",
    }
    assert set(copied) <= allowed
    assert f"services/{package}/" in copied


@pytest.mark.parametrize("target", [*SERVICES, "console", "web"])
def test_no_image_runs_as_root(target: str) -> None:
    assert re.search(r"^USER carillon$", _targets()[target], re.MULTILINE)


def test_only_pages_are_published_and_only_on_this_machine() -> None:
    published = {n: s["ports"] for n, s in COMPOSE["services"].items() if "ports" in s}
    assert published.keys() == {"maildev", "notifier", "prometheus", "rabbitmq"}
    assert all(p.startswith("127.0.0.1:") for ports in published.values() for p in ports)


AT_BOTH = "@/carillon?host=postgres:5432&host=postgres-2:5432&target_session_attrs=read-write"


def test_whoever_uses_broker_or_database_finds_each_of_their_servers() -> None:
    for name, part in COMPOSE["services"].items():
        for variable in part.get("environment") or {}:
            url = CLUSTER["services"].get(name, {}).get("environment", {}).get(variable, "")
            if variable.endswith("_AMQP_URL"):
                assert url.endswith("@broker:5672/"), name
            if variable.endswith("_DATABASE_URL"):
                assert url.endswith(AT_BOTH), name
    for node in NODES:
        assert CLUSTER["services"][node]["networks"]["default"]["aliases"] == ["broker"]


def test_a_node_of_the_cluster_is_found_again_by_the_others() -> None:
    conf = (ROOT / "deploy" / "rabbitmq-cluster.conf").read_text(encoding="utf-8")
    assert re.findall(r"^\S+\.nodes\.\d = rabbit@(\S+)$", conf, re.MULTILINE) == list(NODES)
    for node in NODES:
        part = COMPOSE["services"].get(node, {}) | CLUSTER["services"][node]
        assert (part.get("hostname") or COMPOSE["services"][node]["hostname"]) == node
        mounts = (
            CLUSTER["services"][node]["volumes"] + COMPOSE["services"].get(node, part)["volumes"]
        )
        assert f"{node}:/var/lib/rabbitmq" in mounts


def test_a_new_node_waits_for_the_one_before_it_or_it_would_be_a_broker_of_its_own() -> None:
    for before, node in pairwise(NODES):
        (script,) = CLUSTER["services"][node]["command"]
        assert "/dev/tcp/$$CARILLON_JOIN_AFTER/5672" in script
        assert CLUSTER["services"][node]["environment"]["CARILLON_JOIN_AFTER"] == before
        assert script.rstrip().endswith("exec docker-entrypoint.sh rabbitmq-server")
    assert "command" not in CLUSTER["services"][NODES[0]]


def test_the_nodes_of_the_cluster_are_the_same_broker() -> None:
    alone = COMPOSE["services"]["rabbitmq"]
    for node in NODES[1:]:
        part = CLUSTER["services"][node]
        assert (part["image"], part["healthcheck"]) == (alone["image"], alone["healthcheck"])
        assert alone["environment"].items() <= part["environment"].items()
        assert {one for one in alone["volumes"] if one.startswith("./deploy/")} <= set(
            part["volumes"]
        )


def test_two_database_servers_are_alike_and_each_service_runs_twice() -> None:
    first, second = (CLUSTER["services"][server] for server in SERVERS)
    for part in ("user", "entrypoint", "environment", "healthcheck"):
        assert first[part] == second[part]
    assert (second["image"], second["shm_size"]) == (
        COMPOSE["services"]["postgres"]["image"],
        COMPOSE["services"]["postgres"]["shm_size"],
    )
    assert [part["hostname"] for part in (first, second)] == list(SERVERS)
    for name in ("poller", "classifier", "notifier"):
        assert CLUSTER["services"][name]["deploy"] == {"replicas": 2}


def test_prometheus_runs_where_it_is_asked_for_and_reads_every_service() -> None:
    part = COMPOSE["services"]["prometheus"]
    folder = ROOT / "deploy" / "observability"
    read = yaml.safe_load((folder / "prometheus.yml").read_text(encoding="utf-8"))
    jobs = {job["job_name"]: job["dns_sd_configs"] for job in read["scrape_configs"]}

    assert part["profiles"] == ["observability"]
    assert "./deploy/observability:/etc/prometheus:ro" in part["volumes"]
    assert read["rule_files"] == ["alerts.yml"]
    for name in ("poller", "classifier", "notifier"):
        (target,) = jobs[name]
        assert (target["names"], target["port"]) == ([name], 8080)


def test_whoever_is_not_in_the_demo_waits_for_the_demo_only_where_it_runs() -> None:
    services = COMPOSE["services"]
    demo = {name for name, part in services.items() if "demo" in part.get("profiles", ())}
    for name in services.keys() - demo:
        waits = services[name].get("depends_on", {})
        assert all(waits[other].get("required") is False for other in waits.keys() & demo), name


def test_the_subscriptions_that_come_with_it_can_be_read_and_reach_nobody() -> None:
    path = ROOT / "deploy" / "subscriptions.toml"
    subscriptions = entries.load(path, datetime(2026, 9, 7, tzinfo=UTC))
    assert {one.cadence for one in subscriptions} == {"daily", "weekly"}
    listed = tomllib.loads(path.read_text(encoding="utf-8"))["subscription"]
    assert all(entry["address"].endswith("@example.org") for entry in listed)
