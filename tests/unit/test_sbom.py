"""The images' bills of materials: each its own packages, from uv.lock, the same each time."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LOCKED = {
    (one["name"], one.get("version"))
    for one in tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))["package"]
}
FOREIGN = {
    "poller": {"fastapi", "cryptography", "typer", "rstream"},
    "classifier": {"lxml", "fastapi", "cryptography", "typer", "rstream"},
    "notifier": {"lxml", "typer", "rstream"},
    "ncbi-sim": {"cryptography", "apprise", "typer", "rstream"},
    "console": set(),
}
"""What other services need and this one does not."""


def written(image: str, **shell: str) -> str:
    answer = subprocess.run(
        [sys.executable, str(ROOT / "deploy" / "sbom.py"), image],
        cwd="/", capture_output=True, text=True, timeout=100, check=True, env=shell or None,
    )  # fmt: skip
    return answer.stdout


def packages(document: str) -> dict[str, Any]:
    """Each component by its name."""
    return {one["name"]: one for one in json.loads(document)["components"]}


def _extras(image: str) -> list[str]:
    """What the Dockerfile installs it with."""
    dockerfile = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8")
    stage = dockerfile.partition(f" AS {image}-dependencies\n")[2].partition("\nFROM ")[0]
    found = re.findall(r"--extra (\S+)", stage)
    assert found, image
    return found


def _wanted(*lists: list[str]) -> set[str]:
    return {re.split(r"[\[<>=,]", one)[0] for each in lists for one in each}


@pytest.mark.parametrize("image", FOREIGN)
def test_a_bill_has_what_its_image_needs_and_nothing_of_the_others_or_of_tests(image: str) -> None:
    found = packages(written(image))

    more = PROJECT["optional-dependencies"]
    own = [one for extra in _extras(image) for one in more[extra]]
    assert _wanted(PROJECT["dependencies"], own) - {"carillon"} <= found.keys()
    assert not found.keys() & (FOREIGN[image] | {"pytest", "mypy", "ruff", "testcontainers"})
    assert {(name, one["version"]) for name, one in found.items()} <= LOCKED
    for name, one in found.items():
        assert one["purl"] == f"pkg:pypi/{name}@{one['version']}"
        hashes = [each["hashes"][0] for each in one["externalReferences"]]
        assert {each["alg"] for each in hashes} == {"SHA-256"}, name


def test_the_same_lock_gives_the_same_bytes_and_another_image_another_number() -> None:
    assert written("poller") == written("poller")
    numbers = {json.loads(written(image))["serialNumber"] for image in ("poller", "classifier")}
    assert len(numbers) == 2
    document = json.loads(written("poller"))
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.5")
    assert document["metadata"]["component"]["name"] == "carillon/poller"
    assert "timestamp" not in document["metadata"]


BUILT = """go\tgo1.25.4
path\tcaddy
mod\tcaddy\t(devel)\t
dep\tgithub.com/caddyserver/caddy/v2\tv2.10.2\th1:aaaa=
dep\tgithub.com/quic-go/quic-go\tv0.54.0\th1:bbbb=
dep\texample.org/old\tv1.0.0
=>\texample.org/instead\tv1.1.0\th1:cccc=
build\t-trimpath=true
"""


@pytest.mark.parametrize(
    ("version", "built", "expected"),
    [
        (
            "v2.10.2 h1:aaaa=", BUILT,
            {"stdlib": "1.25.4", "github.com/caddyserver/caddy/v2": "v2.10.2",
             "github.com/quic-go/quic-go": "v0.54.0", "example.org/instead": "v1.1.0"},
        ),
        (
            "2.6.2", "go\tgo1.24.4\nbuild\tGOOS=linux\n\n",
            {"stdlib": "1.24.4", "github.com/caddyserver/caddy/v2": "v2.6.2"},
        ),
    ],
    ids=["as Caddy's own image has it", "as Debian builds it"],
)  # fmt: skip
def test_the_bill_of_the_proxy_says_what_caddy_is_made_of(
    version: str, built: str, expected: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "version").write_text(f"{version}\n")
    (tmp_path / "build-info").write_text(built)
    program = tmp_path / "caddy"
    program.write_text(f'#!/bin/sh\ncat "{tmp_path}/$1"\n')
    program.chmod(0o755)

    document = written("web", PATH=f"{tmp_path}:/usr/bin:/bin")

    found = packages(document)
    assert {name: one["version"] for name, one in found.items()} == expected
    assert {one["purl"] for one in found.values()} == {
        f"pkg:golang/{name}@{version}" for name, version in expected.items()
    }
    assert json.loads(document)["metadata"]["component"]["name"] == "carillon/web"
    assert document == written("web", PATH=f"{tmp_path}:/usr/bin:/bin")
