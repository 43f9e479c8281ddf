"""A comparison in words, the same on the screen and on the page."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from services.console.diff.compare import ArticleDifference, Given, LabelChange
from services.console.diff.digests import DigestDifference, Place, Shift
from services.console.diff.run import Tally

SUBSCRIBERS_UNKNOWN = (
    "No subscriptions are at hand, so digests were not compared: give --subscriptions FILE, "
    "or run it where the notifier's store is."
)
UNCLASSIFIED = "nothing is on record for it: it still waits, or is parked (carillon parked)"


@dataclass(frozen=True)
class Names:
    """What is compared, in words: the two sides, the archive, and what was selected of it."""

    old: str
    new: str
    archive: str
    selection: str


def headline(tally: Tally) -> str:
    """How many were compared, and how many differ."""
    compared = f"{_number(tally.compared, 'article')} compared"
    if not tally.differing:
        return f"{compared}, and none differs."
    return f"{compared}: {tally.differing} differ ({kinds(tally.kinds)})."


def kinds(found: Mapping[str, int]) -> str:
    """As "labels 9, scope 3": the most frequent first."""
    ordered = sorted(found.items(), key=lambda one: (-one[1], one[0]))
    return ", ".join(f"{_KINDS.get(name, name)} {number}" for name, number in ordered)


_KINDS = {"unclassified": "without a record", "failed": "not classified"}


def remarks(tally: Tally) -> Iterator[str]:
    """What is no difference, and should be known."""
    if tally.reworded:
        yield (
            f"{tally.reworded} more have the same labels for other reasons, or are a little more "
            "or less sure: that is no difference."
        )
    if tally.adopted:
        yield (
            f"{tally.adopted} of them by their classification: the archive has no discovery of "
            "theirs any more."
        )
    if tally.opinions:
        yield (
            f"{tally.opinions} were recorded with a second opinion, which is not asked again: "
            "the rules alone are compared with it."
        )


def faults(tally: Tally) -> Iterator[str]:
    """The entries of the archive that cannot be read."""
    for one in tally.faults:
        name = one.event_id or "no id"
        yield f"Entry {one.position} of the archive ({name}) cannot be read: {one.reason}"


def readers(tally: Tally) -> str:
    """Whose digests would differ."""
    if not tally.subscriptions:
        return SUBSCRIBERS_UNKNOWN
    if not tally.digests:
        return f"No digest of {_number(tally.subscriptions, 'subscription')} would differ."
    return (
        f"{_number(tally.digests, 'digest')} would differ, of {len(tally.readers)} of "
        f"{_number(tally.subscriptions, 'subscription')}."
    )


def changes(found: ArticleDifference) -> list[str]:
    """What differs on an article, a line each."""
    if found.kind == "unclassified" or found.before is None:
        return [UNCLASSIFIED]
    if found.kind == "failed":
        sides = (("before", found.before.fault), ("now", found.after.fault))
        return [f"could not be classified {side}: {fault}" for side, fault in sides if fault]
    return list(_changes(found))


def _changes(found: ArticleDifference) -> Iterator[str]:
    old, new = found.before, found.after
    if old is None:
        return
    if old.scope != new.scope:
        yield f"scope {new.scope}, was {old.scope}"
    yield from map(label_change, found.labels)
    if old.section != new.section:
        yield f"stands under “{new.section[1]}”, was “{old.section[1]}”"
    if old.trials != new.trials:
        gone, come = set(old.trials) - set(new.trials), set(new.trials) - set(old.trials)
        yield from (f"loses trial {one}" for one in sorted(gone))
        yield from (f"gains trial {one}" for one in sorted(come))
        if not (gone or come):
            yield "has its trials in another order"


def label_change(one: LabelChange) -> str:
    """As "gains disease sle (likely, 0.71)"."""
    name = f"{one.facet} {one.id}"
    if one.before is None:
        return f"gains {name}{_sure(one.after)}"
    if one.after is None:
        return f"loses {name}{_sure(one.before)}"
    if one.kind == "renamed":
        return f"{name} is called “{one.after.name}”, was “{one.before.name}”"
    return f"{name}{_sure(one.after)}, was{_sure(one.before)}"


def _sure(one: Given | None) -> str:
    return f" ({one.sureness}, {one.confidence:.2f})" if one else ""


def digest_line(found: DigestDifference) -> str:
    """How many articles a digest has on either side, where that differs."""
    if found.before == found.after:
        return f"{_number(found.after, 'article')}, as before"
    return f"{_number(found.after, 'article')}, was {found.before}"


def shift(one: Shift) -> str:
    """What becomes of one article in a digest."""
    if one.how == "comes":
        return f"comes under {_place(one.after)}"
    if one.how == "goes":
        return f"is left out, was under {_place(one.before)}"
    if one.how == "moves":
        return f"stands under {_place(one.after)}, was {_place(one.before)}"
    return f"has other labels, under {_place(one.after)}"


def _place(place: Place | None) -> str:
    return f"“{place[1]}”" if place else "nothing"


def _number(number: int, name: str) -> str:
    return f"1 {name}" if number == 1 else f"{number} {name}s"
