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
