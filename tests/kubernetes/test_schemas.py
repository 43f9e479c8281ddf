"""Every manifest as Kubernetes, or the operator that reads it, would take it."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml

from tests.kubernetes.rendered import Manifest, Rendered, render

pytestmark = pytest.mark.kubernetes

VERSIONS = ("1.30", "1.37")
"""The oldest that docs/kubernetes.md promises, and the newest whose schemas there are."""

CRDS = Path(__file__).parent / "crds"


def _schema(manifest: Manifest) -> Any:
    group = manifest["apiVersion"].split("/")[0]
    path = CRDS / f"{group}_{manifest['kind']}.yaml"
    return yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else None


@pytest.mark.parametrize("version", VERSIONS)
def test_kubernetes_takes_its_own(rendered: Rendered, version: str) -> None:
    own = [one for one in rendered.manifests if _schema(one) is None]
    assert {one["kind"] for one in own} >= {"Deployment", "Job", "NetworkPolicy", "Secret"}
    for one in own:
        kubernetes_validate.validate(one, version, strict=True)


def test_operators_take_theirs(rendered: Rendered) -> None:
    theirs = [(one, _schema(one)) for one in rendered.manifests if _schema(one) is not None]
    assert {one["kind"] for one, _ in theirs} >= {"RabbitmqCluster", "Cluster"}
    for one, schema in theirs:
        jsonschema.Draft202012Validator.check_schema(schema)
        rest = {key: value for key, value in one.items() if key not in {"apiVersion", "metadata"}}
        jsonschema.validate(rest, schema)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_slip_is_seen(production: Rendered, version: str) -> None:
    slip = json.loads(json.dumps(production.of("Deployment")["poller"]))
    slip["spec"]["template"]["spec"]["containers"][0]["readynessProbe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError, match="readynessProbe"):
        kubernetes_validate.validate(slip, version, strict=True)


def test_every_folder_can_be_used_alone(site: Path) -> None:
    assert render(site / "base").of("Deployment").keys() >= {"poller", "classifier", "notifier"}
    assert render(site / "engines").of("RabbitmqCluster").keys() == {"broker"}
