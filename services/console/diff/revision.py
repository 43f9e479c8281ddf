"""The classifier of another revision of Carillon: its own code, in a process of its own.

The revision's files are taken out of git into a temporary folder, and its `classify --jsonl`
answers there, by its own taxonomy. Articles go in and answers come out as lines of JSON; nothing
else passes, also no setting of ours.
"""

import asyncio
import io
import json
import shutil
import subprocess
import sys
import tarfile
from asyncio import StreamReader, StreamWriter
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from services.console.diff.answered import read_answer
from services.console.diff.compare import Failed
from services.console.diff.sides import Answers, Side
from shared.article import Article
from shared.errors import ConfigurationError, Permanent
from shared.events import Classification

CHECKOUT = Path(__file__).parents[3]
"""Where this Carillon runs from."""

LONGEST = 64 * 2**20
"""Bytes of an answer."""

ANSWER_SECONDS = 120.0
"""So long the process may be silent."""

ENTRY = ("-m", "services.console", "classify", "--jsonl", "-")


@asynccontextmanager
async def by_revision(
    name: str, names: Mapping[str, str], checkout: Path = CHECKOUT
) -> AsyncIterator[Side]:
    """The classifier of a revision (a commit, branch or tag) as a side; it ends with the block.

    `names` are the names of labels by "facet:id": its answers have ids only.

    Raises:
        ConfigurationError: there is no git, no checkout, no such revision, or it has no
            `classify --jsonl`.
    """
    commit = _commit(checkout, name)
    with TemporaryDirectory(prefix="carillon-revision-") as folder:
        code, said = Path(folder) / "code", Path(folder) / "said.txt"
        _extract(checkout, commit, code)
        process = await _start(code, said)
        try:
            yield _Revision(name, names, process, said).answer
        finally:
            await _end(process)


@dataclass(frozen=True)
class _Revision:
    name: str
    names: Mapping[str, str]
    process: Process
    said: Path

    async def answer(self, articles: Sequence[Article]) -> Answers:
        reader, writer = self.process.stdout, self.process.stdin
        if reader is None or writer is None:
            raise Permanent("the process of the revision has no pipes")
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(_ask(writer, articles))
                found = tasks.create_task(self._read(reader, articles))
        except* (ConfigurationError, Permanent) as faults:
            raise faults.exceptions[0] from None
        return found.result()

    async def _read(self, reader: StreamReader, articles: Sequence[Article]) -> Answers:
        return [self._answer(await self._line(reader), article) for article in articles]

    async def _line(self, reader: StreamReader) -> bytes:
        try:
            line = await asyncio.wait_for(reader.readline(), ANSWER_SECONDS)
        except TimeoutError:
            raise Permanent(f"git:{self.name} has not answered for two minutes") from None
        if not line.endswith(b"\n"):
            raise ConfigurationError(
                f"git:{self.name} does not answer by `carillon classify --jsonl`: "
                f"{await self._last_words()}. Name a revision that has it"
            )
        return line

    async def _last_words(self) -> str:
        code = await self.process.wait()
        told = self.said.read_text(encoding="utf-8", errors="replace").splitlines()
        said = " ".join(line.strip() for line in told[-3:])[-300:] or "it says nothing"
        return f"it ended with {code} ({said})"

    def _answer(self, line: bytes, article: Article) -> Classification | Failed:
        try:
            return read_answer(json.loads(line), article, self.names)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            return Failed(f"git:{self.name} answered what cannot be read ({error!r})")


async def _ask(writer: StreamWriter, articles: Sequence[Article]) -> None:
    try:
        for article in articles:
            writer.write(article.model_dump_json().encode() + b"\n")
            await writer.drain()
    except (BrokenPipeError, ConnectionResetError):
        return  # it has ended; who reads says why


async def _start(code: Path, said: Path) -> Process:
    with said.open("wb") as errors:
        return await asyncio.create_subprocess_exec(
            sys.executable, *ENTRY, cwd=code, env={"PYTHONPATH": str(code), "PYTHONUTF8": "1"},
            stdin=PIPE, stdout=PIPE, stderr=errors, limit=LONGEST,
        )  # fmt: skip


async def _end(process: Process) -> None:
    if process.stdin:
        process.stdin.close()
    if process.returncode is None:
        process.kill()
    await process.wait()


def _commit(checkout: Path, name: str) -> str:
    asked = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    done = _git(checkout, *asked)
    if done.returncode:
        raise ConfigurationError(
            f"--against git:{name}: no such revision in {checkout}; name a commit, branch or tag"
        )
    return done.stdout.decode().strip()


def _extract(checkout: Path, commit: str, folder: Path) -> None:
    done = _git(checkout, "archive", "--format=tar", commit, "services", "shared")
    if done.returncode:
        raise ConfigurationError(
            f"--against git:{commit[:12]}: it has not the folders services/ and shared/ "
            f"({done.stderr.decode(errors='replace').strip()})"
        )
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as files:
        files.extractall(folder, filter="data")


def _git(checkout: Path, *words: str) -> "subprocess.CompletedProcess[bytes]":
    git = shutil.which("git")
    if git is None or not (checkout / ".git").exists():
        raise ConfigurationError(
            f"--against git:... needs git and a checkout, and {checkout} is none: "
            "compare with what was recorded, or with --against installed"
        )
    return subprocess.run(  # noqa: S603  the words are ours, the name stands behind --end-of-options
        [git, "-C", str(checkout), *words], capture_output=True, check=False
    )
