"""What kustomize makes of deploy/kubernetes, for an installation whose secrets are made."""

import base64
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.machine import kustomize

ROOT = Path(__file__).parents[2]
OVERLAYS = ("production", "small")
SERVICES = {"poller": "poller", "classifier": "classifier", "notifier": "notifier"}
"""Deployment, with the package it runs."""
OURS = (*SERVICES, "migrate", "console", "doctor")
HOSTS = {"CARILLON_POSTGRES": "postgres-rw.carillon.svc", "CARILLON_BROKER": "broker.carillon.svc"}
"""As docs/kubernetes.md has them for deploy/make-secrets."""

Manifest = dict[str, Any]


@dataclass(frozen=True)
class Pod:
    """A pod as a workload makes it; `most` is how many of it may run at once."""

    name: str
    kind: str
    namespace: str
    labels: Mapping[str, str]
    spec: Manifest
    most: int

    @property
    def container(self) -> Manifest:
        """Its one container."""
        (container,) = self.spec["containers"]
        found: Manifest = container
        return found


@dataclass(frozen=True)
class Rendered:
    """The resources of an overlay."""

    manifests: tuple[Manifest, ...]

    def of(self, kind: str) -> dict[str, Manifest]:
        """All of a kind, by name without the hash of its content."""
        found = [one for one in self.manifests if one["kind"] == kind]
        return {plain(one["metadata"]["name"]): one for one in found}

    def names(self, kind: str) -> set[str]:
        """Their names as they are."""
        return {one["metadata"]["name"] for one in self.manifests if one["kind"] == kind}

    def pods(self) -> dict[str, Pod]:
        """Every workload's pod, by the workload's name."""
        return {one.name: one for one in self._pods()}

    def _pods(self) -> Iterator[Pod]:
        scaled = {
            one["spec"]["scaleTargetRef"]["name"]: one["spec"]["maxReplicaCount"]
            for one in self.of("ScaledObject").values()
        }
        for one in self.manifests:
            if one["kind"] not in {"Deployment", "Job", "CronJob"}:
                continue
            inner = one["spec"]["jobTemplate"] if one["kind"] == "CronJob" else one
            name, template = one["metadata"]["name"], inner["spec"]["template"]
            yield Pod(
                name,
                one["kind"],
                one["metadata"]["namespace"],
                template["metadata"]["labels"],
                template["spec"],
                scaled.get(name, one["spec"].get("replicas", 1)),
            )

    def secret(self, name: str) -> dict[str, str]:
        """A secret's entries, by their names."""
        data = self.of("Secret")[name]["data"]
        return {key: base64.b64decode(value).decode() for key, value in data.items()}


def plain(name: str) -> str:
    """A name without the hash that kustomize puts behind it: ten of its letters."""
    return re.sub(r"-[bcdfghkmt2456789]{10}$", "", name)


def installed(folder: Path) -> Path:
    """A copy of deploy/kubernetes in which the secrets are made, as the docs say."""
    for name in ("kubernetes", "observability"):
        left = shutil.ignore_patterns("secrets")
        shutil.copytree(ROOT / "deploy" / name, folder / name, ignore=left)
    make = [str(ROOT / "deploy" / "make-secrets"), str(folder / "kubernetes" / "site" / "secrets")]
    env = {"PATH": "/usr/local/bin:/usr/bin:/bin", **HOSTS}
    subprocess.run(make, check=True, capture_output=True, timeout=30, env=env)
    return folder / "kubernetes"


def render(path: Path) -> Rendered:
    """What kustomize makes of a folder."""
    command = kustomize()
    assert command
    answer = subprocess.run(
        [*command, str(path)], capture_output=True, text=True, timeout=60, check=False
    )
    assert answer.returncode == 0, answer.stderr
    assert not answer.stderr, answer.stderr  # of what is out of date, it warns there
    return Rendered(tuple(yaml.safe_load_all(answer.stdout)))
