"""What `tests.bench.classifying` measures, each in a process of its own: one name, one figure.

Every function prints nothing and returns CPU seconds; imports and the taxonomy are not counted
where it is not said.
"""

import random
import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from services.classifier.classify import classify
from services.classifier.lines import read_line
from services.classifier.settings import TAXONOMY
from services.classifier.taxonomy import Taxonomy, load_taxonomy
from shared.article import AbstractSection, Article
from tests.bench.hostile import TEXTS, hostile

PASSES = 5
PIECE = (
    "Patients with systemic lupus erythematosus (SLE) were given CD19-directed CAR-T cells. "
    "B cells were gone within two weeks, and the disease activity index fell in all of them "
    "(p < .05). No patient had neurotoxicity, i.e. confusion or seizures. Unlike rituximab, the "
    "cells reached the lymph node; serum antibodies against double-stranded DNA fell. In the "
    "future, CAR-NK cells may one day be an alternative for patients with lupus nephritis. "
)
"""About as long as a third of an abstract, with as many phrases in it."""


def read_articles(path: Path) -> list[Article]:
    """Articles of a file of article lines; whether they have an abstract is the caller's."""
    with path.open("rb") as lines:
        return [read_line(line).article for line in lines]


def _seconds(work: Callable[[], object], times: int = PASSES) -> float:
    """The median CPU seconds of doing it, after it was done once."""
    work()
    spent = []
    for _ in range(times):
        start = time.process_time()
        work()
        spent.append(time.process_time() - start)
    return statistics.median(spent)


def _label_all(articles: Sequence[Article], taxonomy: Taxonomy) -> None:
    for article in articles:
        classify(article, taxonomy)


def per_article(path: Path, *, abstracts: bool) -> float:
    """CPU seconds for one article; with `abstracts`, of those alone that have one."""
    articles = [one for one in read_articles(path) if one.abstract or not abstracts]
    work = partial(_label_all, articles, load_taxonomy(TAXONOMY))
    return _seconds(work) / len(articles)


def first_pass(path: Path) -> float:
    """CPU seconds for one article when none was read before, but one."""
    articles, taxonomy = read_articles(path), load_taxonomy(TAXONOMY)
    classify(articles[0], taxonomy)
    start = time.process_time()
    _label_all(articles, taxonomy)
    return (time.process_time() - start) / len(articles)


def of_length(times: int) -> float:
    """CPU seconds for a text so many times as long as `PIECE`."""
    text = AbstractSection(text=PIECE * times)
    article = Article(pmid=1, title="CAR-T cells in lupus", abstract=(text,))
    rounds = max(1, 256 // times)
    work = partial(_label_all, [article] * rounds, load_taxonomy(TAXONOMY))
    return _seconds(work) / rounds


def with_patterns(path: Path, times: int) -> float:
    """CPU seconds for one article with so many times as many phrases in the taxonomy."""
    taxonomy = load_taxonomy(TAXONOMY)
    articles = [one for one in read_articles(path) if one.abstract]
    grown = _grown(taxonomy, (times - 1) * len(taxonomy.rules), articles)
    return _seconds(partial(_label_all, articles, grown)) / len(articles)


def _grown(taxonomy: Taxonomy, more: int, articles: Sequence[Article]) -> Taxonomy:
    """The taxonomy with so many phrases more, of words as the articles use them, in any order.

    They begin as the articles' own sentences do, and so keep the finder busy; hardly one is in an
    article, since that would be more to find, and not more to look for.
    """
    pick = random.Random(7)  # noqa: S311  for the same phrases every time
    words = [word for one in articles for word in one.abstract[0].text.split() if word.isalpha()]
    label = taxonomy.by_key["disease:other"].model_dump()
    phrases = [" ".join([*pick.choices(words, k=3), f"zq{number}"]) for number in range(more)]
    made = [
        {**label, "id": f"made-{start}", "patterns": phrases[start : start + 10], "strong": (),
         "weak": (), "exclude": (), "mesh": (), "examples": (), "counter_examples": ()}
        for start in range(0, more, 10)
    ]  # fmt: skip
    content = taxonomy.model_dump(by_alias=True)
    content["label"] = [*content["label"], *made]
    return Taxonomy.model_validate(content)


def made_slow(name: str) -> float:
    """CPU seconds for a hostile megabyte, from nothing known to an answer."""
    article, taxonomy = hostile(TEXTS[name]), load_taxonomy(TAXONOMY)
    classify(Article(pmid=1, title="CAR-T cells"), taxonomy)
    start = time.process_time()
    classify(article, taxonomy)
    return time.process_time() - start


def measure(name: str, argument: str, path: Path) -> float:
    """The figure with this name."""
    figures: dict[str, Callable[[], float]] = {
        "articles": lambda: per_article(path, abstracts=False),
        "abstracts": lambda: per_article(path, abstracts=True),
        "first pass": lambda: first_pass(path),
        "length": lambda: of_length(int(argument)),
        "patterns": lambda: with_patterns(path, int(argument)),
        "hostile": lambda: made_slow(argument),
    }
    return figures[name]()
