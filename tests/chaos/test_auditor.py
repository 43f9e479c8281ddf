"""The judge itself: of a run in which all went well, one thing is made wrong."""

import signal
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from email.utils import format_datetime

import pytest

from tests.chaos.auditor import Verdict, judge
from tests.chaos.crew import Exit
from tests.chaos.evidence import (
    Announced,
    Cut,
    Evidence,
    Kept,
    Key,
    Labelled,
    Parked,
    Planted,
    Projected,
    Row,
)
from tests.chaos.expect import may_be_told, must_be_told, people
from tests.chaos.readers import START
from tests.chaos.received import Received
from tests.chaos.world import Plan

PLAN = Plan(seed=3, articles=200, subscriptions=20, faults=0)
HEADERS = {
    "carillon-reason": "not a Carillon event",
    "carillon-traceback": "Traceback ...",
    "carillon-attempt": 1,
    "carillon-first-failed-at": "2026-03-09T04:00:00+00:00",
    "carillon-origin-exchange": "carillon.events",
    "carillon-origin-routing-key": "article.classified",
}
CUT_AT = START + timedelta(days=40)


def ideal() -> Evidence:
    """What a run leaves in which every paper was found, labelled and told when all was over."""
    papers = PLAN.library.papers.values()
    keys = {Key(topic, paper.pmid): paper for paper in papers for topic in paper.relations}
    labelled = {
        key: Labelled(1, "core", {"modality": frozenset({"caar-t", "cd19-car-t"})}) for key in keys
    }
    archive, noticed = [], {}
    for key, paper in keys.items():
        found, label = f"d-{key.topic}-{key.pmid}", f"c-{key.topic}-{key.pmid}"
        status = paper.status
        archive += [
            Announced(found, "article.discovered", str(key.pmid), key.topic, status, 1),
            Announced(
                label, "article.classified", str(key.pmid), key.topic, status, 1, cause=found
            ),
        ]
        noticed[label] = START
    archive.append(Announced("p-1", "poll.completed", poll="poll"))
    cuts, ledger, mails = {}, [], []
    for address, readers in people(PLAN.readers).items():
        pmids = tuple(p.pmid for p in papers if must_be_told(readers, p, labelled))
        if not pmids:
            continue
        reader = next(one for one in readers if one.stays)
        digest = f"digest-{reader.id}"
        cuts[digest] = Cut(reader.id, "sent")
        ledger += [Row(reader.id, pmid, "article", digest, True) for pmid in pmids]
        mails.append(mail(address, digest, pmids))
        archive.append(Announced(f"e-{digest}", "digest.delivered", digest, pmids=pmids))
    return Evidence(
        kept={
            key: Kept(1, p.status, p.title, p.is_background, p.relations[key.topic], p.indexed)
            for key, p in keys.items()
        },
        polls=frozenset({"poll"}),
        unread=(),
        archive=archive,
        labelled=labelled,
        classified=frozenset(e.id for e in archive if e.key == "article.discovered"),
        projected={key: Projected(1, paper.status) for key, paper in keys.items()},
        noticed=noticed,
        known_polls=frozenset({"poll"}),
        cuts=cuts,
        ledger=ledger,
        queues={"classifier": 0, "carillon.archive": 900, "notifier.parked": 1},
        outboxes={"poller": 0, "classifier": 0, "notifier": 0},
        parked=(Parked("notifier.parked", "bad-1", HEADERS),),
        planted=Planted(("bad-1",)),
        mails=mails,
        clock=((0.0, START), (1_000.0, CUT_AT)),
    )


def mail(address: str, digest: str, pmids: tuple[int, ...], at: float = 2_000.0) -> Received:
    return Received(
        recipient=address,
        message_id=f"<{digest}@localhost>",
        subject="news",
        date=format_datetime(CUT_AT),
        kind="digest",
        pmids=pmids,
        notices=(),
        at=at,
        answered=True,
    )


def kinds(verdict: Verdict) -> set[str]:
    return {finding.kind for finding in verdict.findings}


def test_a_run_in_which_all_went_well_is_good() -> None:
    verdict = judge(PLAN, ideal())

    assert verdict.findings == ()
    assert verdict.accounted == verdict.articles > 180
    assert verdict.deliveries > 500
    assert (verdict.ambiguous, verdict.parked) == (0, 1)


def _without_one_paper(evidence: Evidence) -> Evidence:
    key = next(iter(evidence.kept))
    return replace(evidence, kept={k: v for k, v in evidence.kept.items() if k != key})


def _not_labelled(evidence: Evidence) -> Evidence:
    key = next(iter(evidence.labelled))
    return replace(evidence, labelled={k: v for k, v in evidence.labelled.items() if k != key})


