"""Facts of one article put in the order of time: each place's part, and what is still open."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from services.console.parked.message import Parked
from services.console.trace.facts import (
    Facts,
    Gap,
    Heard,
    Held,
    Labelled,
    NotUnderstood,
    Queued,
    Receipt,
    Rehearsed,
    Said,
    Unpublished,
)
from services.console.trace.timeline import Trace, trace
from services.notifier.trace.delivery import Delivery
from shared.article import Status
from shared.events import Replay, ReplayFinished
from shared.marks import Marks
from tests.builders import (
    NOON,
    an_article,
    classified,
    digest_delivered,
    discovered,
    parked_resolved,
    poll_completed,
    revised,
)

PMID = 40000001
FOUND, LABELLED = discovered(), classified()
MINUTE = timedelta(minutes=1)


def said(*events: Any, **more: Any) -> tuple[Said, ...]:
    return tuple(Said(event, event.time, **more) for event in events)


def heard(*events: Any, **more: Any) -> Heard:
    return Heard("the archive", NOON, NOON, 9, **{"said": said(*events), **more})


def receipt(event: Any, handler: str = "classify.v1") -> Receipt:
    return Receipt(event.id, handler, NOON + MINUTE)


def parked(**overrides: Any) -> Parked:
    return Parked(**{
        "consumer": "classifier", "names": (FOUND.id,), "type": FOUND.type, "pmid": PMID,
        "reason": "bug", "error": "KeyError: 'x'", "attempts": 3, "first_failed_at": NOON,
        "parked_at": NOON + 3 * MINUTE, **overrides,
    })  # fmt: skip


def held(**overrides: Any) -> Held:
    return Held(**{
        "topic": "car-autoimmune", "revision": 1, "status": "published", "reasons": (),
        "backfill": False, "discovered_at": NOON, "announced_at": NOON, "reread_at": NOON,
        "poll_id": "p", **overrides,
    })  # fmt: skip


def told(**facts: Any) -> Trace:
    return trace(Facts(PMID, **facts))


def titles(found: Trace) -> list[str]:
    return [one.title for one in found.moments]


def test_from_the_poll_to_the_labels_in_the_order_of_time() -> None:
    late = LABELLED.model_copy(update={"time": NOON + 2 * MINUTE})
    poll = poll_completed(started_at=NOON - MINUTE).data
    archive = heard(late, FOUND, polls={poll.poll_id: poll})

    found = told(heard=archive, receipts=(receipt(FOUND), receipt(late, "project.v1")))

    assert titles(found) == [
        "Polled for car-autoimmune: complete", "Found, revision 1", "Labelled, revision 1",
    ]  # fmt: skip
    assert found.moments[0].lines[1] == "query 'core': closed, PubMed counted 1, new 1"
    assert "had by the classifier 2026-09-07 12:01:00 (classify.v1)" in found.moments[1].lines
    assert "had by the notifier 2026-09-07 12:01:00 (project.v1)" in found.moments[2].lines
    assert found.now == ()
    assert found.is_known
    assert (found.title, found.topics) == ("CD19 CAR-T cells in lupus", ("car-autoimmune",))


def test_a_revision_says_what_changed_and_a_repeat_how_often() -> None:
    article = an_article(status=Status.RETRACTED)
    changed = revised(article=article, changed=("status", "title"))

    found = told(heard=Heard("x", said=said(changed, times=2)))

    (moment,) = found.moments
    assert moment.title == "Changed in PubMed, revision 2: status, title"
    assert moment.lines[0] == "status: published became retracted"
    assert moment.lines[-1].endswith(", 2 times")


def test_what_a_replay_said_is_marked_and_never_waited_for() -> None:
    marks = Marks("r-1", 2, force=True, to=("s1", "s2"))
    audit = ReplayFinished(
        id="a", source="s", subject="r-1", time=NOON,
        data=Replay(replay_id="r-1", target="broker", selection="everything", by="ada",
                    because="a test", started_at=NOON, finished_at=NOON, state="finished",
                    chosen=1, sent=1),
    )  # fmt: skip
    archive = heard(said=said(LABELLED, marks=marks), replays={"r-1": audit})
    row = Rehearsed("notifier", "r-1", LABELLED.id, "project.v1", "deduplicated", NOON + MINUTE)

    found = told(heard=archive, rehearsed=(row,))

    assert titles(found) == ["Replayed: labelled, revision 1",
                             "Replayed at the notifier: deduplicated"]  # fmt: skip
    assert {one.replay for one in found.moments} == {"r-1"}
    assert "replay r-1, hop 2, forced, may be sent to s1, s2" in found.moments[0].lines
    assert "by ada, because: a test; finished" in found.moments[1].lines
    assert found.now == ()


def test_what_a_replay_sent_is_no_digest_of_the_day() -> None:
    sent = Delivery("d", "s", "email", "replay:r-1", "accepted", NOON, None, 1)

    found = told(sent_again=(sent,))

    assert titles(found) == ["In the digest of the replay r-1: accepted for 1 subscription"]
    assert found.moments[0].replay == "r-1"
    assert found.deliveries == (sent,)
    assert found.is_known


def test_what_is_parked_and_what_an_operator_did() -> None:
    settled = parked_resolved(messages=(FOUND.id,)).model_copy(update={"time": NOON + 9 * MINUTE})
    archive = heard(FOUND, settled=(settled,))

    found = told(heard=archive, parked=(parked(redriven=1),))

    assert titles(found) == [
        "Found, revision 1", "Failed at the classifier for the first time",
        "Parked at the classifier: bug (attempt 3)", "Put back at the classifier by ada",
    ]  # fmt: skip
    assert "put back before: 1 times" in found.moments[2].lines
    assert found.moments[3].lines[0] == "because: the database has room again"
    assert found.now == (
        f"event {FOUND.id} is parked at the classifier: mend the cause, then "
        f"`carillon parked redrive {FOUND.id}`",
    )


def test_each_place_where_it_can_wait_is_named() -> None:
    unpublished = Unpublished("poller", FOUND.id, FOUND.type, NOON, 2, "broker: away")
    queued = Queued("notifier", LABELLED.id, 0, NOON, None, None)

    (outbox, queue) = told(unpublished=(unpublished,), queued=(queued,)).now

    assert outbox == (
        f"article.discovered {FOUND.id} is in the poller's outbox since 2026-09-07 12:00:00 UTC, "
        "not published yet, tried 2 times: broker: away"
    )
    assert queue.startswith(f"event {LABELLED.id} waits for the notifier, not tried yet")


def test_what_nobody_has_had_is_on_its_way() -> None:
    (line,) = told(heard=heard(FOUND)).now
    assert f"{FOUND.id} is published, and the classifier has not had it" in line
    (line,) = told(heard=heard(FOUND, LABELLED), receipts=(receipt(FOUND),)).now
    assert "the notifier has not had it" in line


def test_what_the_inbox_has_forgotten_is_known_by_its_effect() -> None:
    row = Labelled("car-autoimmune", 1, "core", "1", "1", LABELLED.id, NOON)
    assert told(heard=heard(FOUND), labelled=(row,)).now == ()


def test_what_was_discarded_is_not_waited_for() -> None:
    gone = parked_resolved(messages=(FOUND.id,), resolution="discarded")
    assert told(heard=heard(FOUND, settled=(gone,))).now == ()
    back = parked_resolved(messages=(FOUND.id,), resolution="redriven")
    assert len(told(heard=heard(FOUND, settled=(back,))).now) == 1


def test_what_became_of_a_replays_copy_says_nothing_of_the_live_event() -> None:
    """Both have one id: the live one may be lost though its copy is parked, or was discarded."""
    name = f"{FOUND.id}+3f2a-1"
    copy = parked(names=(name, FOUND.id), replay_id="3f2a-1")
    gone = parked_resolved(messages=(name,), resolution="discarded")

    now = told(heard=heard(FOUND, settled=(gone,)), parked=(copy,)).now

    assert f"{FOUND.id} is published, and the classifier has not had it" in now[-1]


def test_with_a_gap_nothing_is_said_to_be_missing() -> None:
    gap = Gap("the classifier's inbox", "database: away")
    found = told(heard=heard(FOUND), gaps=(gap,))

    assert found.now == ()
    assert found.gaps == (gap,)


def test_without_the_archive_the_stores_tell() -> None:
    gap = Gap("the archive", "broker: away")
    found = told(held=(held(revision=3, reread_at=NOON + MINUTE),), gaps=(gap,))

    assert titles(found) == [
        "Found; by the poller's store it is in revision 3 now", "Read again, the last time",
    ]  # fmt: skip
    assert found.is_known
    assert "the poller's store" in found.looked_at
    assert not any("archive" in place for place in found.looked_at)


def test_a_record_that_was_not_understood_is_known() -> None:
    record = NotUnderstood("car-autoimmune", "no title", NOON, NOON + MINUTE)
    found = told(not_understood=(record,))

    assert found.is_known
    assert found.moments[0].is_grave
    assert found.moments[0].lines == ("no title", "tried again 2026-09-07 12:01 UTC")


def test_an_archive_that_does_not_reach_back_is_said() -> None:
    found = told(heard=heard(), held=(held(discovered_at=NOON - MINUTE),))
    assert found.doubts == (
        "the archive does not reach back to 2026-09-07 11:59 UTC, when it was found",
    )
    assert told(heard=heard(), held=(held(),)).doubts == ()
    unread = told(heard=replace(heard(), unreadable=2))
    assert unread.doubts == ("2 entries of the archive are no event that is known",)
    assert not unread.is_known


def test_deliveries_that_only_the_archive_knows_are_counted() -> None:
    sent = tuple(digest_delivered(digest_id=f"d{n}", subscription_id=f"s{n}") for n in range(7))

    (moment,) = told(heard=heard(delivered=sent)).moments

    assert moment.title == "Delivered (article) to 7, by the archive alone"
    assert moment.lines == ("s0, s1, s2, s3, s4 and 2 more",)
