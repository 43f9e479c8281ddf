"""A digest as a program reads it: JSON in the envelope that Standard Webhooks recommends.

`docs/channels.md` describes the shape. Readers ignore fields that they do not know: adding one is
free, anything else is a new `type` beside the old one.
"""

import json
from collections.abc import Iterable
from typing import Any

from services.notifier.digest import Coverage, Digest, Group, Item, Notice
from services.notifier.render import coverage, words
from services.notifier.render.links import NO_PAGES, Links
from services.notifier.subject import subject
from services.notifier.ties import Tie

TYPE = "carillon.digest.v1"
REPLAY = "carillon.replay.v1"
"""A program that knows nothing of replays must not take one for news."""


def payload(digest: Digest, links: Links = NO_PAGES) -> bytes:
    """The body of the one message of a digest, the same bytes each time; UTF-8."""
    kind = REPLAY if digest.kind == "replay" else TYPE
    told = {"type": kind, "timestamp": digest.created_at.isoformat(), "data": _data(digest, links)}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()


def _data(digest: Digest, links: Links) -> dict[str, Any]:
    return {
        "digest_id": digest.id,
        "subscription_id": digest.subscription_id,
        "topic": {"id": digest.topic, "title": digest.topic_title, "seed_pmid": digest.seed},
        "subject": subject(digest),
        "period": {"from": digest.period_from.isoformat(), "to": digest.period_to.isoformat()},
        "new": digest.total,
        "waiting": digest.waiting,
        "notices": [_notice(one) for one in digest.notices],
        "articles": [*_news(digest.groups), *_unclear(digest), *_listed(digest.beyond)],
        "background": [_article(one, "background") for one in digest.all_background],
        "withheld": {
            "retracted": digest.withheld_retracted,
            "deleted": digest.withheld_deleted,
        },
        "coverage": _coverage(digest),
        "links": {"permalink": links.permalink, "manage": links.manage, "leave": links.leave},
    }


def _news(groups: Iterable[Group]) -> list[dict[str, Any]]:
    return [_article(item, group.modality) for group in groups for item in group.items]


def _unclear(digest: Digest) -> list[dict[str, Any]]:
    return [_article(item, "unclear") for item in digest.other]


def _listed(items: Iterable[Item]) -> list[dict[str, Any]]:
    return [_article(item, "more") for item in items]


def _article(item: Item, section: str) -> dict[str, Any]:
    return {
        "pmid": item.pmid,
        "section": section,
        "title": item.title,
        "authors": item.authors_line,
        "journal": item.journal_line,
        "doi": item.doi,
        "pmcid": item.pmcid,
        "trial_ids": list(item.trial_ids),
        "status": item.status.value,
        "is_preprint": item.is_preprint,
        "scope": item.scope,
        "labels": [{"facet": one.facet, "id": one.id, "name": one.name} for one in item.labels],
        "why": item.why,
        "relatedness": item.relatedness,
        "evidence": _evidence(item),
        "versions": [_tie(tie) for tie in item.ties],
        "links": [{"text": link.text, "url": link.url} for link in words.links(item)],
        "demo_note": item.is_demo_note,
    }


def _tie(tie: Tie) -> dict[str, Any]:
    return {"kind": tie.kind, "pmid": tie.pmid, "status": tie.status.value}


def _evidence(item: Item) -> dict[str, Any] | None:
    if item.evidence is None:
        return None
    quote = item.evidence
    marked = [[start, end] for start, end in quote.spans]
    return {"sentence": quote.sentence, "marked": marked, "place": quote.place}


def _notice(notice: Notice) -> dict[str, Any]:
    paper = words.notice_paper(notice)
    return {
        "pmid": notice.pmid,
        "kind": notice.kind,
        "title": notice.title,
        "notice_pmid": notice.notice_pmid,
        "notice_source": notice.notice_source,
        "sent_on": notice.sent_on.isoformat(),
        "url": paper.url or None,
    }


def _coverage(digest: Digest) -> dict[str, Any]:
    checked: Coverage = digest.coverage
    return {
        "is_sound": checked.is_sound,
        "warnings": list(coverage.banner(digest)),
        "lines": list(coverage.lines(digest)),
        "polls": checked.polls,
        "counted": checked.counted,
        "stored": checked.stored,
        "in_processing": checked.in_processing,
    }
