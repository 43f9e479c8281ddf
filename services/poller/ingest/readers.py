"""The processes that read files, some of them ahead of the one that applies what they took."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from concurrent.futures import BrokenExecutor, Executor
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import ParamSpec, TypeVar

from services.poller.ingest.checksum import Checked, check
from services.poller.ingest.sieve import Criteria
from services.poller.ingest.sift import Sifted, seed_references, sift
from shared.errors import Permanent, Retryable

T = TypeVar("T")
P = ParamSpec("P")


@dataclass(frozen=True)
class Reading:
    """A file that was read: what was in it, and where the topic's part of it waits."""

    path: Path
    spool: Path
    sifted: Sifted
    criteria: Criteria


@dataclass(frozen=True)
class Readers:
    """Reads at most `ahead` files beyond the one that is waited for; spools go into `folder`."""

    executor: Executor
    ahead: int
    folder: Path

    async def check_all(self, paths: Iterable[Path]) -> list[tuple[Path, Checked]]:
        """The sums of all files, in order.

        Raises:
            Permanent: a file cannot be read. Retryable: a reading process died.
        """
        calls = (partial(self._check, path) for path in paths)
        return [one async for one in self._ordered(calls)]

    async def seed_references(
        self, paths: Sequence[Path], seed: int
    ) -> tuple[Path, tuple[int, ...]] | None:
        """What the seed cites, by the last file that has its record; None when none has."""
        calls = (partial(self._cited, path, seed) for path in reversed(paths))
        async with aclosing(self._ordered(calls)) as results:
            async for path, cited in results:
                if cited is not None:
                    return path, cited
        return None

    async def sift_all(
        self, paths: Iterable[Path], criteria: Callable[[], Criteria]
    ) -> AsyncGenerator[Reading, None]:
        """Files in order, read by the criteria of the moment.

        A file that was read before an earlier one was applied may hold an article that this one
        brought to the topic, changed so that it answers no query any more: it is read again.

        Raises:
            Retryable: a reading process died.
        """
        calls = (partial(self._sift, *numbered, criteria) for numbered in enumerate(paths))
        async with aclosing(self._ordered(calls)) as readings:
            async for reading in readings:
                now = criteria()
                learned = now.known - reading.criteria.known
                if not learned.isdisjoint(reading.sifted.passed):
                    sifted = await self._run(sift, reading.path, reading.spool, now)
                    yield Reading(reading.path, reading.spool, sifted, now)
                else:
                    yield reading
                reading.spool.unlink()

    async def _ordered(
        self, calls: Iterable[Callable[[], Awaitable[T]]]
    ) -> AsyncGenerator[T, None]:
        pending: deque[asyncio.Future[T]] = deque()
        try:
            for call in calls:
                pending.append(asyncio.ensure_future(call()))
                if len(pending) > self.ahead:
                    yield await pending.popleft()
            while pending:
                yield await pending.popleft()
        finally:
            for future in pending:
                future.cancel()

    async def _check(self, path: Path) -> tuple[Path, Checked]:
        try:
            return path, await self._run(check, path)
        except OSError as error:
            raise Permanent(f"{path}: cannot be read ({error.strerror}); mend that") from error

    async def _cited(self, path: Path, seed: int) -> tuple[Path, tuple[int, ...] | None]:
        return path, await self._run(seed_references, path, seed)

    async def _sift(self, number: int, path: Path, criteria: Callable[[], Criteria]) -> Reading:
        spool, now = self.folder / f"{number}.jsonl", criteria()
        return Reading(path, spool, await self._run(sift, path, spool, now), now)

    async def _run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        call = partial(function, *args, **kwargs)
        try:
            return await asyncio.get_running_loop().run_in_executor(self.executor, call)
        except BrokenExecutor as error:
            raise Retryable(
                "a reading process died, most likely for want of memory: "
                "take the files in again, with fewer --processes"
            ) from error