def _older_revision(evidence: Evidence) -> Evidence:
    key = next(iter(evidence.kept))
    newer = replace(evidence.kept[key], revision=2)
    more = Announced("d-2", "article.revised", str(key.pmid), key.topic, "published", 2)
    label = Announced("c-2", "article.classified", str(key.pmid), key.topic, cause="d-2")
    return replace(
        evidence,
        kept={**evidence.kept, key: newer},
        archive=[*evidence.archive, more, label],
        classified=evidence.classified | {"d-2"},
        noticed={**evidence.noticed, "c-2": START},
    )


def _an_event_missing(evidence: Evidence) -> Evidence:
    gone = next(e.id for e in evidence.archive if e.key == "article.classified")
    return replace(evidence, archive=[e for e in evidence.archive if e.id != gone])


def _never_taken_in(evidence: Evidence) -> Evidence:
    return replace(evidence, classified=frozenset(list(evidence.classified)[1:]))


def _a_mail_missing(evidence: Evidence) -> Evidence:
    return replace(evidence, mails=evidence.mails[1:])


def _a_paper_missing_in_a_mail(evidence: Evidence) -> Evidence:
    first = evidence.mails[0]
    digest = first.message_id[1:].partition("@")[0]
    gone = first.pmids[0]
    events = [replace(e, pmids=e.pmids[1:]) if e.subject == digest else e for e in evidence.archive]
    less = replace(first, pmids=first.pmids[1:])
    rows = [row for row in evidence.ledger if (row.digest, row.pmid) != (digest, gone)]
    return replace(evidence, mails=[less, *evidence.mails[1:]], archive=events, ledger=rows)


def _still_queued(evidence: Evidence) -> Evidence:
    return replace(evidence, queues={"notifier.retry.2": 1})


def _still_in_an_outbox(evidence: Evidence) -> Evidence:
    return replace(evidence, outboxes={"classifier": 1})


def _not_parked(evidence: Evidence) -> Evidence:
    return replace(evidence, parked=())


def _a_poll_not_told(evidence: Evidence) -> Evidence:
    return replace(evidence, known_polls=frozenset())


@pytest.mark.parametrize(
    "spoil",
    [
        _without_one_paper, _not_labelled, _older_revision, _an_event_missing, _never_taken_in,
        _a_mail_missing, _a_paper_missing_in_a_mail, _still_queued, _still_in_an_outbox,
        _not_parked, _a_poll_not_told,
    ],
)  # fmt: skip
def test_a_loss_is_found(spoil: Callable[[Evidence], Evidence]) -> None:
    assert "lost" in kinds(judge(PLAN, spoil(ideal())))


def _told_twice(evidence: Evidence) -> Evidence:
    first = evidence.mails[0]
    cut = evidence.cuts[first.message_id[1:].partition("@")[0]]
    again = mail(first.recipient, "digest-again", first.pmids[:1])
    event = Announced("e-again", "digest.delivered", "digest-again", pmids=again.pmids)
    return replace(
        evidence,
        mails=[*evidence.mails, again],
        cuts={**evidence.cuts, "digest-again": cut},
        archive=[*evidence.archive, event],
    )


def _in_the_ledger_twice(evidence: Evidence) -> Evidence:
    return replace(evidence, ledger=[*evidence.ledger, evidence.ledger[0]])


def _the_same_mail_twice(evidence: Evidence) -> Evidence:
    return replace(evidence, mails=[*evidence.mails, evidence.mails[0]])


def _labelled_twice(evidence: Evidence) -> Evidence:
    one = next(e for e in evidence.archive if e.key == "article.classified")
    again = replace(one, id="c-again")
    return replace(
        evidence,
        archive=[*evidence.archive, again],
        noticed={**evidence.noticed, "c-again": START},
    )


@pytest.mark.parametrize(
    "spoil",
    [_told_twice, _in_the_ledger_twice, _the_same_mail_twice, _labelled_twice],
)
def test_a_second_effect_is_found(spoil: Callable[[Evidence], Evidence]) -> None:
    assert "duplicated" in kinds(judge(PLAN, spoil(ideal())))


def test_a_mail_that_came_twice_for_want_of_an_answer_is_counted_and_no_fault() -> None:
    evidence = ideal()
    first = evidence.mails[0]
    digest = first.message_id[1:].partition("@")[0]
    unsure = replace(evidence.cuts[digest], attempts=2, maybe_sent=True)
    came_twice = replace(
        evidence, mails=[*evidence.mails, first], cuts={**evidence.cuts, digest: unsure}
    )

    verdict = judge(PLAN, came_twice)

    assert verdict.findings == ()
    assert verdict.ambiguous == 1


