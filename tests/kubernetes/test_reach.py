"""Exactly who must reaches whom."""

from itertools import product
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.kubernetes.reach import Place, Policy, Port, reaches
from tests.kubernetes.rendered import OURS, SERVICES, Rendered, render

pytestmark = pytest.mark.kubernetes

# As their operators label them: https://www.rabbitmq.com/kubernetes/operator/using-operator,
# https://cloudnative-pg.io/documentation/current/labels_annotations/
BROKER = {"app.kubernetes.io/name": "broker", "app.kubernetes.io/component": "rabbitmq"}
BROKER |= {"app.kubernetes.io/part-of": "rabbitmq"}
POSTGRES = {"cnpg.io/cluster": "postgres", "cnpg.io/instanceRole": "primary"}

LISTENS = {
    "poller": {8080},
    "classifier": {8080},
    "notifier": {8000, 8080},
    "migrate": set[int](),
    "console": set[int](),
    "doctor": set[int](),
    "broker": {4369, 5552, 5672, 6000, 15672, 15692, 25672, 35672},
    "postgres": {5432, 8000, 9187},
    "stranger": {80},
}
OTHERS = ("monitoring", "ingress-nginx", "keda", "rabbitmq-system", "cnpg-system", "default")
"""Namespaces; whoever is in `default` is nobody to us."""

INTERNET = Place("internet", address="130.14.29.110")
NEIGHBOUR = Place("neighbour", address="10.1.2.3")
MACHINES = Place("machines", address="169.254.169.254")
"""Where clouds tell a machine its own credentials."""

NODES = {("broker", "broker", port) for port in (4369, 6000, 25672, 35672)}
ALWAYS = (
    {(one, "broker", 5672) for one in OURS}
    | {(one, "postgres", 5432) for one in OURS}
    | {(one, "broker", 15672) for one in ("migrate", "console", "doctor", "rabbitmq-system")}
    | {("console", "broker", 5552)}
    | {("doctor", one, 8080) for one in SERVICES}
    | NODES
    | {(one, "postgres", port) for one in ("postgres", "cnpg-system") for port in (5432, 8000)}
    | {("ingress-nginx", "notifier", 8000)}
)
PRODUCTION = (
    {("keda", "broker", 5672)}
    | {("monitoring", one, 8080) for one in SERVICES}
    | {("monitoring", "broker", 15692), ("monitoring", "postgres", 9187)}
)


def _places(rendered: Rendered) -> dict[str, Place]:
    labels = {name: dict(pod.labels) for name, pod in rendered.pods().items()}
    labels |= {"broker": BROKER, "postgres": POSTGRES, "stranger": {"app": "stranger"}}
    return {name: Place(name, "carillon", tuple(one.items())) for name, one in labels.items()}


def _policies(rendered: Rendered) -> list[Policy]:
    return list(rendered.of("NetworkPolicy").values())


def _found(rendered: Rendered) -> set[tuple[str, str, int]]:
    policies, places = _policies(rendered), _places(rendered)
    outside = [Place(name, name, (("app", name),)) for name in OTHERS]
    return {
        (source.name, target.name, port)
        for source, target in product([*places.values(), *outside, NEIGHBOUR], places.values())
        for port in LISTENS[target.name]
        if reaches(policies, source, target, Port(port)) and not source.address
    }


def test_inside_exactly_the_needed_pairs_come_about(rendered: Rendered) -> None:
    wanted = ALWAYS | (PRODUCTION if rendered.of("ScaledObject") else set())
    assert _places(rendered).keys() == LISTENS.keys()
    assert _found(rendered) == wanted


def test_nobody_comes_in_from_an_address(rendered: Rendered) -> None:
    policies = _policies(rendered)
    for target in _places(rendered).values():
        for port in LISTENS[target.name]:
            for source in (INTERNET, NEIGHBOUR, MACHINES):
                assert not reaches(policies, source, target, Port(port)), (source, target, port)


@pytest.mark.parametrize(
    ("port", "target", "who"),
    [
        (443, INTERNET, {"poller", "notifier", "console", "doctor", "broker", "postgres"}),
        # Broker and database ask the Kubernetes API, wherever that is.
        (443, NEIGHBOUR, {"broker", "postgres"}),
        (6443, NEIGHBOUR, {"broker", "postgres"}),
        (587, INTERNET, {"notifier", "console", "doctor"}),
        (465, NEIGHBOUR, {"notifier", "console", "doctor"}),
        (25, INTERNET, set()),
        (80, INTERNET, set()),
        (80, MACHINES, set()),
    ],
)
def test_who_leaves_the_cluster(
    rendered: Rendered, port: int, target: Place, who: set[str]
) -> None:
    policies = _policies(rendered)
    places = _places(rendered).values()
    assert {one.name for one in places if reaches(policies, one, target, Port(port))} == who


@pytest.mark.parametrize("protocol", ["TCP", "UDP"])
def test_everybody_may_ask_for_names_and_only_there(rendered: Rendered, protocol: str) -> None:
    policies, port = _policies(rendered), Port(53, protocol)
    dns = Place("dns", "kube-system", (("k8s-app", "kube-dns"),))
    false_dns = Place("false", "default", (("k8s-app", "kube-dns"),))
    for one in _places(rendered).values():
        assert reaches(policies, one, dns, port)
        assert not reaches(policies, one, false_dns, port)
        assert not reaches(policies, one, INTERNET, port)


def test_without_one_of_the_policies_something_else_comes_about(production: Rendered) -> None:
    whole = _found(production)
    for left_out in production.of("NetworkPolicy"):
        if left_out in {"names", "to-the-internet", "to-the-mail-server"}:
            continue  # they are about the outside
        rest = tuple(
            one
            for one in production.manifests
            if (one["kind"], one["metadata"]["name"]) != ("NetworkPolicy", left_out)
        )
        assert _found(Rendered(rest)) != whole, left_out


def test_opinions_are_asked_for_only_where_the_component_is(production: Rendered) -> None:
    classifier = _places(production)["classifier"]
    assert not reaches(_policies(production), classifier, INTERNET, Port(443))


def _with(site: Path, component: str) -> Rendered:
    overlay = site / "overlays" / f"with-{component}"
    overlay.mkdir()
    (overlay / "kustomization.yaml").write_text(
        f"resources: [../production]\ncomponents: [../../components/{component}]\n"
        "namespace: carillon\n",
        encoding="utf-8",
    )
    return render(overlay)


def test_the_component_for_opinions_opens_the_way(production: Rendered, site: Path) -> None:
    asking = _with(site, "opinions")
    classifier = _places(asking)["classifier"]

    assert reaches(_policies(asking), classifier, INTERNET, Port(443))
    assert not reaches(_policies(asking), classifier, NEIGHBOUR, Port(443))
    assert _found(asking) == _found(production)


def test_the_component_for_traces_leads_where_it_opens_the_way(
    production: Rendered, site: Path
) -> None:
    traced = _with(site, "traces")
    for name in SERVICES:
        said = traced.of("ConfigMap")[f"{name}-settings"]["data"]
        url = urlsplit(said["OTEL_EXPORTER_OTLP_ENDPOINT"])
        host, namespace = str(url.hostname).split(".")
        collector = Place(host, namespace)
        here = _places(traced)[name]
        assert reaches(_policies(traced), here, collector, Port(url.port or 0))
        assert not reaches(_policies(production), here, collector, Port(url.port or 0))
        assert not reaches(_policies(traced), here, Place("other", "default"), Port(url.port or 0))
    assert _found(traced) == _found(production)
