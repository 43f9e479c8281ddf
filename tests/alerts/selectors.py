"""The metrics that an expression names, with the labels it asks of them."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import yaml

FOLDER = Path(__file__).parents[2] / "deploy" / "observability"
RULES = yaml.safe_load((FOLDER / "alerts.yml").read_text(encoding="utf-8"))
DASHBOARD = json.loads((FOLDER / "dashboard.json").read_text(encoding="utf-8"))

_SELECTOR = re.compile(r"\b(up|(?:carillon|process)_\w+)\b(?:\{((?:[^}\"]|\"[^\"]*\")*)\})?")
_LABEL = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)\s*\"")
OF_PROMETHEUS = {"job", "instance"}
"""Labels that Prometheus itself puts to what it reads."""


def alerts() -> list[dict[str, object]]:
    return [rule for group in RULES["groups"] for rule in group["rules"]]


def shown() -> list[str]:
    """The expressions of the dashboard."""
    return [one["expr"] for panel in DASHBOARD["panels"] for one in panel.get("targets", ())]


def expressions() -> list[str]:
    return [str(rule["expr"]) for rule in alerts()] + shown()


def named(expression: str) -> Iterator[tuple[str, set[str]]]:
    """Each metric of an expression with the labels that are asked of it, ours only."""
    for name, labels in _SELECTOR.findall(expression):
        yield name, set(_LABEL.findall(labels)) - OF_PROMETHEUS


def wanted() -> dict[str, set[str]]:
    """Every metric that is named anywhere, without what Prometheus makes itself."""
    found: dict[str, set[str]] = {}
    for expression in expressions():
        for name, labels in named(expression):
            found.setdefault(name, set()).update(labels)
    found.pop("up")
    return found