def test_what_was_given_up_without_an_answer_is_counted_and_no_loss() -> None:
    evidence = ideal()
    first = evidence.mails[0]
    digest = first.message_id[1:].partition("@")[0]
    failed = replace(evidence.cuts[digest], state="failed", attempts=10, maybe_sent=True)
    never_sent = replace(
        evidence,
        mails=evidence.mails[1:],
        cuts={**evidence.cuts, digest: failed},
        archive=[event for event in evidence.archive if event.subject != digest],
    )

    verdict = judge(PLAN, never_sent)

    assert verdict.findings == ()
    assert verdict.given_up == len(first.pmids)
    certain = {**never_sent.cuts, digest: replace(failed, maybe_sent=False)}
    assert "lost" in kinds(judge(PLAN, replace(never_sent, cuts=certain)))


def test_an_event_that_was_carried_twice_is_no_second_effect() -> None:
    evidence = ideal()

    assert judge(PLAN, replace(evidence, archive=[*evidence.archive, *evidence.archive])).is_good


def _a_stray_mail(evidence: Evidence) -> Evidence:
    return replace(evidence, mails=[*evidence.mails, mail("person0000@example.org", "nobodys", ())])


def _to_somebody_else(evidence: Evidence) -> Evidence:
    first = replace(evidence.mails[0], recipient="other@example.org")
    return replace(evidence, mails=[first, *evidence.mails[1:]])


def _sent_to(reader_id: str, evidence: Evidence) -> Evidence:
    reader = next(one for one in PLAN.readers if one.id == reader_id)
    event = Announced("e-x", "digest.delivered", "digest-x")
    return replace(
        evidence,
        mails=[*evidence.mails, mail(reader.address, "digest-x", ())],
        cuts={**evidence.cuts, "digest-x": Cut(reader_id, "sent")},
        archive=[*evidence.archive, event],
    )


def _to_the_unconfirmed(evidence: Evidence) -> Evidence:
    return _sent_to(next(one.id for one in PLAN.readers if not one.is_confirmed), evidence)


def _to_the_suppressed(evidence: Evidence) -> Evidence:
    return _sent_to(next(one.id for one in PLAN.readers if one.is_suppressed), evidence)


def _to_who_left(evidence: Evidence) -> Evidence:
    left = next(one.id for one in PLAN.readers if one.leaves is not None)
    return replace(_sent_to(left, evidence), left={left: 1_500.0})


def _telling_of(status: str, evidence: Evidence) -> Evidence:
    """Somebody is told, after it was known, of a paper that has this status in the end."""
    for address, readers in people(PLAN.readers).items():
        for paper in PLAN.library.papers.values():
            if paper.status == status and may_be_told(readers, paper, evidence.labelled):
                reader = next(one for one in readers if one.stays and one.topic in paper.relations)
                one = _sent_to(reader.id, evidence)
                assert one.mails[-1].recipient == address
                return replace(
                    one,
                    mails=[*one.mails[:-1], replace(one.mails[-1], pmids=(paper.pmid,))],
                    ledger=[*one.ledger, Row(reader.id, paper.pmid, "article", "digest-x", True)],
                )
    raise AssertionError("the plan has no such paper")


def _retracted_as_news(evidence: Evidence) -> Evidence:
    return _telling_of("retracted", evidence)


def _not_asked_for(evidence: Evidence) -> Evidence:
    noise = next(p.pmid for p in PLAN.library.papers.values() if not p.relations)
    first = evidence.mails[0]
    reader = evidence.cuts[first.message_id[1:].partition("@")[0]].subscription
    digest = first.message_id[1:].partition("@")[0]
    more = replace(first, pmids=(*first.pmids, noise))
    row = Row(reader, noise, "article", digest, True)
    return replace(evidence, mails=[more, *evidence.mails[1:]], ledger=[*evidence.ledger, row])


def _notice_to_who_was_not_sent_it(evidence: Evidence) -> Evidence:
    gone = next(p.pmid for p in PLAN.library.papers.values() if p.status == "retracted")
    first = replace(evidence.mails[0], notices=(gone,))
    return replace(evidence, mails=[first, *evidence.mails[1:]])


@pytest.mark.parametrize(
    "spoil",
    [
        _a_stray_mail, _to_somebody_else, _to_the_unconfirmed, _to_the_suppressed, _to_who_left,
        _retracted_as_news, _not_asked_for, _notice_to_who_was_not_sent_it,
    ],
)  # fmt: skip
def test_what_must_never_be_sent_is_found(spoil: Callable[[Evidence], Evidence]) -> None:
    assert "forbidden" in kinds(judge(PLAN, spoil(ideal())))


def test_who_was_sent_a_paper_before_its_retraction_must_have_a_notice() -> None:
    sent = _telling_of("retracted", ideal())
    pmid = sent.mails[-1].pmids[0]
    later = {name: CUT_AT + timedelta(days=9) for name in sent.noticed if str(pmid) in name}
    sent = replace(sent, noticed={**sent.noticed, **later})
    noticed = replace(sent.mails[-1], notices=(pmid,))

    assert kinds(judge(PLAN, sent)) == {"lost"}
    assert judge(PLAN, replace(sent, mails=[*sent.mails[:-1], noticed])).is_good
    again = replace(_told_twice(sent).mails[-1], pmids=(), notices=(pmid,))
    assert "duplicated" in kinds(judge(PLAN, _and_mail(again, noticed, sent)))


