"""What a poll says to operators: log lines, and alarms once each."""

from collections.abc import Mapping

import structlog

from services.poller.ledger import OpenLeg
from services.poller.legs import leg_key
from shared.events import Leg, Poll

log = structlog.get_logger(__name__)


def report(poll: Poll, open_before: Mapping[str, OpenLeg]) -> None:
    """Log a poll. `open_before` are the legs that were open when it began.

    An alarm is logged when it begins and when it ends; in between the leg is a warning like any
    other that is open.
    """
    for leg in poll.legs:
        _report_leg(poll, leg, open_before.get(leg_key(leg.relation, leg.name)))
    log.info(
        "poll_completed",
        topic=poll.topic,
        poll_id=poll.poll_id,
        healthy=poll.healthy,
        announced=poll.announced,
        new={leg.name or leg.relation: leg.new for leg in poll.legs},
    )


def _report_leg(poll: Poll, leg: Leg, before: OpenLeg | None) -> None:
    said = log.bind(topic=poll.topic, leg=leg_key(leg.relation, leg.name))
    if leg.error:
        event = "leg_open" if leg.state == "open" else "articles_gone"
        said.warning(event, error=leg.error, since=leg.open_since)
    rang = before is not None and before.alarmed_at is not None
    if leg.alarm and not rang:
        said.error("leg_alarm", since=leg.open_since, error=leg.error)
    if rang and not leg.alarm:
        said.info("leg_alarm_ended")
    if leg.previous_translation is not None:
        said.warning(
            "query_translation_changed", before=leg.previous_translation, now=leg.query_translation
        )
    if leg.previous_warnings is not None:
        said.warning("query_warnings_changed", before=leg.previous_warnings, now=leg.warnings)
