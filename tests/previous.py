"""The version before: the code as it was before the newest migration of a service's tables."""

import subprocess
import tarfile
from io import BytesIO
from pathlib import Path

ROOT = Path(__file__).parents[1]
MIGRATIONS = ":(glob)services/*/migrations/versions/*.py"


def previous(folder: Path, *parts: str) -> tuple[Path, str]:
    """That code, laid out in `folder`, and its commit; `parts` of it, or what a service runs on.

    In a clone that is shallow, or no clone at all, there is no version before: then it is this one
    (and "this version"), which is restarted in place of being upgraded.
    """
    newest = _git("log", "-1", "--diff-filter=A", "--format=%H", "--", MIGRATIONS).decode().strip()
    wanted = parts or ("services", "shared", "topics")
    archive = _git("archive", f"{newest}~1", *wanted) if newest else b""
    if not archive:
        return ROOT, "this version"
    with tarfile.open(fileobj=BytesIO(archive)) as packed:
        packed.extractall(folder, filter="data")
    return folder, f"{newest[:12]}~1"


def _git(*arguments: str) -> bytes:
    try:
        return subprocess.run(
            ["git", *arguments], cwd=ROOT, capture_output=True, check=True, timeout=60
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        return b""
