"""A recorded stretch lived through once more: what comes of it, and nothing else."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from email import message_from_bytes
from pathlib import Path

from services.classifier.settings import TAXONOMY
from services.classifier.taxonomy import load_taxonomy
from services.console.archive.recorded import Recorded, envelop
from services.console.replay.sandbox.readers import examples, of_file
from services.console.replay.sandbox.result import Report
from services.console.replay.sandbox.run import Options, run_sandbox
from services.console.replay.selection import Selection
from shared.article import Status
from shared.events import ArticleDiscovered, ArticleRevised, CloudEvent
from tests.bench.sandbox import SURROUNDINGS, replayed, tree
from tests.builders import NOON, an_article, discovered, poll_completed
from tests.fortnight import BEGIN, FIRST_PMID, TOPIC, entries, fortnight, reading, write_file

EVERYTHING = Selection()
OURS = load_taxonomy(TAXONOMY)
PLAIN = Options(OURS)
EVENTS = 150
QUARTER = timedelta(minutes=15)
DAILY = f"{TOPIC}-daily"


async def _replayed(
    out: Path,
    found: Iterable[Recorded],
    options: Options = PLAIN,
    selection: Selection = EVERYTHING,
) -> Report:
    return await run_sandbox(reading(found), selection, out, options)


def _told(report: Report, subscription: str) -> Counter[int]:
    mine = [one for one in report.digests if one.subscription_id == subscription]
    return Counter(pmid for one in mine for pmid in one.pmids)


def test_twice_in_two_surroundings_without_a_network_the_bytes_are_the_same(
    tmp_path: Path,
) -> None:
    write_file(tmp_path / "events.jsonl", entries(fortnight(EVENTS, recorded=True)))

    for n, surroundings in enumerate(SURROUNDINGS):
        replayed(tmp_path / "events.jsonl", tmp_path / f"out-{n}", surroundings)

    one, other = tree(tmp_path / "out-0"), tree(tmp_path / "out-1")
    assert one == other
    assert {"report.json", "report.md", "labels.jsonl"} < one.keys()
    assert sum(name.endswith(".eml") for name in one) > 14


def test_the_process_that_shows_it_ends_at_the_first_use_of_a_socket() -> None:
    asking = (
        "import sys, socket\n"
        "from tests.bench.sandbox_alone import refuse\n"
        "sys.addaudithook(refuse)\n"
        "socket.create_connection(('127.0.0.1', 9))\n"
    )

    ended = subprocess.run([sys.executable, "-c", asking], check=False, capture_output=True)

    assert (ended.returncode, b"socket." in ended.stderr) == (3, True)


async def test_every_paper_is_told_once_and_none_that_was_retracted_before(tmp_path: Path) -> None:
    events = list(fortnight(EVENTS))

    report = await _replayed(tmp_path / "out", entries(events))

    assert report.is_whole
    assert sum(report.fed.values()) == len(events)
    wanted = {
        pmid
        for (_, pmid, revision), found in report.labels.items()
        if found.scope in {"core", "adjacent", "unclear"}
    }
    changed = {one.data.article.pmid: one.data for one in events if isinstance(one, ArticleRevised)}
    gone = {pmid for pmid, data in changed.items() if data.article.status is Status.RETRACTED}
    told = _told(report, DAILY)
    assert set(told.values()) == {1}
    assert wanted - gone <= told.keys() <= wanted
    noticed = {
        pmid for one in report.digests if one.subscription_id == DAILY for pmid, _ in one.notices
    }
    assert gone & told.keys() <= noticed
    assert gone & told.keys()


async def test_labels_and_digests_are_in_files_of_every_form(tmp_path: Path) -> None:
    report = await _replayed(tmp_path / "out", entries(fortnight(EVENTS)))

    lines = (tmp_path / "out" / "labels.jsonl").read_text().splitlines()
    keys = [(x["topic"], x["pmid"], x["revision"]) for x in map(json.loads, lines)]
    assert sorted(keys) == sorted(report.labels)
    for one in report.digests:
        folder = tmp_path / "out" / one.folder
        mail = message_from_bytes((folder / "digest.eml").read_bytes())
        assert str(mail["To"]).endswith("@sandbox.invalid")
        assert {path.name for path in folder.iterdir()} >= {
            "digest.html",
            "digest.txt",
            "slack.json",
        }
    told = json.loads((tmp_path / "out" / "report.json").read_text())
    assert told["is_whole"] is True
    assert len(told["digests"]) == len(report.digests)
    slack = [one for one in report.digests if one.channel == "slack"]
    assert slack
    assert all(
        json.loads((tmp_path / "out" / one.folder / "slack.json").read_text()) for one in slack
    )


async def test_recorded_labels_give_what_the_same_classifier_gives(tmp_path: Path) -> None:
    found = entries(fortnight(EVENTS, recorded=True))

    anew = await _replayed(tmp_path / "anew", found)
    taken = await _replayed(tmp_path / "taken", found, Options(OURS, recorded_labels=True))

    assert anew.labels == taken.labels
    assert [one for one in anew.digests if one.kind != "next"] == [
        one for one in taken.digests if one.kind != "next"
    ]


async def test_what_cannot_be_replayed_is_said_and_the_rest_is_told(tmp_path: Path) -> None:
    too_large = discovered(article=an_article(pmid=2**70), relatedness=0.1)
    found = [
        *entries([discovered(), too_large, poll_completed(announced=2)]),
        envelop(4, b'{"id": "odd", "type": "carillon.article.discovered.v9"}'),
    ]

    report = await _replayed(tmp_path / "out", found)

    assert not report.is_whole
    assert [(one.where, one.position) for one in report.faults] == [
        ("archive", 4),
        ("classifier", 2),
    ]
    page = (tmp_path / "out" / "report.md").read_text()
    assert "Could not be replayed: 2" in page
    assert too_large.id in page
    assert _told(report, DAILY) == {discovered().data.article.pmid: 1}


async def test_one_article_brings_a_digest_that_waits_for_no_other(tmp_path: Path) -> None:
    found = entries(fortnight(EVENTS))
    pmid = next(
        one.event().data.article.pmid  # type: ignore[union-attr]
        for one in found
        if isinstance(one.event(), ArticleDiscovered)
    )

    report = await _replayed(tmp_path / "out", found, PLAIN, Selection(pmids=frozenset({pmid})))

    assert pmid == FIRST_PMID
    assert report.polls_beside >= 1
    assert {one[1] for one in report.labels} == {pmid}
    assert report.is_whole
    pages = [tmp_path / "out" / one.folder / "digest.txt" for one in report.digests]
    assert not any("not classified yet" in page.read_text() for page in pages)


async def test_until_lets_the_clock_go_on(tmp_path: Path) -> None:
    found = entries([discovered(discovered_at=NOON), poll_completed()])
    later = Options(OURS, until=NOON + timedelta(days=1))

    at_once = await _replayed(tmp_path / "a", found)
    a_day_on = await _replayed(tmp_path / "b", found, later)

    assert {one.kind for one in at_once.digests} == {"next"}
    assert [one.kind for one in a_day_on.digests if one.subscription_id == DAILY] == ["digest"]


async def test_nothing_to_replay_is_no_success(tmp_path: Path) -> None:
    report = await _replayed(tmp_path / "out", entries(()))

    assert not report.is_whole
    assert "Nothing was replayed" in (tmp_path / "out" / "report.md").read_text()


async def test_without_a_poll_it_is_said_that_no_digest_can_be(tmp_path: Path) -> None:
    report = await _replayed(tmp_path / "out", entries([discovered()]))

    assert report.digests == ()
    assert any("poll.completed" in note for note in report.notes)


async def test_readers_of_a_file_get_theirs_at_their_hour(tmp_path: Path) -> None:
    (tmp_path / "subscriptions.toml").write_text(
        f'[[subscription]]\nid = "early"\ntopic = "{TOPIC}"\naddress = "ada@example.org"\n'
        'confirmed = true\ncadence = "daily"\nhour = 23\ntime_zone = "Asia/Kathmandu"\n'
    )
    readers = of_file(tmp_path / "subscriptions.toml")
    options = Options(OURS, subscriptions=readers, until=BEGIN + timedelta(days=2))

    report = await _replayed(tmp_path / "out", entries(fortnight(EVENTS)), options)

    due = [one.at for one in report.digests if one.kind == "digest"]
    assert {(at.hour, at.minute) for at in due} == {(17, 15)}
    assert b"ada@example.org" not in b"".join(
        path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()
    )


async def test_a_year_of_silence_is_passed_over_and_said(tmp_path: Path) -> None:
    late = NOON + timedelta(days=400)
    events: list[CloudEvent] = [discovered(), poll_completed()]
    again = poll_completed(poll_id="later", started_at=late, finished_at=late)
    found = entries([*events, again.model_copy(update={"time": late})])
    weekly = Options(OURS, subscriptions=examples({TOPIC})[1:2])

    report = await _replayed(tmp_path / "out", found, weekly)

    assert 5 <= len(report.digests) <= 6
    assert any("passed over" in note for note in report.notes)


async def test_the_impatient_are_told_within_a_quarter_of_an_hour(tmp_path: Path) -> None:
    (tmp_path / "subscriptions.toml").write_text(
        f'[[subscription]]\nid = "now"\ntopic = "{TOPIC}"\naddress = "ada@example.org"\n'
        'confirmed = true\ncadence = "immediate"\n'
        f'[[subscription]]\nid = "alarmed"\ntopic = "{TOPIC}"\naddress = "bob@example.org"\n'
        'confirmed = true\ncadence = "daily"\nnotices = "at-once"\n'
    )
    readers = of_file(tmp_path / "subscriptions.toml")
    events = [one for one in fortnight(EVENTS) if one.time < BEGIN + timedelta(days=7)]

    report = await _replayed(tmp_path / "out", entries(events), Options(OURS, readers))

    assert report.is_whole
    came = {one.time for one in events if isinstance(one, ArticleDiscovered | ArticleRevised)}
    now = [one.at for one in report.digests if one.subscription_id == "now"]
    assert len(now) > 7
    assert all(any(timedelta() <= at - one <= QUARTER for one in came) for at in now)
    fallen = [
        one.time
        for one in events
        if isinstance(one, ArticleRevised) and one.data.article.status is Status.RETRACTED
    ]
    noticed = [one.at for one in report.digests if one.kind == "notice"]
    assert fallen
    assert noticed
    assert all(any(timedelta() <= at - one <= QUARTER for one in fallen) for at in noticed)
    assert {(tmp_path / "out" / one.folder).is_dir() for one in report.digests} == {True}
