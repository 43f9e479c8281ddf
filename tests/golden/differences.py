"""What became of the labels of each article, told for a person."""

from collections.abc import Iterator, Mapping

from tests.golden.kept import Kept


def differences(before: Mapping[int, Kept], after: Mapping[int, Kept]) -> list[str]:
    """Lines for each article whose labels changed, in the order of PMIDs; none when all is same."""
    lines: list[str] = []
    for pmid in sorted({*before, *after}):
        changes = list(_changes(before.get(pmid), after.get(pmid)))
        if changes:
            title = (after.get(pmid) or before[pmid]).title
            lines += [f"{pmid} {title}", *(f"  {change}" for change in changes)]
    return lines


def _changes(before: Kept | None, after: Kept | None) -> Iterator[str]:
    if before is None:
        yield "is new in the catalogue"
    if after is None:
        yield "is no longer in the catalogue"
        return
    before = before or Kept(after.title)
    if before.title != after.title:
        yield f"title was: {before.title}"
    yield from _labels(before.grounds, after.grounds)
    if before.trials != after.trials:
        yield f"trials: - {', '.join(before.trials)}  + {', '.join(after.trials)}"


def _labels(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[str]:
    """Facet by facet what went and what came, then what stayed for other reasons."""
    for facet in dict.fromkeys(label.partition(".")[0] for label in [*before, *after]):
        old = {name: ground for name, ground in before.items() if name.startswith(f"{facet}.")}
        new = {name: ground for name, ground in after.items() if name.startswith(f"{facet}.")}
        yield from (
            f"{facet}: - {_id(name)}  was by {ground}"
            for name, ground in old.items()
            if name not in new
        )
        yield from (
            f"{facet}: + {_id(name)}  because {ground}"
            for name, ground in new.items()
            if name not in old
        )
        yield from (
            f"{facet}: {_id(name)} by {ground}, was by {old[name]}"
            for name, ground in new.items()
            if name in old and old[name] != ground
        )


def _id(label: str) -> str:
    return label.partition(".")[2]
