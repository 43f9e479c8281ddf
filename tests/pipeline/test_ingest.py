"""NLM's files through the whole embedded line: what readers are told of them, and what not."""

from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

from services.classifier.settings import TAXONOMY
from services.classifier.taxonomy import load_taxonomy
from services.console.demo import IDENTITY
from services.console.line import Line, open_line
from services.console.pulse import take_pulse
from services.notifier import subscribers
from services.notifier.entries import read_entry
from services.notifier.office import Office
from services.notifier.senders.choose import choose
from services.poller.topic import Query, Topic
from shared.database import transaction
from tests.fakes import FakeClock
from tests.unit.poller.fakes import SEED
from tests.unit.poller.ingesting import deleting, entry, nlm_file, take
from tests.unit.poller.polling import DAY, OLD

TITLE = "CD19 CAR-T cells in lupus"
TOPIC = Topic(id="tiny", title="Tiny", seed=SEED, query=(Query(name="q", term="lupus[ti]"),))


def mails(folder: Path) -> list[str]:
    found = []
    for path in sorted(folder.glob("*.eml")):
        mail = message_from_bytes(path.read_bytes(), policy=default)
        assert isinstance(mail, EmailMessage)
        body = mail.get_body(("plain",))
        assert body is not None
        found.append(body.get_content())
    return found


async def subscribe(line: Line, at: datetime) -> None:
    fields = {"topic": "tiny", "address": "reader@example.org", "cadence": "daily", "hour": 7}
    wanted = read_entry({**fields, "confirmed": True}, "test", at)
    async with transaction(line.stores.notifier) as connection:
        await subscribers.save(connection, wanted, "console", at)


async def digest_of_next_day(line: Line, clock: FakeClock, folder: Path) -> None:
    await line.carry()
    clock.advance(days=1)
    office = Office(choose(folder / "mail", None, IDENTITY.sender), IDENTITY)
    await line.deliver(office)
    await line.carry()


async def test_many_old_articles_send_no_mail_and_what_is_news_is_mailed(
    tmp_path: Path,
) -> None:
    clock = FakeClock(DAY + timedelta(hours=3))
    old = [entry(pmid, f"{TITLE}, case {pmid}", OLD, OLD.date()) for pmid in range(1000, 1120)]
    async with AsyncExitStack() as stack:
        line = await open_line(tmp_path / "state", load_taxonomy(TAXONOMY), clock, stack)
        await subscribe(line, clock.now)

        await take(line.stores.poller, [nlm_file(tmp_path, 1, *old)], TOPIC, now=clock.now)
        await digest_of_next_day(line, clock, tmp_path)

        assert mails(tmp_path / "mail") == []
        assert (await take_pulse(line.stores, "tiny", clock.now)).on_the_way == 0

        news = nlm_file(tmp_path, 2, entry(2000, "Lupus and CD19 CAR-T cells", clock.now))
        await take(line.stores.poller, [news], TOPIC, now=clock.now)
        await digest_of_next_day(line, clock, tmp_path)

        (mail,) = mails(tmp_path / "mail")
        assert "Lupus and CD19 CAR-T cells" in mail
        assert TITLE not in mail

        gone = nlm_file(tmp_path, 3, entry(1, "A lorry"), deleting(2000))
        await take(line.stores.poller, [gone], TOPIC, now=clock.now)
        await digest_of_next_day(line, clock, tmp_path)

        (notice,) = [text for text in mails(tmp_path / "mail") if "Notices" in text]
        assert "PubMed has taken this record out: Lupus and CD19 CAR-T cells" in notice
        assert "ingest pubmed26n0003.xml.gz" in notice


async def test_a_file_that_is_not_whole_is_told_to_readers_as_a_source_not_checked(
    tmp_path: Path,
) -> None:
    clock = FakeClock(DAY + timedelta(hours=3))
    path = nlm_file(tmp_path, 1, entry(2000, TITLE))
    path.with_name(f"{path.name}.md5").write_text("0" * 32)
    async with AsyncExitStack() as stack:
        line = await open_line(tmp_path / "state", load_taxonomy(TAXONOMY), clock, stack)
        await subscribe(line, clock.now)

        await take(line.stores.poller, [path], TOPIC, now=clock.now)
        await digest_of_next_day(line, clock, tmp_path)

        (mail,) = mails(tmp_path / "mail")
        assert "Source unhealthy" in mail
        assert "pubmed26n0001.xml.gz.md5; download both" in " ".join(mail.split())
