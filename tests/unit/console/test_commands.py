"""The command as a user types it: what it prints, and what it says when something is wrong."""

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from pydantic import SecretStr

from services.console.stores import embedded_stores
from services.notifier.bounces import address_for
from services.notifier.store import keep_poll
from services.notifier.tokens import Tokens
from shared.clock import system_clock
from shared.database import transaction
from tests.builders import poll_completed

ROOT = Path(__file__).parents[3]
NOWHERE = "http://127.0.0.1:1/entrez/eutils/"


class Carillon:
    """Runs `carillon` with stores of its own and a PubMed that cannot be reached."""

    def __init__(self, folder: Path) -> None:
        self.environment = {
            "PATH": "/usr/bin:/bin",
            "COLUMNS": "200",
            "CARILLON_STATE": str(folder / "state"),
            "POLLER_EUTILS_URL": NOWHERE,
            "NOTIFIER_CAPTURE_DIR": str(folder / "mail"),
        }

    def __call__(
        self, *words: str, stdin: str = "", **more: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "services.console", *words],
            cwd=ROOT,
            env=self.environment | more,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )


@pytest.fixture
def carillon(tmp_path: Path) -> Carillon:
    return Carillon(tmp_path)


def test_classify_shows_each_label_and_the_words_that_carry_it(carillon: Carillon) -> None:
    text = "CD19 CAR-T cells in lupus\nFive patients with lupus received CD19 CAR-T cells."

    shown = carillon("classify", "-", "--explain", stdin=text)

    assert shown.returncode == 0, shown.stderr
    assert "cd19-car-t" in shown.stdout
    assert "Five patients with lupus received CD19 CAR-T cells." in shown.stdout


@pytest.mark.parametrize(
    ("content", "says"),
    [("", "empty"), ("<PubmedArticleSet/>", "no record"), ("<html>busy", "not PubMed XML")],
)
def test_classify_says_what_is_wrong_with_its_input(
    carillon: Carillon, content: str, says: str
) -> None:
    shown = carillon("classify", "-", stdin=content)

    assert shown.returncode == 1
    assert says in shown.stderr
    assert len(shown.stderr.splitlines()) == 1


def test_a_file_that_is_not_there_is_one_clear_line(carillon: Carillon) -> None:
    shown = carillon("classify", "nowhere.xml")

    assert (shown.returncode, shown.stdout) == (1, "")
    assert shown.stderr == (
        "carillon: nowhere.xml: No such file or directory; give a PMID, a file or -\n"
    )


def test_a_reader_is_added_and_listed_and_an_unconfirmed_one_waits(carillon: Carillon) -> None:
    wishes = ("--confirmed", "--cadence", "daily", "--background", "--preprints", "both")
    added = carillon("subscribe", "reader@example.org", *wishes)
    waiting = carillon("subscribe", "other@example.org")

    assert "active" in added.stdout, added.stderr
    assert "waits for --confirmed" in waiting.stdout
    name = added.stdout.split()[1].rstrip(":")
    assert "nothing was polled yet" in carillon("digest", "preview", name).stderr
    unknown = carillon("digest", "preview", "nobody")
    assert name in unknown.stderr
    assert "example.org" not in unknown.stderr


def test_every_wish_can_be_said_and_a_webhook_gets_its_key(carillon: Carillon) -> None:
    words = (
        "--channel", "webhook", "--owner", "head@example.org", "--cadence", "monthly",
        "--day", "31", "--notices", "at-once", "--word", "lupus", "--journal", "Nature",
        "--author", "Doe J", "--mute-author", "Roe R", "--target", "cd19", "--disease", "sle",
        "--min-relatedness", "0.2", "--scope", "core", "--id", "hook", "--confirmed",
    )  # fmt: skip
    added = carillon("subscribe", "https://hooks.example.org/x", *words)
    assert "subscription hook: active" in added.stdout, added.stderr
    assert "signed with whsec_" in added.stdout
    again = carillon("subscribe", "https://hooks.example.org/x", *words)
    assert "whsec_" not in again.stdout

    listed = carillon("subscribers", "list").stdout
    assert "hook  (webhook)  car-autoimmune  active" in listed
    assert "on day 31 of every month" in listed
    assert "hooks.example.org" not in listed


def test_operators_pause_remove_export_and_forget_readers(carillon: Carillon) -> None:
    me = "reader@example.org"
    name = carillon("subscribe", me, "--confirmed").stdout.split()[1].rstrip(":")
    assert f"paused: {name}" in carillon("subscribers", "pause", me, "--until", "2999-01-02").stdout
    assert "paused until 2999-01-02 00:00 UTC" in carillon("subscribers", "list").stdout
    assert f"resumed: {name}" in carillon("subscribers", "resume", name).stdout
    assert f"switched off: {name}" in carillon("subscribers", "remove", name).stdout
    assert "off: switched off by the operator" in carillon("subscribers", "list").stdout

    exported = json.loads(carillon("subscribers", "export", me).stdout)
    assert [one["address"] for one in exported["subscriptions"]] == [me]
    assert "forgotten, with 1 subscription\n" in (
        carillon("subscribers", "delete", me, "--suppress").stdout
    )
    assert carillon("subscribers", "list").stdout == "0 subscriptions\n"
    gone = carillon("subscribers", "pause", me)
    assert (gone.returncode, "no such subscription" in gone.stderr) == (1, True)
    assert me not in gone.stderr


