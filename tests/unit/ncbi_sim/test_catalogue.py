"""Loading a catalogue: what is refused, and how the message helps."""

from pathlib import Path
from typing import Any

import pytest

from services.ncbi_sim.catalogue import load_catalogue, read_catalogue
from services.ncbi_sim.settings import PACKAGED_CATALOGUE
from shared.errors import ConfigurationError
from tests.unit.ncbi_sim.small_catalogue import ARTICLES, CHANGES, article, content


def test_the_packaged_catalogue_loads() -> None:
    catalogue = load_catalogue(PACKAGED_CATALOGUE)
    assert catalogue.head.seed == 39450112


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (article(7, titel="x"), r"article number 8 \(PMID 7\) titel: Extra inputs"),
        (article(7, title="<i>x"), r"PMID 7\) title: .*markup does not nest"),
        (article(7, doi="x"), r"PMID 7\) doi: "),
        (article(7, month="Okt"), r"PMID 7\) month: .*'Okt' is no month"),
        (article(7, day=3), r"PMID 7\): .*day is given without month"),
        (article(7, month="Feb", day=30), r"PMID 7\): .*day is out of range"),
        (article(7, publication_types=["Poem"]), r"PMID 7\) publication_types 0: .*'Poem' is no"),
        (article(7, language="xxx"), r"PMID 7\) language: .*language code"),
        (article(7, trials=["NCT1"]), r"PMID 7\) trials 0: "),
        (article(7, authors=[{"fore": "A"}]), r"PMID 7\) authors 0: .*either last or collective"),
        (
            article(7, mesh=[{"ui": "D1", "name": "A", "qualifiers": ["magic"]}]),
            r"PMID 7\) mesh 0 qualifiers 0: .*'magic' is no MeSH qualifier",
        ),
        (article(100), "PMID 100 is there twice"),
        ({"title": "x"}, r"article number 8 \(PMID \?\) pmid: Field required"),
        ("text", r"article number 8 \(PMID \?\): "),
    ],
)
def test_a_wrong_article_is_named_with_its_field(wrong: Any, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        read_catalogue(content(article=[*ARTICLES, wrong]))


def change(**replaced: Any) -> dict[str, Any]:
    """The retraction of the small catalogue, parts of it replaced."""
    return {**CHANGES[0], **replaced}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (change(pmid=8), "names PMID 8, no article"),
        (change(pmid=101), "PMID 101: only a simulated record"),
        (change(day=0), "PMID 99000001 enters after its retraction of day 0"),
        (change(kind="praise"), r"change number 1 \(PMID 99000001\) kind: "),
    ],
)
def test_a_wrong_change_is_named(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        read_catalogue(content(change=[wrong]))


def test_a_seed_that_is_no_article_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="the seed, PMID 100, is not among"):
        read_catalogue(content(article=[article(1)], change=[]))


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"none\.toml cannot be read"):
        load_catalogue(tmp_path / "none.toml")
    broken = tmp_path / "broken.toml"
    broken.write_text("[catalogue")
    with pytest.raises(ConfigurationError, match=r"broken\.toml cannot be read"):
        load_catalogue(broken)