def _and_mail(again: Received, noticed: Received, evidence: Evidence) -> Evidence:
    more = _told_twice(evidence)
    address = noticed.recipient
    reader = more.cuts["digest-x"].subscription
    return replace(
        more,
        mails=[*evidence.mails[:-1], noticed, replace(again, recipient=address)],
        cuts={**more.cuts, "digest-again": Cut(reader, "sent")},
        archive=[*evidence.archive, Announced("e-again", "digest.delivered", "digest-again")],
    )


def _a_stranger(evidence: Evidence) -> Evidence:
    key = Key(next(iter(PLAN.library.seeds)), 1)
    return replace(evidence, projected={**evidence.projected, key: Projected(1, "published")})


def _parked_by_itself(evidence: Evidence) -> Evidence:
    return replace(
        evidence, parked=[*evidence.parked, Parked("classifier.parked", "good-1", HEADERS)]
    )


def _a_bug(evidence: Evidence) -> Evidence:
    return replace(evidence, bugs=["step_failed"])


def _parked_without(header: str, evidence: Evidence) -> Evidence:
    less = {name: value for name, value in HEADERS.items() if name != header}
    return replace(evidence, parked=(Parked("notifier.parked", "bad-1", less),))


@pytest.mark.parametrize(
    "spoil",
    [
        _a_stranger,
        _parked_by_itself,
        _a_bug,
        *(lambda evidence, name=name: _parked_without(name, evidence) for name in HEADERS),
    ],
)
def test_what_nobody_can_account_for_is_found(spoil: Callable[[Evidence], Evidence]) -> None:
    assert "unaccounted" in kinds(judge(PLAN, spoil(ideal())))


def test_the_same_seed_plays_the_same_world() -> None:
    again = Plan(
        **{name: getattr(PLAN, name) for name in ("seed", "articles", "subscriptions", "faults")}
    )

    assert again.library.papers == PLAN.library.papers
    assert again.readers == PLAN.readers
    assert Plan(4, 200, 20, 0).library.papers != PLAN.library.papers


def test_an_end_by_sigterm_is_as_promised_where_nothing_had_begun() -> None:
    loading = Exit("notifier-1", signal.SIGTERM, -signal.SIGTERM, 0.1, has_begun=False)

    assert loading.is_as_promised
    assert not replace(loading, has_begun=True).is_as_promised
    assert Exit("notifier-1", signal.SIGTERM, 0, 3.0).is_as_promised
    assert not Exit("notifier-1", 0, 1, 0.0, has_begun=False).is_as_promised


def _unfound(topic: str, pmid: int, *polls: Announced) -> Evidence:
    """All but one deleted paper, which no service has ever heard of."""
    evidence, gone = ideal(), Key(topic, pmid)
    return replace(
        evidence,
        kept={k: v for k, v in evidence.kept.items() if k != gone},
        labelled={k: v for k, v in evidence.labelled.items() if k != gone},
        projected={k: v for k, v in evidence.projected.items() if k != gone},
        archive=[
            *(e for e in evidence.archive if (e.topic, e.subject) != (topic, str(pmid))),
            *polls,
        ],
        polls=evidence.polls | {poll.poll for poll in polls},
        known_polls=evidence.known_polls | {poll.poll for poll in polls},
    )


def test_what_pubmed_deleted_before_it_was_asked_is_counted_and_not_lost() -> None:
    paper = next(
        p for p in PLAN.library.papers.values() if p.gone_day and 0 < p.gone_day - p.day <= 2
    )
    (topic, *_) = paper.relations

    def poll(day: float) -> Announced:
        at = START + timedelta(days=day)
        return Announced(f"p{day}", "poll.completed", "", topic, poll=f"poll{day}", started=at)

    between = poll(paper.day - 0.3), poll(paper.gone_day or 0)
    good = judge(PLAN, _unfound(topic, paper.pmid, *between))
    assert (good.findings, good.unseen) == ((), 1)

    asked = judge(PLAN, _unfound(topic, paper.pmid, *between, poll(paper.day + 0.3)))
    assert (kinds(asked), asked.unseen) == ({"lost"}, 0)


def test_what_stood_for_longer_is_lost_though_nobody_asked() -> None:
    paper = next(p for p in PLAN.library.papers.values() if p.gone_day and p.gone_day - p.day > 2)
    (topic, *_) = paper.relations

    verdict = judge(PLAN, _unfound(topic, paper.pmid))

    assert (kinds(verdict), verdict.unseen) == ({"lost"}, 0)
