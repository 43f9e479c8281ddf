"""Which entries a selection means, and how one is typed."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from services.console.archive.recorded import Recorded, envelop
from services.console.replay.selection import Asked, Selection, parse_selection, select
from shared.errors import ConfigurationError
from shared.events import CloudEvent, Reason
from tests.builders import (
    NOON,
    an_article,
    classified,
    digest_delivered,
    discovered,
    poll_completed,
    revised,
)

NEVER = envelop(9, b"not an event", published_at=NOON)


def entry(event: CloudEvent, position: int = 1, hours: float = 0) -> Recorded:
    return envelop(position, event.encode(), published_at=NOON + timedelta(hours=hours))


FIRST = entry(discovered(), 1)
CITED = entry(
    revised(reasons=(Reason(relation="cited-by"),), article=an_article(status="retracted")), 2, 1
)
LABELLED = entry(classified(topic="other", article=an_article(pmid=2)), 3, 2)
DIGEST = entry(digest_delivered(notices=(7,)), 4, 3)
POLL = entry(poll_completed(), 5, 4)
ALL = (FIRST, CITED, LABELLED, DIGEST, POLL)


def asked(**options: object) -> Selection:
    return parse_selection(Asked(**options), NOON + timedelta(hours=5))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("selection", "meant"),
    [
        (asked(), [1, 2, 3, 4, 5]),
        (asked(since="4h"), [2, 3, 4, 5]),
        (asked(since="2026-09-07T13:00Z", until="2026-09-07T16:00+02:00"), [2]),
        (asked(until="2026-09-07"), []),
        (asked(types=["article.discovered,poll.completed"]), [1, 5]),
        (asked(types=["carillon.article.revised.v1"]), [2]),
        (asked(pmids=["40000001"]), [1, 2, 4]),
        (asked(pmids=["2", "7"]), [3, 4]),
        (asked(labels=["cd19-car-t"]), [3]),
        (asked(labels=["other"]), []),
        (asked(statuses=["retracted"]), [2]),
        (asked(relations=["cited-by"]), [2]),
        (asked(relations=["query"]), [1, 3, 5]),
        (asked(topics=["other"]), [3]),
        (asked(topics=["car-autoimmune"], pmids=["2"]), []),
    ],
)
def test_an_entry_is_meant_when_it_has_all_that_is_asked(
    selection: Selection, meant: list[int]
) -> None:
    assert [one.position for one in ALL if selection.wants(one)] == meant


def _marked(replay_id: str) -> Recorded:
    body = json.loads(discovered().encode()) | {"replayid": replay_id, "replayhop": 1}
    return envelop(8, json.dumps(body).encode(), published_at=NOON)


def test_what_a_replay_marked_is_meant_only_by_its_id() -> None:
    assert not asked().wants(_marked("r1"))
    assert asked(replay_id="r1").wants(_marked("r1"))
    assert not asked(replay_id="r1").wants(_marked("r2"))
    assert not asked(replay_id="r1").wants(FIRST)


def test_what_cannot_be_read_is_not_dropped_by_a_filter_that_cannot_be_told() -> None:
    assert asked(pmids=["1"]).wants(NEVER)
    assert asked(types=["poll.completed"]).wants(NEVER)
    assert not asked(since="1h").wants(NEVER)


class Growing:
    """An archive that is longer at each reading, as a live one is."""

    def __init__(self) -> None:
        self.readings = 0

    async def __call__(self) -> AsyncIterator[Recorded]:
        self.readings += 1
        for one in ALL:
            yield one
        for more in range(self.readings - 1):
            yield entry(discovered(revision=9), 6 + more, 5)


@pytest.mark.parametrize(
    ("selection", "meant"),
    [
        (asked(), [1, 2, 3, 4, 5]),
        (asked(last=2), [4, 5]),
        (asked(last=2, types=["article.discovered", "article.revised"]), [1, 2]),
        (asked(last=99), [1, 2, 3, 4, 5]),
        (asked(last=1, topics=["nowhere"]), []),
    ],
)
async def test_the_last_are_those_of_the_first_reading(
    selection: Selection, meant: list[int]
) -> None:
    found = [one.position async for one in select(Growing(), selection)]
    assert found == meant


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"since": "yesterday"}, r"--since: 'yesterday' is no time; write 90d"),
        ({"until": "999999w"}, "--until: '999999w' is no time"),
        ({"since": "1h", "until": "2h"}, "--since 1h is not before --until 2h"),
        ({"last": 0}, "--last: at least 1"),
        ({"types": ["article.found"]}, "--type: there is no 'article.found'; it may be article"),
        ({"pmids": ["PMC1"]}, "--pmid: 'PMC1' is no PMID"),
        ({"pmids": ["\u0661"]}, "is no PMID"),
        ({"statuses": ["gone"]}, "--status: there is no 'gone'; it may be corrected"),
        ({"relations": ["cites"]}, "--relation: there is no 'cites'"),
    ],
)
def test_what_is_typed_wrongly_is_named_with_what_it_may_be(
    options: dict[str, object], says: str
) -> None:
    with pytest.raises(ConfigurationError, match=says):
        asked(**options)


def test_times_are_relative_or_in_utc() -> None:
    assert asked(since="2w").since == NOON + timedelta(hours=5) - timedelta(weeks=2)
    assert asked(since="2026-09-07T05:00").since == datetime(2026, 9, 7, 5, tzinfo=UTC)


def test_a_selection_says_what_it_is() -> None:
    assert str(asked()) == "everything"
    assert str(asked(pmids=["2,1"], last=3)) == "pmid 1,2; last 3"
