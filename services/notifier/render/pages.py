"""A part of a mail put together from its strips: what is in which order, for HTML and text alike.

An article's strips are made once and kept, whoever it goes to; so are headings. What is a
reader's own is the head, the foot, and in each item the address that takes feedback.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple, Protocol

from services.notifier.digest import Digest, Item
from services.notifier.render import words
from services.notifier.render.strips import EMPTY, Strip

HELD = 4096
"""Items whose strips are kept, of each form: about 20 MB."""


class Entry(NamedTuple):
    """An item, to be parted by the address that takes feedback on this digest's items."""

    before: Strip
    after: Strip = EMPTY

    @property
    def size(self) -> int:
        """Octets without that address."""
        return self.before.size + self.after.size


class Form(Protocol):
    """How the pieces look in one form. `close` ends a list of items."""

    close: Strip

    def heading(self, text: str, number: int | None) -> Strip:
        """A section's heading."""

    def note(self, text: str) -> Strip:
        """A remark below a heading."""

    def opening(self) -> Strip:
        """What begins a list of items."""

    def entry(self, item: Item, modality: str, *, has_feedback: bool) -> Entry:
        """An item; `modality` is what its heading says already."""

    def more(self, lead: str, items: tuple[Item, ...], listed: int) -> Strip:
        """Items without room, each by its number only."""

    def elsewhere(self, lead: str, url: str) -> Strip:
        """That there are more of them at an address."""


def sections(
    digest: Digest, form: Form, permalink: str | None, feedback: Strip | None
) -> Iterator[Strip]:
    """All between head and foot: news by approach, what is unclear, more, and background."""
    for group in words.filled(digest):
        yield form.heading(group.name, group.count)
        yield from _entries(group.items, group.modality, form, feedback)
    if digest.other:
        yield form.heading(words.UNCLEAR, digest.other_count)
        yield from _entries(digest.other, "", form, feedback)
    if digest.beyond:
        yield form.heading(words.more_lead(digest), None)
        yield _more("", digest.beyond, form, permalink)
    yield from _background(digest, form, permalink, feedback)


def _background(
    digest: Digest, form: Form, permalink: str | None, feedback: Strip | None
) -> Iterator[Strip]:
    if not digest.all_background:
        return
    yield form.heading(words.BACKGROUND, len(digest.all_background))
    yield form.note(words.BACKGROUND_NOTE)
    yield from _entries(digest.background, "", form, feedback)
    if digest.background_beyond:
        lead = f"{len(digest.background_beyond)} more:"
        yield _more(lead, digest.background_beyond, form, permalink)


def _more(lead: str, items: tuple[Item, ...], form: Form, permalink: str | None) -> Strip:
    if permalink:
        return form.elsewhere(lead, permalink)
    return form.more(lead, items, words.BEYOND_LISTED)


def _entries(
    items: Iterable[Item], modality: str, form: Form, feedback: Strip | None
) -> Iterator[Strip]:
    yield form.opening()
    for item in items:
        entry = form.entry(item, modality, has_feedback=feedback is not None)
        yield entry.before
        if feedback is not None:
            yield feedback
            yield entry.after
    yield form.close
