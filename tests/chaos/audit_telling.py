"""Rules on what readers were told: each paper once, what became of it, and nobody unasked."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from tests.chaos.case import Case, Finding, Told
from tests.chaos.evidence import Key
from tests.chaos.expect import is_worth_a_notice, may_be_told, must_be_told
from tests.chaos.papers import Paper
from tests.chaos.readers import Reader

IN_FLIGHT = 60.0
"""Seconds that a mail may have been on its way when its reader left or its paper was retracted."""


def _each_paper_once(case: Case) -> Iterator[Finding]:
    """Who must be told of a paper was, nobody twice, and nobody of what they did not ask for."""
    labels = case.evidence.labelled
    for address, readers in case.people.items():
        times = case.times.get(address, Counter())
        for paper in case.papers.values():
            count = times.get(paper.pmid, 0)
            where = f"{readers[0].id} and paper {paper.pmid}"
            if count > 1:
                yield Finding("duplicated", f"{where}: told {count} times", paper.pmid)
            if count and not may_be_told(readers, paper, labels):
                yield Finding("forbidden", f"{where}: told, and never asked for", paper.pmid)
            if count or _folded(paper, times) or (address, paper.pmid) in case.given_up:
                continue
            if must_be_told(readers, paper, labels):
                yield Finding("lost", f"{where}: never told", paper.pmid)
        for pmid in times.keys() - case.papers.keys():
            yield Finding("unaccounted", f"{readers[0].id} was told of {pmid}, no such paper")


def _folded(paper: Paper, times: Counter[int]) -> bool:
    """Whether a preprint is told by its journal version."""
    return paper.journal_version is not None and times.get(paper.journal_version, 0) > 0


def _addressed(case: Case) -> Iterator[Finding]:
    """Every mail is a digest on record, and goes to who subscribed to it and may be written to."""
    for digest, mails in case.copies.items():
        cut = case.evidence.cuts.get(digest)
        reader = case.readers.get(cut.subscription) if cut else None
        if reader is None:
            yield Finding("forbidden", f"a stray mail, of no digest on record: {digest}")
            continue
        if any(mail.recipient.lower() != reader.address for mail in mails):
            yield Finding("forbidden", f"digest {digest} of {reader.id} went to somebody else")
        if not reader.is_written_to:
            yield Finding("forbidden", f"{reader.id} was sent {digest}, and never asked for mail")
        left = case.evidence.left.get(reader.id)
        if left is not None and any(mail.at > left + IN_FLIGHT for mail in mails):
            yield Finding("forbidden", f"{reader.id} was sent {digest} after leaving")


def _paused(case: Case) -> Iterator[Finding]:
    """Nothing that was cut in a pause, but that a paper does not stand any more."""
    for told in (one for found in case.told.values() for one in found):
        if told.reader.paused is None or not told.pmids:
            continue
        first, last = told.reader.paused
        if first < case.day_of(told.cut_at) < last:
            yield Finding("forbidden", f"{told.reader.id} was sent {told.digest} in its pause")


def _came_twice(case: Case) -> Iterator[Finding]:
    """A mail comes twice only in the one ambiguous case: its first answer never came.

    The notifier must have known that it could not know (`maybe_sent`), and tried as often.
    """
    repeated = {digest: mails for digest, mails in case.copies.items() if len(mails) > 1}
    for digest, mails in repeated.items():
        cut = case.evidence.cuts.get(digest)
        if cut and not (cut.maybe_sent and cut.attempts >= len(mails)):
            says = f"digest {digest} came {len(mails)} times, and no attempt was without answer"
            yield Finding("duplicated", says)


def _on_record(case: Case) -> Iterator[Finding]:
    """Ledger, archive and mailbox say the same."""
    evidence = case.evidence
    for digest, cut in evidence.cuts.items():
        if cut.state == "intent":
            yield Finding("lost", f"digest {digest} of {cut.subscription} still waits to be sent")
        if cut.state == "sent" and digest not in case.copies:
            yield Finding("lost", f"digest {digest} is recorded as sent, and no mail came")
        if (cut.state == "sent") is not (digest in case.delivered):
            yield Finding("lost", f"digest {digest} is {cut.state}; the archive says otherwise")
    for row in evidence.ledger:
        if row.kind == "article" and not evidence.cuts[row.digest].maybe_sent:
            told = case.times.get(case.readers[row.subscription].address, Counter())
            if not told.get(row.pmid):
                says = f"the ledger says that {row.subscription} was told of {row.pmid}"
                yield Finding("lost", f"{says}, and no mail did", row.pmid)


def _in_the_ledger(case: Case) -> Iterator[Finding]:
    """What was told is in the ledger of the person, once."""
    rows = (row for row in case.evidence.ledger if row.kind == "article")
    kept = Counter((case.readers[row.subscription].address, row.pmid) for row in rows)
    for (address, pmid), count in kept.items():
        if count > 1:
            says = f"the ledger of {case.people[address][0].id} has {pmid} {count} times"
            yield Finding("duplicated", says, pmid)
    for address, times in case.times.items():
        for pmid in times:
            if (address, pmid) not in kept:
                says = f"{case.people[address][0].id} was told of {pmid}; the ledger has it not"
                yield Finding("unaccounted", says, pmid)


def _never_news_when_gone(case: Case) -> Iterator[Finding]:
    """What does not stand any more is in no mail that left after that was known."""
    for told in (one for found in case.told.values() for one in found):
        left_at = case.simulated(told.first_at - IN_FLIGHT)
        for pmid in told.pmids:
            paper = case.papers.get(pmid)
            known = case.status_known.get(Key(told.reader.topic, pmid))
            if paper is None or not paper.is_gone or known is None:
                continue
            if told.cut_at > known or (left_at and left_at > known):
                says = f"{told.reader.id} was told of {pmid} as news, {paper.status} since {known}"
                yield Finding("forbidden", says, pmid)


def _notices(case: Case) -> Iterator[Finding]:
    """What became of a paper is told once, to exactly those who were sent it before."""
    worth = [paper for paper in case.papers.values() if is_worth_a_notice(paper)]
    for address, readers in case.people.items():
        found = case.told.get(address, [])
        noticed = Counter(pmid for one in found for pmid in one.notices)
        for paper in worth:
            yield from _notice(case, readers, found, paper, noticed.pop(paper.pmid, 0))
        for pmid in noticed:
            yield Finding("forbidden", f"{readers[0].id} has a notice about {pmid}: why?", pmid)


def _notice(
    case: Case, readers: Sequence[Reader], found: Sequence[Told], paper: Paper, count: int
) -> Iterator[Finding]:
    where = f"{readers[0].id} and paper {paper.pmid}, {paper.status}"
    first = min((one for one in found if paper.pmid in one.pmids), key=_cut_at, default=None)
    if count > 1:
        yield Finding("duplicated", f"{where}: {count} notices", paper.pmid)
    if first is None:
        if count and not _may_have_come(case, readers, paper.pmid):
            yield Finding("forbidden", f"{where}: a notice, and never sent it", paper.pmid)
        return
    known = case.status_known.get(Key(first.reader.topic, paper.pmid))
    if known is None:
        return  # that the notifier never heard of it is found by another rule
    stays = any(one.stays for one in readers)
    if not count and stays and first.cut_at < known:
        yield Finding("lost", f"{where}: sent it, and never told", paper.pmid)
    if count and first.cut_at > known:
        yield Finding("forbidden", f"{where}: a notice, and it was sent as such", paper.pmid)


def _cut_at(told: Told) -> float:
    return told.cut_at.timestamp()


def _may_have_come(case: Case, readers: Sequence[Reader], pmid: int) -> bool:
    """Whether an attempt without answer may have brought the paper, as far as the ledger knows."""
    own = {one.id for one in readers}
    return any(
        row.subscription in own and row.pmid == pmid and case.evidence.cuts[row.digest].maybe_sent
        for row in case.evidence.ledger
        if row.kind == "article"
    )


RULES: tuple[Callable[[Case], Iterator[Finding]], ...] = (
    _each_paper_once,
    _addressed,
    _paused,
    _came_twice,
    _on_record,
    _in_the_ledger,
    _never_news_when_gone,
    _notices,
)
