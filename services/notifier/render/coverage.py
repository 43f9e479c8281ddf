"""What a digest says about itself: what was checked, how well, and whose words it quotes."""

from datetime import datetime

from services.notifier.digest import Coverage, Digest
from services.notifier.item import clean
from services.notifier.render.words import counted, local


def banner(digest: Digest) -> str:
    """What to say first when the source was not well; empty when it was."""
    if digest.coverage.healthy:
        return ""
    since = digest.coverage.unhealthy_since
    when = f" since {local(digest, since):%Y-%m-%d %H:%M} ({digest.time_zone})" if since else ""
    return (
        f"Source unhealthy{when}. This digest may be incomplete; "
        "what is missing comes with a later one."
    )


def demo_note(digest: Digest) -> str:
    """Says whose words the summaries are, when there are demo records."""
    demo = sum(item.is_demo_note is not None for item in digest.items)
    if not demo:
        return ""
    everything = len(digest.items)
    which = "all articles" if demo == everything else f"{demo} of {everything} articles"
    whose = "summaries in Carillon's own words, not the authors' abstracts"
    return f"Demo records ({which}): {whose}."


def lines(digest: Digest) -> tuple[str, ...]:
    """What was checked, so that silence is not mistaken for nothing new."""
    coverage = digest.coverage
    lines = [_checked(digest), *(clean(leg) for leg in coverage.legs)]
    if coverage.in_processing:
        waiting = counted(coverage.in_processing, "article")
        lines.append(f"{waiting} found and not classified yet: expected in the next digest.")
    if digest.waiting:
        lines.append(f"Left for the next digest: {counted(digest.waiting, 'more article')}.")
    if digest.withheld_retracted:
        held = counted(digest.withheld_retracted, "retracted or withdrawn paper")
        lines.append(f"{held} left out.")
    return tuple(lines)


def _checked(digest: Digest) -> str:
    coverage = digest.coverage
    if not coverage.polls or coverage.checked_from is None or coverage.checked_to is None:
        return (
            f"No poll ended between {_span(digest, digest.period_from, digest.period_to, 'and')}."
        )
    days = _span(digest, coverage.checked_from, coverage.checked_to, "to")
    return f"Checked {days}: {counted(coverage.polls, 'poll')}, {_numbers(coverage)}."


def _span(digest: Digest, start: datetime, end: datetime, word: str) -> str:
    return f"{local(digest, start):%Y-%m-%d} {word} {local(digest, end):%Y-%m-%d}"


def _numbers(coverage: Coverage) -> str:
    told = f"PubMed counted {coverage.counted}, we hold {coverage.stored}"
    missing = coverage.counted - coverage.stored
    return f"{told}: {missing} still to come" if missing > 0 else told
