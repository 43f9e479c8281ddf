"""What a stranger's preview may cost: it is counted in calls, as time depends on the machine."""

import sys
from collections.abc import Callable
from typing import Any

from services.notifier.match import Features, admits
from services.notifier.subscription import Filters
from shared.article import Author
from tests.builders import an_article, classified

LETTERS = "abcdefghijklmnopqrstuvwxyz"


def calls(act: Callable[[], object]) -> int:
    number = 0

    def count(_frame: object, event: str, _arg: Any) -> None:
        nonlocal number
        number += event == "call"

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        act()
    finally:
        sys.setprofile(before)
    return number


def test_a_hundred_names_of_fifty_words_cost_little_for_each_article() -> None:
    authors = tuple(Author(last_name=f"Last {n}", fore_name="Georg", initials="G") for n in "abcde")
    entry = classified(article=an_article(authors=authors)).data
    names = [" ".join((LETTERS * 2)[at : at + 45]) + str(at % 5) for at in range(25)]
    wanted = Filters(authors=tuple(names), muted_authors=tuple(reversed(names)))
    admits(wanted, Features(entry))  # names are read once
    assert calls(lambda: admits(wanted, Features(entry))) < 10_000
