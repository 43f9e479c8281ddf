"""Who reaches whom: NetworkPolicies judged as Kubernetes describes them.

A pod that no policy selects for a direction is open in it; else what any of them allows, and no
more. Both sides must allow (https://kubernetes.io/docs/concepts/services-networking/network-policies/).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Any

Policy = Mapping[str, Any]


@dataclass(frozen=True)
class Place:
    """A pod, by its labels; or, with an `address`, what is outside of the cluster."""

    name: str
    namespace: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    address: str = ""


@dataclass(frozen=True)
class Port:
    """Where somebody listens."""

    number: int
    protocol: str = "TCP"


def reaches(policies: Sequence[Policy], source: Place, target: Place, port: Port) -> bool:
    """Whether a connection comes about."""
    leaves = _allows(policies, "Egress", source, target, port)
    return leaves and _allows(policies, "Ingress", target, source, port)


def _allows(
    policies: Sequence[Policy], direction: str, selected: Place, other: Place, port: Port
) -> bool:
    if selected.address:
        return True
    ours = [
        one
        for one in policies
        if one["metadata"]["namespace"] == selected.namespace
        and direction in one["spec"]["policyTypes"]
        and _selects(one["spec"]["podSelector"], dict(selected.labels))
    ]
    if not ours:
        return True
    side, peers = direction.lower(), "to" if direction == "Egress" else "from"
    return any(
        _is_peer(rule.get(peers), one["metadata"]["namespace"], other)
        and _is_port(rule.get("ports"), port)
        for one in ours
        for rule in one["spec"].get(side, ())
    )


def _is_peer(peers: Iterable[Policy] | None, namespace: str, other: Place) -> bool:
    if peers is None:
        return True
    return any(_is_one(peer, namespace, other) for peer in peers)


def _is_one(peer: Policy, namespace: str, other: Place) -> bool:
    if block := peer.get("ipBlock"):
        assert peer.keys() == {"ipBlock"}
        return bool(other.address) and _is_within(block, other.address)
    assert peer.keys() <= {"podSelector", "namespaceSelector"}, peer
    if other.address:
        return False
    if "namespaceSelector" in peer:
        # Each namespace has its own name as this label.
        own = {"kubernetes.io/metadata.name": other.namespace}
        if not _selects(peer["namespaceSelector"], own):
            return False
    elif other.namespace != namespace:
        return False
    return _selects(peer.get("podSelector", {}), dict(other.labels))


def _is_within(block: Policy, address: str) -> bool:
    here = ip_address(address)
    networks = [ip_network(block["cidr"]), *map(ip_network, block.get("except", ()))]
    inside = [here.version == one.version and here in one for one in networks]
    return inside[0] and not any(inside[1:])


def _is_port(ports: Iterable[Policy] | None, port: Port) -> bool:
    if ports is None:
        return True
    return any(
        one.get("protocol", "TCP") == port.protocol
        and one["port"] <= port.number <= one.get("endPort", one["port"])
        for one in ports
    )


def _selects(selector: Policy, labels: Mapping[str, str]) -> bool:
    assert selector.keys() <= {"matchLabels", "matchExpressions"}, selector
    if not selector.get("matchLabels", {}).items() <= labels.items():
        return False
    for one in selector.get("matchExpressions", ()):
        assert one["operator"] == "In", one
        if labels.get(one["key"]) not in one["values"]:
            return False
    return True