def test_the_list_of_the_suppressed_holds_no_address(carillon: Carillon) -> None:
    me = "reader@example.org"
    carillon("subscribe", me, "--confirmed")
    assert carillon("suppressions", "add", me).stdout == "suppressed\n"
    listed = carillon("suppressions", "list").stdout
    assert "operator" in listed
    assert "example.org" not in listed
    assert "suppressed: never written to" in carillon("subscribers", "list").stdout
    assert carillon("suppressions", "remove", listed.split()[0]).returncode == 0
    assert carillon("suppressions", "remove", me).returncode == 1


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("no-address",), "address: not an e-mail address"),
        (("a@example.org", "--hour", "25"), "hour"),
        (("a@example.org", "--time-zone", "Europe/Atlantis"), "unknown time zone"),
        (("a@example.org", "--preprints", "none"), "preprints: Input should be 'once' or 'both'"),
        (("a@example.org", "--modality", "cd19-cart"), "did you mean 'cd19-car-t'"),
        (("a@example.org", "--topic", "other"), "known are car-autoimmune"),
    ],
)
def test_a_subscription_that_cannot_be_is_refused_with_the_field(
    carillon: Carillon, words: tuple[str, ...], says: str
) -> None:
    shown = carillon("subscribe", *words)

    assert shown.returncode == 1
    assert says in shown.stderr
    assert len(shown.stderr.splitlines()) == 1


def test_a_topic_file_that_is_wrong_names_file_and_field(
    carillon: Carillon, tmp_path: Path
) -> None:
    (tmp_path / "bad.toml").write_text('id = "bad"\ntitle = "Bad"\nseed = "x"\n', encoding="utf-8")

    shown = carillon("status", POLLER_TOPICS_DIR=str(tmp_path))

    assert shown.returncode == 1
    assert "bad.toml" in shown.stderr
    assert "seed" in shown.stderr


def test_status_before_anything_was_polled_says_how_to_begin(carillon: Carillon) -> None:
    shown = carillon("status")

    assert shown.returncode == 1
    assert "start with `carillon run`" in shown.stderr
    assert not Path(carillon.environment["CARILLON_STATE"]).exists()


async def test_status_begins_with_the_verdict_on_all_topics_and_since_when(
    carillon: Carillon, tmp_path: Path
) -> None:
    seed = "seed = 39450112\ncited_by = true\n"
    for name in ("lupus", "myasthenia"):
        text = f'id = "{name}"\ntitle = "{name}"\n{seed}'
        (tmp_path / f"{name}.toml").write_text(text, encoding="utf-8")
    stores = embedded_stores(tmp_path / "state")
    await stores.migrate()
    now = system_clock().replace(microsecond=0)
    ended = {"started_at": now, "finished_at": now, "announced": 0}
    silent = {"finished_at": now - timedelta(hours=9), "next_at": now - timedelta(hours=8)}
    async with transaction(stores.notifier) as connection:
        await keep_poll(connection, poll_completed(topic="lupus", **ended).data)
        late = ended | silent | {"started_at": silent["finished_at"]}
        await keep_poll(connection, poll_completed(topic="myasthenia", **late).data)
    await stores.close()

    both = carillon("status", POLLER_TOPICS_DIR=str(tmp_path))
    one = carillon("status", "--topic", "lupus", POLLER_TOPICS_DIR=str(tmp_path))

    since = f"{silent['next_at']:%Y-%m-%d %H:%M}"
    assert (both.returncode, one.returncode) == (1, 0), both.stderr + one.stderr
    assert both.stdout.startswith(
        f"Not all is well, since {since} UTC.\n"
        f"  {since}  myasthenia: its next poll did not come: does the poller run?\n"
    )
    assert {"lupus", "myasthenia"} <= set(both.stdout.split())
    assert one.stdout.startswith("All is well.\n")
    assert "myasthenia" not in one.stdout


def test_deployment_commands_say_which_settings_they_need(carillon: Carillon) -> None:
    shown = carillon("migrate")

    assert shown.returncode == 1
    assert "CARILLON_DATABASE_URL" in shown.stderr


def test_asyncapi_prints_the_kept_document(carillon: Carillon) -> None:
    kept = (ROOT / "docs" / "asyncapi.json").read_text(encoding="utf-8")

    assert json.loads(carillon("asyncapi").stdout) == json.loads(kept)


def test_a_returned_mail_is_taken_from_a_pipe(carillon: Carillon) -> None:
    status = "Content-Type: message/delivery-status\n\nReporting-MTA: dns; x\n\nStatus: 5.1.1\n"
    head = "To: bounces@example.org\nContent-Type: multipart/report; boundary=b\n\n"

    taken = carillon("bounce", stdin=f"{head}--b\n{status}\n--b--\n")

    assert (taken.returncode, taken.stdout) == (0, "ignored\n"), taken.stderr


def test_a_returned_mail_is_brought_again_while_the_database_is_away(carillon: Carillon) -> None:
    away = "postgresql+asyncpg://nobody:x@127.0.0.1:1/none"
    report = _report(carillon)

    taken = carillon("bounce", stdin=report, CARILLON_DATABASE_URL=away)

    assert taken.returncode == 75
    assert "bring it again" in taken.stderr


def _report(carillon: Carillon) -> str:
    """A report about a message with our mark: only that is looked up in the database."""
    carillon.environment["NOTIFIER_SECRET_KEY"] = "a key for tests that is long enough"
    tokens = Tokens((SecretStr(carillon.environment["NOTIFIER_SECRET_KEY"]),))
    mark = address_for(tokens, "bounces@example.org", "digest", str(UUID(int=1)))
    return (
        f"To: {mark}\nContent-Type: multipart/report; boundary=b\n\n--b\n"
        "Content-Type: message/delivery-status\n\nReporting-MTA: dns; x\n\n"
        "Action: failed\nStatus: 5.1.1\n\n--b--\n"
    )
