#!/usr/bin/env python3
"""Print which Python packages one image holds, as CycloneDX 1.5, from uv.lock alone.

    deploy/sbom.py poller > poller.cdx.json

The same lock gives the same bytes: no time stands in it, and the serial number is made of the rest.
Debian's packages and Python itself, which come with python:3.13-slim, are not in it.
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


def _lasting(found: dict[str, Any], image: str) -> str:
    del found["serialNumber"], found["metadata"]["timestamp"]
    found["metadata"]["component"]["name"] = f"carillon/{image}"
    digest = hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()
    serial = uuid5(NAMESPACE_URL, f"carillon:sbom:{digest}").urn
    return json.dumps({"serialNumber": serial, **found}, indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    if sys.argv[1:2] == [] or sys.argv[1] not in EXTRAS:
        sys.exit(f"usage: deploy/sbom.py {' | '.join(EXTRAS)}")
    sys.stdout.write(sbom(sys.argv[1]))
