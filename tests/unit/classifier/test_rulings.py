"""The rulings of the annotation guideline, and its definitions, one by one."""

import pytest

from shared.article import MeshHeading
from tests.unit.classifier.reading import ids, label, read


@pytest.mark.parametrize(
    ("title", "modality"),
    [
        ("Anti-CD19 CAR-T cells in lupus", {"cd19-car-t"}),
        ("CD19-directed CAR T cells in lupus", {"cd19-car-t"}),
        ("CD19.CAR-T cells in lupus", {"cd19-car-t"}),
        ("CART19 cells in lupus", {"cd19-car-t"}),
        ("Chimeric antigen receptor T cells targeting BCMA in lupus", {"bcma-car-t"}),
        ("B-cell maturation antigen CAR-T cells in lupus", {"bcma-car-t"}),
        ("CD19/BCMA CAR-T cells in lupus", {"dual-car-t"}),
        ("BCMA-CD19 compound CAR (cCAR) T cells in lupus", {"dual-car-t"}),
        ("Co-infusion of CD19 CAR-T and BCMA CAR-T cells in lupus", {"dual-car-t"}),
        ("CD7 CAR-T cells in lupus", {"other-target-car-t"}),
        ("NKG2D CAR T cells in lupus", {"other-target-car-t"}),
        ("DSG3 chimeric autoantibody receptor T cells in pemphigus", {"caar-t"}),
        ("MuSK-CAART cells in myasthenia gravis", {"caar-t"}),
        ("Peptide-MHC CAR-T cells in type 1 diabetes", {"pmhc-car-t"}),
        ("HLA-A2 CAR-Tregs in lupus", {"car-treg"}),
        ("Chimeric antigen receptor regulatory T cells in ulcerative colitis", {"car-treg"}),
        ("CD19 CAR-NK cells in lupus", {"car-nk"}),
        ("CAR-macrophages in lupus", {"car-other-cell"}),
        ("CAR-γδ T cells in lupus", {"car-other-cell"}),
        ("In vivo CD19 CAR-T cells in lupus", {"cd19-car-t", "in-vivo-car"}),
        ("mRNA CAR-T cells in lupus", {"mrna-car"}),
        ("Allogeneic CD19 CAR-T cells in lupus", {"allogeneic-car", "cd19-car-t"}),
        ("Allogeneic CD19/BCMA CAR-T cells in lupus", {"allogeneic-car", "dual-car-t"}),
        ("CAR-T cell therapy in lupus", {"car-t-general"}),
    ],
)
def test_each_kind_is_known_by_its_names(title: str, modality: set[str]) -> None:
    assert ids(read(title), "modality") - {"car-t-general"} == modality - {"car-t-general"}
    assert read(title).scope == "core"


def test_ruling_1_a_car_title_that_names_no_disease_is_about_cancer() -> None:
    found = read("Tonic signals in CAR-T cells")

    assert found.scope == "oncology"
    assert ids(found, "disease") == {"cancer"}


@pytest.mark.parametrize("words", ["beyond oncology", "in non-malignant disease"])
def test_ruling_1_unless_it_signals_use_beyond_cancer(words: str) -> None:
    assert read(f"CAR-T cells {words}").scope == "adjacent"


def test_ruling_1_car_treg_work_without_a_disease_is_adjacent() -> None:
    found = read("Making CAR-Treg cells")

    assert found.scope == "adjacent"
    assert ids(found, "disease") == set()


@pytest.mark.parametrize(
    "title",
    [
        "Cellular therapies in lupus",
        "Adoptive T-cell therapy of lupus",
        "Deep B-cell depletion in lupus",
        "Bispecific T-cell engagers in lupus",
        "Regulatory T cells in lupus",
    ],
)
def test_ruling_2_class_words_without_the_receptor_are_none(title: str) -> None:
    found = read(title)

    assert found.scope == "none"
    assert ids(found, "modality") == set()
    assert ids(found, "disease") == {"sle"}


def test_ruling_2_engineered_cells_for_autoimmune_disease_count() -> None:
    found = read("Engineered T cells for autoimmune disease")

    assert found.scope == "core"
    assert ids(found, "modality") == {"car-t-general"}


def test_ruling_3_a_review_of_cancer_and_autoimmunity_is_adjacent() -> None:
    found = read("CAR-T cells from cancer to autoimmune disease", publication_types=("Review",))

    assert found.scope == "adjacent"
    assert ids(found, "disease") == {"cancer", "autoimmune-general"}


def test_ruling_3_a_study_with_autoimmune_models_is_core() -> None:
    found = read("CAR-T cells eliminate lymphoma and autoimmune B cells in mice")

    assert found.scope == "core"


