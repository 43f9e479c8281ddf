"""The page of `carillon diff` over the demo's articles, with a label that lost its words."""

from services.classifier.evaluation.gold import Example
from services.console.demo_articles import demo_articles
from services.console.diff.page import render
from services.console.diff.run import Asked, run
from services.console.diff.sides import by_rules
from services.console.diff.spool import open_spool
from services.console.diff.words import Names
from services.console.replay.selection import Selection
from services.notifier.subscription import Filters
from tests.builders import a_discovery
from tests.unit.console.diff.past import (
    SHIPPED,
    a_reader,
    at,
    discovery,
    entries,
    reading,
    with_result,
    without,
)


async def compared_page() -> str:
    """As HTML, with digests that differ and labelled examples."""
    articles = demo_articles()
    past = entries(
        event
        for number, article in enumerate(articles)
        for event in with_result(
            discovery(
                a_discovery(article=article, discovered_at=at(number), relatedness=number / 100),
                at(number),
            )
        )
    )
    readers = [
        a_reader("daily-reader"),
        a_reader(
            "pemphigus-weekly",
            cadence="weekly",
            filters=Filters(disease=frozenset({"pemphigus"})),
        ),
    ]
    new = without("pemphigus").model_copy(update={"version": "2026.12"})
    gold = [
        Example(str(one.pmid), one, {"disease": frozenset({"pemphigus"})})
        for one in articles
        if "emphigus" in one.title
    ]
    with open_spool() as spool:
        asked = Asked(Selection(), by_rules(SHIPPED), by_rules(new), lambda _: readers, gold)
        found = await run(reading(past), asked, spool)
        names = Names(
            old=f"taxonomy {SHIPPED.version}, rules-2, as installed",
            new="taxonomy 2026.12 of new.toml, rules-2",
            archive="state/bus.db",
            selection="since 2026-08-31T00:00:00+00:00",
        )
        return "".join(render(names, found))
