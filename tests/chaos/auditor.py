"""The judge: compares what was to happen with what did, and gives a verdict. Pure.

Each rule looks at one promise of docs/guarantees.md and yields what contradicts it. Nothing is
believed because a service says so: what was to be told follows from the world (`expect`), what was
told from the mails that a server accepted.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from tests.chaos.audit_carrying import RULES as CARRYING
from tests.chaos.audit_parking import RULES as PARKING
from tests.chaos.audit_telling import RULES as TELLING
from tests.chaos.case import Case, Finding
from tests.chaos.evidence import Evidence
from tests.chaos.world import Plan

RULES: tuple[Callable[[Case], Iterator[Finding]], ...] = (*CARRYING, *PARKING, *TELLING)


@dataclass(frozen=True)
class Verdict:
    """What was found, and the numbers it stands on."""

    findings: tuple[Finding, ...]
    articles: int
    accounted: int
    deliveries: int
    mails: int
    ambiguous: int
    given_up: int
    parked: int
    unseen: int = 0

    @property
    def is_good(self) -> bool:
        """Whether nothing contradicts what is promised."""
        return not self.findings

    def count(self, kind: Literal["lost", "duplicated", "unaccounted", "forbidden"]) -> int:
        """How many findings of a kind there are."""
        return sum(one.kind == kind for one in self.findings)


def judge(plan: Plan, evidence: Evidence) -> Verdict:
    """Look at everything."""
    case = Case(plan, evidence)
    findings = tuple(finding for rule in RULES for finding in rule(case))
    blamed = {one.pmid for one in findings if one.pmid is not None}
    papers = case.papers
    return Verdict(
        findings=findings,
        articles=len(papers),
        accounted=len(papers.keys() - blamed),
        deliveries=sum(row.kind == "article" and row.is_delivered for row in evidence.ledger),
        mails=len(evidence.mails),
        ambiguous=case.repeats,
        given_up=len(case.given_up),
        parked=len(evidence.parked),
        unseen=len(case.unseen),
    )


def table(verdict: Verdict, more: dict[str, object]) -> str:
    """The verdict in lines, with what else is to be said of the run."""
    lines: dict[str, object] = {
        "articles": verdict.articles,
        "accounted": verdict.accounted,
        "deliveries": verdict.deliveries,
        "mails": verdict.mails,
        "lost": verdict.count("lost"),
        "duplicated effects": verdict.count("duplicated"),
        "unaccounted": verdict.count("unaccounted"),
        "forbidden": verdict.count("forbidden"),
        "ambiguous mails": f"{verdict.ambiguous} came twice, each with the same Message-ID",
        "given up unanswered": f"{verdict.given_up} papers, which count as told",
        "parked": f"{verdict.parked}, all of them planted" if verdict.is_good else verdict.parked,
        "never seen": f"{verdict.unseen} deleted by PubMed between two polls of their topic",
        **more,
        "verdict": "good" if verdict.is_good else "BAD",
    }
    told = [f"{name:22}{value}" for name, value in lines.items()]
    for kind, count in Counter(one.kind for one in verdict.findings).items():
        some = [one.says for one in verdict.findings if one.kind == kind][:20]
        told += [f"{kind.upper()} ({count}):", *(f"  {says}" for says in some)]
    return "\n".join(told)
