"""Titles with the inline markup that PubMed has in them, and none other."""

import nh3
from markupsafe import Markup, escape

from services.notifier.item import Item

_MARKUP = {"i", "b", "em", "strong", "sub", "sup"}


def title_markup(item: Item) -> Markup:
    """The title with only the inline markup that PubMed uses; anything else is taken out."""
    kept = nh3.clean(item.title_html or "", tags=_MARKUP, attributes={}).strip()
    return Markup(kept) if kept else escape(item.title)  # noqa: S704 - sanitised just above
