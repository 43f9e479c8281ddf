"""What the sandbox makes of the demo's recorded fortnight is what the demo's readers were sent."""

from functools import partial
from pathlib import Path

from services.classifier.settings import TAXONOMY
from services.classifier.taxonomy import load_taxonomy
from services.console.archive.embedded import read_embedded
from services.console.commands.demo import SUBSCRIPTIONS, packaged_demo
from services.console.demo import live_all_days, opened
from services.console.replay.sandbox.readers import of_file
from services.console.replay.sandbox.run import Options, run_sandbox
from services.console.replay.selection import Selection
from services.notifier.digest import Digest


def _as_told(digest: Digest) -> tuple[object, ...]:
    sections = tuple(
        (group.name, tuple(item.pmid for item in group.items)) for group in digest.groups
    )
    notices = tuple((notice.pmid, notice.kind) for notice in digest.notices)
    return digest.subscription_id, digest.period_to, sections, notices


async def test_the_same_papers_in_the_same_order_and_the_same_notices(tmp_path: Path) -> None:
    demo = packaged_demo(tmp_path / "demo", lambda _at, _moved: None, "http://localhost:8000")
    taxonomy, readers = load_taxonomy(TAXONOMY), of_file(SUBSCRIPTIONS)

    async with opened(demo) as world:
        sent = await live_all_days(world)
        options = Options(taxonomy, subscriptions=readers, until=world.hand.now)
        read = partial(read_embedded, world.line.bus.engine)
        report = await run_sandbox(read, Selection(), tmp_path / "out", options)

    assert report.is_whole
    assert report.skipped["article.classified"] == len(report.labels)
    again = [one for one in report.digests if one.kind != "next"]
    told = [(one.subscription_id, one.at, one.sections, one.notices) for one in again]
    assert sorted(told) == sorted(map(_as_told, sent))
    assert any(notices for *_, notices in told)
