"""A comparison over a deployment's archive: RabbitMQ's stream."""

import pytest

from services.console.archive.stream import Stream
from services.console.diff.run import Asked, run
from services.console.diff.sides import by_rules
from services.console.diff.spool import open_spool
from services.console.replay.selection import Selection
from shared.broker import declare_topology
from tests.integration.test_archive_stream import publish
from tests.parts import Rabbit
from tests.unit.console.diff.past import SHIPPED, a_past, at, without

pytestmark = [pytest.mark.connected, pytest.mark.timeout(180)]


async def test_the_stream_of_a_deployment_is_compared(amqp_url: str, rabbit: Rabbit) -> None:
    await declare_topology(amqp_url)
    await publish(amqp_url, [*(entry.body for entry in a_past()), b"no event"])
    read = Stream(amqp_url, rabbit.stream_port).read
    told = []
    for taxonomy, since in ((SHIPPED, None), (without("pemphigus"), None), (SHIPPED, at(99))):
        with open_spool() as spool:
            asked = Asked(Selection(since=since), None, by_rules(taxonomy), lambda _: ())
            found = await run(read, asked, spool)
            told.append((found.tally.compared, [one.pmid for one in found.articles()]))
            assert len(found.tally.faults) == (0 if since else 1)

    assert told == [(7, []), (7, [50000001, 50000006]), (0, [])]
