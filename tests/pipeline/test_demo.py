"""The demo as a user runs it: the whole line in one process, two simulated weeks, real HTTP."""

import email
import email.policy
import json
import re
import subprocess
import sys
from email.message import EmailMessage
from pathlib import Path

import pytest

from services.ncbi_sim.catalogue import Article, Catalogue, load_catalogue
from services.ncbi_sim.settings import PACKAGED_CATALOGUE
from tests.mail_check import faults
from tests.slack_check import faults as slack_faults

pytestmark = pytest.mark.timeout(300)

ROOT = Path(__file__).parents[2]
OFF_TOPIC = {"oncology", "none"}


def _demo(out: Path) -> str:
    command = [sys.executable, "-m", "services.console", "demo", "--out", str(out)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.replace(str(out), "OUT")


@pytest.fixture(scope="module")
def printed_and_out(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    out = tmp_path_factory.mktemp("demo") / "out"
    return _demo(out), out


@pytest.fixture(scope="module")
def out(printed_and_out: tuple[str, Path]) -> Path:
    return printed_and_out[1]


@pytest.fixture(scope="module")
def mails(out: Path) -> list[EmailMessage]:
    read = (email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
            for path in (out / "mail").glob("*.eml"))  # fmt: skip
    return sorted(read, key=lambda mail: (str(mail["Date"]), str(mail["To"])))


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue(PACKAGED_CATALOGUE)


@pytest.fixture(scope="module")
def labelled(out: Path) -> dict[int, dict[str, object]]:
    lines = (out / "labels.jsonl").read_text(encoding="utf-8").splitlines()
    return {record["pmid"]: record for record in map(json.loads, lines)}


def _files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def _items(mail: EmailMessage) -> list[int]:
    """PMIDs of the articles in a mail, in order; notices about papers already sent left out."""
    body = mail.get_body(("plain",))
    assert body is not None
    text = body.get_content()
    return [int(pmid) for pmid in re.findall(r"Why: [^\0]*?PubMed (\d+)", text)]


def test_the_same_catalogue_gives_the_same_bytes(
    printed_and_out: tuple[str, Path], tmp_path: Path
) -> None:
    printed, out = printed_and_out

    assert _demo(tmp_path / "out") == printed
    assert _files(tmp_path / "out") == _files(out)


def test_it_writes_the_digest_in_every_form(out: Path) -> None:
    names = {path.name for path in out.iterdir()}

    assert names == {
        "digest.html", "digest.txt", "digest.eml", "slack.json", "feed.atom", "labels.jsonl",
        "mail",
    }  # fmt: skip


def test_every_mail_and_slack_message_is_as_it_should_be(out: Path) -> None:
    written = [*(out / "mail").glob("*.eml"), out / "digest.eml"]
    payloads = json.loads((out / "slack.json").read_text(encoding="utf-8"))

    assert len(written) > 10
    assert {path.name: told for path in written if (told := faults(path.read_bytes()))} == {}
    assert [told for payload in payloads if (told := slack_faults(payload))] == []


def test_nobody_is_sent_a_paper_twice(mails: list[EmailMessage]) -> None:
    sent = [(str(mail["To"]), pmid) for mail in mails for pmid in _items(mail)]

    assert len(sent) > 40
    assert len(set(sent)) == len(sent)


def test_every_new_core_article_reaches_the_weekly_reader(
    mails: list[EmailMessage], catalogue: Catalogue
) -> None:
    weekly = {pmid for mail in mails if "weekly" in str(mail["To"]) for pmid in _items(mail)}
    # The scenario ends on Monday of day 14, and its last digest is due that morning.
    new = [a for a in catalogue.articles if -30 <= a.entered_day <= 14 and a.pmid != 39450112]
    # An adjacent one may name no autoimmune disease (42262522: beryllium) and be no relation.
    wanted = {a.pmid for a in new if _scope(a) == "core"}

    assert len(wanted) > 30
    assert wanted - weekly == set()


def test_what_is_off_topic_reaches_nobody(mails: list[EmailMessage], catalogue: Catalogue) -> None:
    off_topic = {a.pmid for a in catalogue.articles if _scope(a) in OFF_TOPIC}

    assert off_topic & {pmid for mail in mails for pmid in _items(mail)} == set()


def test_what_was_there_before_the_watch_is_no_news(
    mails: list[EmailMessage], catalogue: Catalogue
) -> None:
    old = {a.pmid for a in catalogue.articles if a.entered_day < -31}

    assert old & {pmid for mail in mails for pmid in _items(mail)} == set()


def test_a_retraction_is_told_to_those_who_were_sent_the_paper_and_the_paper_is_no_news_again(
    mails: list[EmailMessage],
) -> None:
    telling = [mail for mail in mails if "Retracted:" in str(mail.get_body(("plain",)))]
    readers = {str(mail["To"]) for mail in mails if 99000001 in _items(mail)}

    assert readers == {str(mail["To"]) for mail in telling}
    assert len(telling) == len(readers) > 0


def test_labels_are_those_a_reader_would_give(
    labelled: dict[int, dict[str, object]], catalogue: Catalogue
) -> None:
    expected = {a.pmid: set(_expect(a).get("modality", [])) for a in catalogue.articles}
    pairs = [(expected[p], set(_ids(record["modality"]))) for p, record in labelled.items()]
    right = sum(len(want & got) for want, got in pairs)
    given = sum(len(got) for _, got in pairs)
    wanted = sum(len(want) for want, _ in pairs)

    assert 2 * right / (given + wanted) >= 0.9


def _ids(labels: object) -> list[str]:
    return [str(label["id"]) if isinstance(label, dict) else str(label) for label in labels]  # type: ignore[attr-defined]


def _expect(article: Article) -> dict[str, list[str]]:
    return article.expect or {}


def _scope(article: Article) -> str:
    return str(_expect(article).get("scope"))
