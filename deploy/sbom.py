#!/usr/bin/env python3
"""Print which Python packages one image holds, as CycloneDX 1.5, from uv.lock alone.

    deploy/sbom.py poller > poller.cdx.json

The image of the web proxy has none: `deploy/sbom.py web` asks the Caddy on the PATH which Go
modules it is made of. One that Debian has built does not say: then Caddy and Go stand there alone.

The same lock, and the same Caddy, give the same bytes: no time stands in it, and the serial number
is made of the rest. Debian's packages and Python itself, which come with python:3.13-slim, are not
in it.
"""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

EXTRAS = {
    "poller": ("poller", "tracing"),
    "classifier": ("classifier", "tracing"),
    "notifier": ("notifier", "tracing"),
    "ncbi-sim": ("sim",),
    "console": ("console",),
}
"""Each image, and the extras of pyproject.toml that the Dockerfile installs it with."""


def sbom(image: str) -> str:
    """The document for one image, the same bytes each time."""
    known = Path(sys.executable).with_name("uv")
    uv = os.environ.get("UV") or (str(known) if known.exists() else "uv")  # noqa: TID251
    command = [uv, "export", "--quiet", "--frozen", "--no-dev", "--no-emit-project"]
    command += ["--preview-features", "sbom-export"]
    extras = [word for extra in EXTRAS[image] for word in ("--extra", extra)]
    answer = subprocess.run(  # noqa: S603  the words are ours
        [*command, "--format", "cyclonedx1.5", *extras],
        cwd=Path(__file__).parents[1], capture_output=True, text=True, check=True,
    )  # fmt: skip
    return _lasting(json.loads(answer.stdout), image)


def sbom_of_caddy() -> str:
    """The document for the web proxy."""
    version = _caddy("version").split()[0]
    found = {"github.com/caddyserver/caddy/v2": f"v{version.removeprefix('v')}"}
    module = ""
    for kind, *rest in (line.split("\t") for line in _caddy("build-info").splitlines()):
        if kind == "go":
            found["stdlib"] = rest[0].removeprefix("go")
        elif kind == "dep":
            module = rest[0]
            found[module] = rest[1]
        elif kind == "=>":  # what was built instead of the module in the line before
            del found[module]
            found[rest[0]] = rest[1]
    components = [
        {"type": "library", "name": name, "version": version,
         "bom-ref": f"{name}@{version}", "purl": f"pkg:golang/{name}@{version}"}
        for name, version in sorted(found.items())
    ]  # fmt: skip
    return _lasting(
        {
            "bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
            "metadata": {"component": {"type": "application", "bom-ref": "carillon"}},
            "components": components,
        },
        "web",
    )  # fmt: skip


def _caddy(word: str) -> str:
    command = ["caddy", word]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
    return answer.stdout


def _lasting(found: dict[str, Any], image: str) -> str:
    found.pop("serialNumber", None)
    found["metadata"].pop("timestamp", None)
    found["metadata"]["component"]["name"] = f"carillon/{image}"
    digest = hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()
    serial = uuid5(NAMESPACE_URL, f"carillon:sbom:{digest}").urn
    return json.dumps({"serialNumber": serial, **found}, indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    if sys.argv[1:2] == [] or sys.argv[1] not in (*EXTRAS, "web"):
        sys.exit(f"usage: deploy/sbom.py {' | '.join(EXTRAS)} | web")
    sys.stdout.write(sbom_of_caddy() if sys.argv[1] == "web" else sbom(sys.argv[1]))
