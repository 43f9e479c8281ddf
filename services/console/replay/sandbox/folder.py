"""The sandbox's folder: whole, or as it was before."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

from shared.errors import ConfigurationError

REPORT = "report.json"
FORMAT = "carillon sandbox"
"""What the report of one of our folders says that it is."""


@contextmanager
def whole_folder(out: Path) -> Iterator[Path]:
    """A new folder to write into; it takes the place of `out` when the block ends well.

    An earlier result of ours is replaced. A folder that holds anything else is left alone.

    Raises:
        ConfigurationError: there is something else at `out`, or nothing can be written beside it.
    """
    refuse_foreign(out)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(mkdtemp(prefix=f".{out.name}.", dir=out.parent.resolve()))
    except OSError as error:
        raise ConfigurationError(f"--out {out}: cannot be written ({error.strerror})") from error
    try:
        yield fresh
        refuse_foreign(out)
        _put(fresh, out)
    finally:
        rmtree(fresh, ignore_errors=True)


def refuse_foreign(out: Path) -> None:
    """Raise ConfigurationError unless `out` is free, empty, or an earlier result of ours."""
    if out.is_symlink() or (out.exists() and not out.is_dir()):
        raise ConfigurationError(f"--out {out}: not a folder; name another")
    if not out.is_dir() or not any(out.iterdir()) or _is_ours(out):
        return
    raise ConfigurationError(
        f"--out {out}: there is something in it that no sandbox wrote; name another folder"
    )


def _is_ours(folder: Path) -> bool:
    try:
        told = json.loads((folder / REPORT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(told, dict) and told.get("format") == FORMAT


def _put(fresh: Path, out: Path) -> None:
    fresh.chmod(0o755)
    if not out.exists():
        fresh.rename(out)
        return
    before = Path(mkdtemp(prefix=f".{out.name}.before.", dir=out.parent))
    try:
        # Two renames: between them there is no result, and never half of one.
        kept = out.rename(before / "result")
        try:
            fresh.rename(out)
        except OSError:
            kept.rename(out)
            raise
    finally:
        rmtree(before, ignore_errors=True)