def test_ruling_4_a_disease_review_that_names_car_among_its_approaches_is_core() -> None:
    found = read(
        "Treatment of lupus",
        "Lupus is common. We review biologics. We discuss strategies including CD19 CAR-T cells. "
        "Small molecules follow. They are cheap. Trials are needed.",
        publication_types=("Review",),
    )

    assert found.scope == "core"
    assert ids(found, "modality") == {"cd19-car-t"}


def test_ruling_4_a_closing_clause_is_not_enough() -> None:
    found = read(
        "Treatment of lupus",
        "Lupus is common. We review biologics. Small molecules follow. They are cheap. "
        "Future studies may explore CAR-T cells.",
        publication_types=("Review",),
    )

    assert found.scope == "none"


@pytest.mark.parametrize(
    ("product", "modality", "target"),
    [
        ("Axicabtagene ciloleucel", {"cd19-car-t"}, {"cd19"}),
        ("Tisagenlecleucel", {"cd19-car-t"}, {"cd19"}),
        ("Ide-cel", {"bcma-car-t"}, {"bcma"}),
        ("CT103A", {"bcma-car-t"}, {"bcma"}),
        ("KYV-101", {"cd19-car-t"}, {"cd19"}),
        ("CABA-201", {"cd19-car-t"}, {"cd19"}),
        ("CC-97540", {"cd19-car-t"}, {"cd19"}),
        ("Descartes-08", {"bcma-car-t", "mrna-car"}, {"bcma"}),
    ],
)
def test_ruling_5_a_product_states_its_target(
    product: str, modality: set[str], target: set[str]
) -> None:
    found = read(f"{product} in myasthenia gravis")

    assert ids(found, "modality") == modality
    assert ids(found, "target") == target
    assert len(ids(found, "product")) == 1


def test_ruling_6_a_dual_car_nk_is_a_car_nk_alone() -> None:
    assert ids(read("CD19/BCMA CAR-NK cells in lupus"), "modality") == {"car-nk"}


@pytest.mark.parametrize(
    ("title", "kind"),
    [
        ("Gamma delta T cells with a CD20-directed CAR in lupus", "car-other-cell"),
        ("NK cells for a CD19 CAR in lupus", "car-nk"),
        ("Tregs and a CD19-specific CAR in lupus", "car-treg"),
    ],
)
def test_a_target_is_that_of_the_cell_which_the_sentence_names(title: str, kind: str) -> None:
    assert ids(read(title), "modality") == {kind}


def test_ruling_6_a_dual_car_takes_no_label_for_its_single_targets() -> None:
    found = read(
        "Tandem CD19/BCMA CAR-T cells in lupus",
        "They outlived CD19 CAR-T cells. CD19 CAR-T cells relapsed.",
    )

    assert ids(found, "modality") == {"dual-car-t"}


@pytest.mark.parametrize(
    ("title", "disease"),
    [
        ("CAR-T cells for autoimmune kidney disease", {"kidney-other"}),
        ("CAR-T cells for neurological autoimmune disease", {"neuro-other"}),
        ("CAR-T cells against cardiac fibrosis treatment", {"other"}),
        ("CAR-T cells against senescent cells", {"other"}),
    ],
)
def test_ruling_7_an_organ_system_at_large_takes_its_other_label(
    title: str, disease: set[str]
) -> None:
    assert ids(read(title), "disease") == disease


@pytest.mark.parametrize(
    ("title", "types", "kind"),
    [
        ("CAR-T cells in lupus: a phase 1 trial", (), "trial"),
        ("CAR-T cells in lupus: study protocol", (), "protocol"),
        ("CAR-T cells in lupus: a retrospective cohort", (), "observational"),
        ("CAR-T cells in lupus: a case report", (), "case-report"),
        ("CAR-T cells in lupus-prone mice", (), "preclinical"),
        ("CAR-T cells in lupus: a systematic review", ("Review",), "systematic-review"),
        ("CAR-T cells in lupus", ("Review",), "review"),
        ("CAR-T cells in lupus: expert consensus", (), "guidance"),
        ("Editorial: CAR-T cells in lupus", (), "commentary"),
        ("CAR-T cells in lupus", ("Editorial",), "commentary"),
        ("CAR-T cells in lupus", ("Letter",), "commentary"),
        ("CAR-T cells in one patient with lupus: a case report", ("Letter",), "case-report"),
        ("Erratum: CAR-T cells in lupus: a phase 1 trial", (), "notice"),
        ("CAR-T cells in lupus", ("Retraction of Publication",), "notice"),
        ("Cost-effectiveness of CAR-T cells in lupus", (), "other"),
        ("CAR-T cells in lupus", ("Clinical Trial, Phase II", "Journal Article"), "trial"),
    ],
)
def test_ruling_8_and_the_kinds_of_evidence(title: str, types: tuple[str, ...], kind: str) -> None:
    assert ids(read(title, publication_types=types), "evidence") == {kind}


