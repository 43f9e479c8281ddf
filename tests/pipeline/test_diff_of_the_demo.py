"""The digests that a comparison reckons with are those that the demo's readers really got."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest

from services.classifier.settings import TAXONOMY
from services.classifier.taxonomy import load_taxonomy
from services.console.archive.embedded import read_embedded
from services.console.commands.demo import packaged_demo
from services.console.demo import World, live_all_days, opened
from services.console.diff.run import Asked, Comparison, run
from services.console.diff.sides import Answers, Side, by_rules
from services.console.diff.spool import Spool, open_spool
from services.console.replay.selection import Selection
from services.notifier import subscribers
from services.notifier.digest import Digest
from services.notifier.subscription import Subscription
from shared.article import Article
from shared.database import transaction
from shared.events import Classification

pytestmark = pytest.mark.timeout(300)

SILENT = Classification(scope="none", taxonomy_version="none", classifier_version="none")


async def _silent(articles: Sequence[Article]) -> Answers:
    """A classifier that sees nothing: every article of every digest differs."""
    return [SILENT] * len(articles)


async def _compared(
    world: World, readers: Sequence[Subscription], new: Side, spool: Spool
) -> Comparison:
    read = partial(read_embedded, world.line.bus.engine)
    return await run(read, Asked(Selection(), None, new, lambda _: readers), spool)


def _told(digests: Sequence[Digest]) -> dict[tuple[str, str], set[int]]:
    found = {
        (one.subscription_id, one.period_to.isoformat()): {item.pmid for item in one.items}
        for one in digests
    }
    return {key: pmids for key, pmids in found.items() if pmids}


async def test_each_digest_of_the_fortnight_is_reckoned_as_it_was_sent(tmp_path: Path) -> None:
    demo = packaged_demo(tmp_path / "out", lambda *_: None, "http://localhost:8000")
    async with opened(demo) as world:
        digests = await live_all_days(world)
        async with transaction(world.line.stores.notifier) as connection:
            kept = await subscribers.everybody(connection)
        readers = [one.subscription for one in kept if one.is_mailable]

        with open_spool() as spool:
            same = await _compared(world, readers, by_rules(load_taxonomy(TAXONOMY)), spool)
            assert not same.tally.changed
        with open_spool() as spool:
            other = await _compared(world, readers, _silent, spool)
            reckoned = {
                (one.subscription_id, one.due.isoformat()): {shift.pmid for shift in one.shifts}
                for one in other.digests()
            }

    last = max(one.period_to for one in digests).isoformat()
    assert len(_told(digests)) > 5
    assert {key: pmids for key, pmids in reckoned.items() if key[1] <= last} == _told(digests)
