"""Twice the text, at most twice the work: counted in steps of the interpreter, not in seconds."""

import sys
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import Any

import pytest

from services.classifier.classify import classify
from shared.article import AbstractSection, Article
from tests.unit.classifier.reading import SHIPPED

TEXTS = {
    "ordinary": "CD19 CAR-T cells were given to two patients with lupus. B cells went away. ",
    "no full stop": "patients with lupus and mice with lupus ",
    "no blank": "lupusandlupus",
    "one letter": "a ",
    "brackets": "(a (b (c [d] e) f) g) ",
    "short forms": "chimeric antigen receptor (CAR) and multiple sclerosis (MS), ",
    "open brackets": "((((((((",
    "beginnings of a phrase": "chimeric antigen chimeric antigen receptor ",
    "denials": "no not without CAR-NK, unlike CAR-Treg; ",
    "targets": "CD19/BCMA/CD20 ",
    "combining marks": "e\u0301\u0301\u0301 ",
    "sentences": "No. ",
    "line ends": "\n",
}
SIZE = 4_000
"""Characters: twice the longest stretch that is read as one sentence."""


def steps(article: Article) -> int:
    """How many instructions of the interpreter an article takes; the caches are warm.

    Counted twice: Python 3.13 begins to tell of instructions only in the middle of the first.
    """
    work = partial(classify, article, SHIPPED)
    work()
    counted(work)
    return counted(work)


def counted(work: Callable[[], object]) -> int:
    """The instructions, comprehensions' own among them, that a piece of work takes."""
    number = 0

    def trace(frame: FrameType, event: str, _argument: Any) -> Any:
        nonlocal number
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        number += event == "opcode"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return number


def of_size(text: str, size: int) -> Article:
    said = (text * (size // len(text) + 1))[:size]
    return Article(pmid=1, title="CAR-T cells", abstract=(AbstractSection(text=said),))


@pytest.mark.parametrize("kind", TEXTS)
def test_work_grows_with_the_text_and_no_faster(kind: str) -> None:
    small, large = (steps(of_size(TEXTS[kind], SIZE * times)) for times in (1, 4))

    assert large <= 4.4 * small


def test_work_grows_with_the_number_of_sections_and_no_faster() -> None:
    def sections(number: int) -> Article:
        part = AbstractSection(text=TEXTS["ordinary"])
        return Article(pmid=1, title="CAR-T cells", abstract=(part,) * number)

    assert steps(sections(400)) <= 4.4 * steps(sections(100))


def test_a_count_of_steps_tells_quadratic_work_from_linear() -> None:
    def quadratic(size: int) -> int:
        return sum(1 for one in range(size) for other in range(size) if one == other)

    small, large = (counted(partial(quadratic, size)) for size in (50, 200))

    assert large > 10 * small