@pytest.mark.parametrize(
    ("title", "disease"),
    [
        ("CAR-T cells after kidney transplant rejection", "transplant"),
        ("CAR-T cells against graft-versus-host disease", "gvhd"),
        ("CAR-T cells in allergic asthma", "allergy"),
        ("CAR-T cells against factor VIII inhibitors", "heme-other"),
    ],
)
def test_another_immune_condition_is_adjacent(title: str, disease: str) -> None:
    assert read(title).scope == "adjacent"
    assert disease in ids(read(title), "disease")


def test_a_disease_known_by_a_weak_word_alone_is_still_a_disease() -> None:
    assert read("CAR-T cells in MG").scope == "core"
    assert read("CAR-T cells in neurology").scope == "adjacent"


@pytest.mark.parametrize(
    "title",
    [
        "CART in the hypothalamus: the cocaine- and amphetamine-regulated transcript",
        "The expression of CAR and PXR target genes in human liver after a long fast at altitude",
    ],
)
def test_another_sense_of_the_short_form_is_none(title: str) -> None:
    assert read(title).scope in {"none", "unclear"}
    assert ids(read(title), "modality") == set()


def test_one_sentence_of_what_the_authors_did_is_enough() -> None:
    other = "Immunity can go wrong. Drugs are many. Most are given for life. Relapses are common."
    own = read("Immune reset", "We treated eight women with lupus with CD19 CAR-T cells.", other)
    told = read("Immune reset", "Eight women had lupus before their CD19 CAR-T cells.", other)

    assert (own.scope, ids(own, "modality")) == ("core", {"cd19-car-t"})
    assert told.scope == "none"


def test_a_review_of_an_organ_singles_out_what_it_names() -> None:
    found = read("CAR-T cells for autoimmune kidney disease", "Lupus nephritis comes first.")

    assert ids(found, "disease") == {"kidney-other", "lupus-nephritis", "sle"}


def test_a_disease_that_one_plain_sentence_names_is_better_than_none() -> None:
    plain = read("FAP CAR-T cells", "Systemic sclerosis has few treatments.")
    background = read("FAP CAR-T cells", "Unlike systemic sclerosis, scars heal.")

    assert (plain.scope, ids(plain, "disease")) == ("core", {"ssc"})
    assert ids(background, "disease") == {"cancer"}


def test_ruling_1_suppressive_work_without_a_disease_is_adjacent() -> None:
    found = read("CAR mesenchymal stem cells and immunosuppression of B cells")

    assert found.scope == "adjacent"
    assert ids(found, "disease") == set()


@pytest.mark.parametrize(
    ("field", "disease"), [("dermatology", "skin-other"), ("nephrology", "kidney-other")]
)
def test_ruling_7_a_field_of_medicine_beside_autoimmune_disease_is_its_organ(
    field: str, disease: str
) -> None:
    found = read(f"CAR-T cells in {field}: autoimmune disease")

    assert ids(found, "disease") == {disease, "autoimmune-general"}


def test_a_review_covers_every_kind_that_it_lists() -> None:
    found = read(
        "CAR therapy of lupus",
        "Lupus is common. The review covers CAAR-T cells, CAR-NK cells and CAR-Tregs. "
        "Each has limits. Costs are high. Trials go on.",
        publication_types=("Review",),
    )

    assert ids(found, "modality") == {"caar-t", "car-nk", "car-treg"}


def test_lupus_nephritis_is_lupus_too() -> None:
    assert ids(read("CAR-T cells in lupus nephritis"), "disease") == {"sle", "lupus-nephritis"}


@pytest.mark.parametrize("title", ["", "CAR", "A CAR for everyone"])
def test_a_text_too_thin_to_say_is_unclear(title: str) -> None:
    assert read(title).scope == "unclear"


@pytest.mark.parametrize(
    ("said", "scope"),
    [
        ("T cells bearing a CAR were given.", "core"),
        ("They came with a car to the clinic.", "none"),
    ],
)
def test_t_cells_that_carry_a_car_have_a_receptor(said: str, scope: str) -> None:
    assert read("Severe lupus in mice", f"{said} All mice lived.").scope == scope


def test_the_scope_comes_with_the_words_that_decided_it() -> None:
    found = label(read("CD19 CAR-T cells in lupus"), "scope", "core")

    assert {evidence.matched for evidence in found.evidence} == {"CAR-T cells", "lupus"}


def test_mesh_headings_speak_too() -> None:
    found = read(
        "Cells for a disease",
        mesh=(MeshHeading(name="Lupus Nephritis"), MeshHeading(name="Receptors, Chimeric Antigen")),
    )

    assert label(found, "disease", "sle").evidence[0].place == "mesh"
