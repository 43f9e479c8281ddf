"""The half hour of docs/deploy.md, walked as it is written there, from a fresh clone.

A block of code with a mark before it is a step: `<!-- walk: type -->` is typed into a shell,
`<!-- walk: write FILE -->` is what a file holds, `<!-- walk: add FILE -->` its last lines. Nothing
is changed on the way but what a test names.
"""

import re
import shlex
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.stack import ROOT

MARK = re.compile(r"^<!-- walk: (type|write \S+|add \S+) -->$")
PAGE = ROOT / "docs" / "deploy.md"


@dataclass(frozen=True)
class Step:
    """One block of code; `section` is the heading above it, `file` where it is written."""

    section: str
    text: str
    file: str | None = None
    is_added: bool = False


def blocks(page: str) -> Iterator[tuple[str, str | None, str]]:
    """Every indented block of code: the heading above it, its mark if it has one, and its text."""
    section, mark = "", None
    block: list[str] = []
    for line in [*page.splitlines(), ""]:
        if line.startswith("    ") or (block and not line):
            block.append(line.removeprefix("    "))
            continue
        if block:
            yield section, mark, "\n".join(block).strip() + "\n"
            mark, block = None, []
        if line.startswith("#"):
            section = line.lstrip("# ")
        elif line:
            mark = line if MARK.match(line) else None
    if block:
        yield section, mark, "\n".join(block).strip() + "\n"


def steps(page: str) -> Iterator[Step]:
    """The marked blocks, in their order."""
    for section, mark, text in blocks(page):
        if mark and (found := MARK.match(mark)):
            verb, _, file = found[1].partition(" ")
            yield Step(section, text, file or None, is_added=verb == "add")


def substituted(text: str, instead: Mapping[str, str]) -> str:
    """A step's text with what cannot be had here replaced."""
    for written, taken in instead.items():
        text = text.replace(written, taken)
    return text


class Shell:
    """Somebody at a terminal: each step begins in the folder where the one before ended."""

    def __init__(self, folder: Path, instead: Mapping[str, str], typed: str, more: str) -> None:
        """`typed` is what they type when asked; `more` are lines of their own for `.env`."""
        self.folder = folder
        self._instead, self._typed, self._more = instead, typed, more

    def take(self, step: Step) -> str:
        """Do what a step says; what was shown.

        Raises:
            AssertionError: a command of it failed.
        """
        text = substituted(step.text, self._instead)
        if step.file is not None:
            more = self._more if step.file == ".env" and not step.is_added else ""
            with (self.folder / step.file).open("a" if step.is_added else "w") as file:
                file.write(text + more)
            return ""
        ended = self.folder / ".ended-in"
        script = f"trap 'pwd > {shlex.quote(str(ended))}' EXIT\n{text}"
        answer = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=self.folder, input=self._typed, capture_output=True, text=True, timeout=600,
            check=False,
        )  # fmt: skip
        said = f"{text}\n{answer.stdout}\n{answer.stderr}"
        assert answer.returncode == 0, f"{step.section}: the docs say\n{said}"
        self.folder = Path(ended.read_text(encoding="utf-8").strip())
        ended.unlink()
        return answer.stdout
