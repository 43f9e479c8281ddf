"""The live preview: what a choice would have brought lately, as the pages show it."""

from collections.abc import Mapping

from fastapi import Request

from services.notifier.preview import Preview, over_weeks
from services.notifier.render import words
from services.notifier.render.titles import title_markup
from services.notifier.subscription import Wish
from services.notifier.web import limits
from services.notifier.web.house import House

WEEKS = 4

NONE: Mapping[str, object] = {"shown": None}
"""What a template is told when nobody asked for a preview."""


async def preview(house: House, request: Request, wish: Wish) -> Preview:
    """What the last weeks would have brought.

    Raises:
        Refused: it was asked too often: each one reads through the articles.
        Retryable: the database is away.
    """
    await limits.admit(house, request, "preview")
    return await over_weeks(house.engine, wish, house.clock(), WEEKS)


def told(shown: Preview, wish: Wish) -> dict[str, object]:
    """What `preview.html.j2` is told."""
    return {
        "shown": shown,
        "weeks": WEEKS,
        "zone": wish.zone,
        "topic_id": wish.topic,
        "words": words,
        "title_markup": title_markup,
    }
