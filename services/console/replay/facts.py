"""What of an event filters can ask for."""

from dataclasses import dataclass

from shared.events import Classified, DigestSent, Discovery, Event, Poll


@dataclass(frozen=True)
class Facts:
    """What of an event filters can ask for."""

    topics: frozenset[str]
    pmids: frozenset[int] = frozenset()
    labels: frozenset[str] = frozenset()
    statuses: frozenset[str] = frozenset()
    relations: frozenset[str] = frozenset()


def facts_of(event: Event) -> Facts:
    """The facts of an event."""
    # An event that is about neither topic nor article (an audit of the console's) has no facts.
    data: object = event.data
    if isinstance(data, Discovery):
        labels = data.classification.labels if isinstance(data, Classified) else ()
        return Facts(
            frozenset({data.topic}),
            frozenset({data.article.pmid}),
            frozenset(label.id for label in labels),
            frozenset({str(data.article.status)}),
            frozenset(reason.relation for reason in data.reasons),
        )
    if isinstance(data, DigestSent):
        return Facts(frozenset({data.topic}), frozenset({*data.pmids, *data.notices}))
    if isinstance(data, Poll):
        asked = frozenset(leg.relation for leg in data.legs)
        return Facts(frozenset({data.topic}), relations=asked)
    return Facts(frozenset())
