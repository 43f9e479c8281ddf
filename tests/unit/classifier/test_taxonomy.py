import re
from pathlib import Path

import pytest

from services.classifier.settings import TAXONOMY
from services.classifier.taxonomy import load_taxonomy, read_taxonomy
from shared.errors import ConfigurationError
from tests.unit.classifier.reading import SHIPPED

GUIDELINE_MODALITIES = {
    "cd19-car-t", "bcma-car-t", "dual-car-t", "other-target-car-t", "caar-t", "pmhc-car-t",
    "car-treg", "car-nk", "car-other-cell", "in-vivo-car", "mrna-car", "allogeneic-car",
    "car-t-general",
}  # fmt: skip
GUIDELINE_DISEASES = {
    "sle", "lupus-nephritis", "ssc", "iim", "ra", "sjogren", "aav", "vasculitis-other", "igg4-rd",
    "aps", "spa-psa", "jia", "mg", "ms", "nmosd", "mogad", "autoimmune-encephalitis", "sps",
    "cidp", "neuro-other", "pemphigus", "pemphigoid", "psoriasis", "skin-other", "t1d", "thyroid",
    "ibd", "celiac", "autoimmune-liver", "membranous-nephropathy", "kidney-other", "itp", "aiha",
    "heme-other", "gvhd", "transplant", "allergy", "autoimmune-general", "cancer", "other",
}  # fmt: skip


def test_every_label_of_the_guideline_is_in_the_taxonomy() -> None:
    def known(facet: str) -> set[str]:
        return {label.id for label in SHIPPED.labels if label.facet == facet}

    assert known("modality") == GUIDELINE_MODALITIES
    assert known("disease") == GUIDELINE_DISEASES
    assert known("scope") == {"core", "adjacent", "oncology", "none", "unclear"}
    assert len(known("evidence")) == 11


def test_every_disease_has_a_group_because_the_rules_of_scope_ask_for_it() -> None:
    assert [x.id for x in SHIPPED.labels if x.facet == "disease" and x.group is None] == []


def _shipped(old: str, new: str) -> str:
    text = TAXONOMY.read_text(encoding="utf-8")
    assert old in text
    return text.replace(old, new, 1)


def _line(first: str, then: str) -> int:
    """The line of the table's header that stands before `then`, once `first` was seen."""
    lines = TAXONOMY.read_text(encoding="utf-8").splitlines()
    start = lines.index(first)
    named = lines.index(then, start)
    return max(n for n, line in enumerate(lines[: named + 1], 1) if line.startswith("[["))


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ('id = "ssc"\n', 'id = "ssc"\npattern = ["x"]\n', ("label", 'id = "ssc"')),
        ('aimed = "cd19-car-t"', 'aimed = "cd18-car-t"', ("label", 'id = "cd19"')),
        ('id = "ssc"\n', 'id = "SSc"\n', ("label", 'id = "ssc"')),
        ('  "unlike"', '  "~ unlike"', ("cue", 'kind = "comparison"')),
        ('kind = "negation"', 'kind = "negatoin"', ("cue", 'kind = "negation"')),
    ],
)
def test_a_fault_is_named_with_the_line_of_its_table(
    old: str, new: str, place: tuple[str, str]
) -> None:
    table, name = place
    line = _line(f"[[{table}]]", name)

    with pytest.raises(ConfigurationError, match=rf"taxonomy my\.toml, line {line}[,:]"):
        read_taxonomy(_shipped(old, new), "my.toml")


def test_a_label_that_is_there_twice_is_named_with_the_later_line() -> None:
    text = TAXONOMY.read_text(encoding="utf-8")
    extra = '\n[[label]]\nfacet = "disease"\nid = "ssc"\nname = "x"\ndefinition = "x"\n'
    line = text.count("\n") + 2

    with pytest.raises(ConfigurationError, match=rf"line {line}.*disease:ssc is there twice"):
        read_taxonomy(text + extra, "my.toml")


@pytest.mark.parametrize(
    ("parents", "says"),
    [
        ({"a": "b"}, "disease:a has the parent disease:b, which is not there: add it"),
        ({"a": "ssc", "ssc": "a"}, "is above itself: correct its parent"),
    ],
)
def test_parents_must_be_there_and_must_end(parents: dict[str, str], says: str) -> None:
    text = TAXONOMY.read_text(encoding="utf-8")
    if "ssc" in parents:
        text = re.sub(r'(?m)^(id = "ssc"\n(?:(?!\[\[).*\n)*?)parent = .*\n', r"\1", text)
        text = text.replace('id = "ssc"\n', f'id = "ssc"\nparent = "{parents["ssc"]}"\n', 1)
    text += f'\n[[label]]\nfacet = "disease"\nid = "a"\nparent = "{parents["a"]}"\n'
    text += 'name = "x"\ndefinition = "x"\n'

    with pytest.raises(ConfigurationError, match=says):
        read_taxonomy(text, "my.toml")


def test_tables_in_another_form_have_no_line_but_a_name() -> None:
    text = 'id = "x"\nversion = "1"\nlabel = [{facet = "disease", id = "A"}]\n'
    cue = 'label = [{facet = "disease", id = "a", name = "a", definition = "a"}]\n'
    cue += 'cue = [{kind = "dual", patterns = ["~ a"]}]\n'

    with pytest.raises(ConfigurationError, match=r"my\.toml, label A, id"):
        read_taxonomy(text, "my.toml")
    with pytest.raises(ConfigurationError, match=r"my\.toml: .*cue dual"):
        read_taxonomy(f'id = "x"\nversion = "1"\n{cue}', "my.toml")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('version = "', "version = ", "line"),
        ('"lupus"', '"lupus ["', "disease:sle"),
        ('implies = ["disease:sle"]', 'implies = ["disease:slee"]', "disease:slee.*add it"),
        ('aimed = "cd19-car-t"', 'aimed = "cd18-car-t"', "target:cd19"),
        ('id = "ssc"\n', 'id = "sle"\n', "disease:sle is there twice"),
        ('id = "unclear"\n', 'id = "dunno"\n', "scope:unclear is missing"),
        ('id = "ssc"\n', 'id = "ssc"\npattern = ["x"]\n', "ssc, pattern"),
        ('kind = "negation"', 'kind = "negatoin"', "negatoin"),
        ('  "unlike"', '  "~ unlike"', "cue comparison"),
    ],
)
def test_a_fault_in_the_file_is_named_with_its_line_or_label(old: str, new: str, says: str) -> None:
    with pytest.raises(ConfigurationError, match=f"(?s)taxonomy my.toml.*{says}"):
        read_taxonomy(_shipped(old, new), "my.toml")


def test_a_missing_file_says_which_setting_to_correct(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"gone\.toml.*CLASSIFIER_TAXONOMY"):
        load_taxonomy(tmp_path / "gone.toml")


def test_a_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    (tmp_path / "latin.toml").write_bytes('id = "Sjögren"'.encode("latin-1"))

    with pytest.raises(ConfigurationError, match="not UTF-8"):
        load_taxonomy(tmp_path / "latin.toml")
