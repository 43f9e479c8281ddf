"""A stretch of the past, lived through once more: in, a recorded archive; out, a folder.

Nothing outside is touched: fresh stores in a folder that is thrown away, mail that is kept, no
network. The same input gives the same bytes.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from services.classifier.taxonomy import Taxonomy
from services.console.archive.recorded import LONG_AGO, Read
from services.console.hand import Hand
from services.console.replay.sandbox.choose import POLL, Account, choose
from services.console.replay.sandbox.folder import whole_folder
from services.console.replay.sandbox.live import LONGEST_SILENCE, Life, quarter_of
from services.console.replay.sandbox.post import Post, not_sent
from services.console.replay.sandbox.readers import examples, since
from services.console.replay.sandbox.report import write_report
from services.console.replay.sandbox.result import Fault, Report
from services.console.replay.sandbox.spool import Spool, opened_spool
from services.console.replay.sandbox.world import opened_world
from services.console.replay.selection import Selection
from services.notifier.plan import BACKGROUND
from services.notifier.subscription import Subscription
from shared.database import transaction


@dataclass(frozen=True)
class Options:
    """How to live through it.

    `subscriptions` are those for whom digests are made, without addresses (`readers`); `None`
    makes examples for each topic. With `recorded_labels` the labels are those of the archive, and
    the classifier has nothing to do. `until`: the clock goes on until then when no event comes any
    more; else it stops with the last one. `background` articles fit into one digest.
    """

    taxonomy: Taxonomy
    subscriptions: tuple[Subscription, ...] | None = None
    recorded_labels: bool = False
    until: datetime | None = None
    background: int = BACKGROUND


async def run_sandbox(read: Read, selection: Selection, out: Path, options: Options) -> Report:
    """Replay what the selection means of an archive, and write what comes of it to `out`.

    `out` is replaced as a whole if a sandbox has written it, made if it is not there, and else
    refused.

    Raises:
        ConfigurationError: `out` is something else, or the archive cannot be read.
    """
    with whole_folder(out) as folder, _few_collections():
        report = await replayed(read, selection, folder, options)
        write_report(folder, report)
    return report


async def replayed(read: Read, selection: Selection, folder: Path, options: Options) -> Report:
    """The same, into a folder that is there; without a report in it. Raises as reading does."""
    with _scratch() as scratch, opened_spool(scratch) as spool:
        account = await choose(spool, read, selection, recorded_labels=options.recorded_labels)
        with (folder / "labels.jsonl").open("w", encoding="utf-8") as lines:
            return await _lived(spool, account, Post(folder, lines), (scratch, selection, options))


async def _lived(
    spool: Spool, account: Account, post: Post, terms: tuple[Path, Selection, Options]
) -> Report:
    scratch, selection, options = terms
    start = account.first or LONG_AGO
    wanted = options.subscriptions
    chosen = since(examples(account.topics) if wanted is None else wanted, start)
    subscriptions = tuple(one for one in chosen if one.topic in account.topics)
    post.subscriptions = {one.id: one for one in subscriptions}
    hand = Hand(start)
    faults: list[Fault] = []
    async with opened_world(
        scratch, options.taxonomy, hand, post.passed, options.background
    ) as world:
        await world.subscribe(subscriptions)
        life = Life(world, subscriptions, post)
        if account.last is not None:
            await life.through(spool.in_order())
            await life.until(max(options.until or start, quarter_of(account.last)))
            await post.write_next(world)
        async with transaction(world.notifier) as connection:
            faults += await not_sent(connection)
    return Report(
        selection=str(selection),
        labels_from="archive" if options.recorded_labels else "classifier",
        taxonomy=options.taxonomy.version,
        first=account.first,
        last=account.last,
        ended=hand.now if account.last else None,
        chosen=dict(sorted(account.chosen.items())),
        fed=dict(sorted(account.fed.items())),
        skipped=dict(sorted(account.skipped.items())),
        twice=account.twice,
        polls_beside=account.polls_beside,
        subscriptions=tuple(sorted(post.subscriptions)),
        faults=(*account.faults, *world.belt.faults, *faults),
        notes=tuple(_notes(account, life, len(chosen) - len(subscriptions))),
        labels=post.labels,
        digests=tuple(post.told),
    )


def _notes(account: Account, life: Life, elsewhere: int) -> Iterator[str]:
    if not account.fed and account.skipped:
        yield (
            f"chosen was only {', '.join(sorted(account.skipped))}: `--recorded-labels` takes "
            "article.classified as it was; else articles come from article.discovered and .revised"
        )
    for topic in sorted(account.topics - {topic for topic, _ in account.polled}):
        yield (
            f"no {POLL} of topic {topic!r} is there: no digest can be made without it, "
            "as only a poll says what was checked"
        )
    if account.before:
        yield (
            f"{account.before} articles that the first polls announced are not in here: they came "
            "before the first event, or are missing; no digest waits for them"
        )
    if elsewhere:
        yield f"{elsewhere} subscriptions follow topics of which nothing was chosen"
    for since_, until in life.skipped:
        yield (
            f"no event from {since_.isoformat()} to {until.isoformat()}: all but the last "
            f"{LONGEST_SILENCE.days} days of it were passed over"
        )


@contextmanager
def _few_collections() -> Iterator[None]:
    """Look for cycles seldom: articles have none, and there are very many of their parts.

    By default a third of the time goes into looking through them; memory is the same.
    """
    before = gc.get_threshold()
    gc.set_threshold(50_000, 20, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)


@contextmanager
def _scratch() -> Iterator[Path]:
    with TemporaryDirectory(prefix="carillon-sandbox-") as folder:
        yield Path(folder)
