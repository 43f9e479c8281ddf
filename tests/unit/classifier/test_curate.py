from dataclasses import dataclass

from services.classifier.curate import findings, moved, to_example
from services.classifier.settings import TAXONOMY
from services.classifier.taxonomy import Taxonomy, read_taxonomy
from tests.builders import an_article
from tests.unit.classifier.reading import SHIPPED


@dataclass(frozen=True)
class Told:
    label: str
    text: str
    fault: bool


def _with(label: str) -> Taxonomy:
    head = '\n[[label]]\nfacet = "target"\nname = "x"\ndefinition = "x"\n'
    return read_taxonomy(TAXONOMY.read_text(encoding="utf-8") + head + label, "my.toml")


def _told(taxonomy: Taxonomy, key: str) -> list[Told]:
    found = [one for one in findings(taxonomy) if one.label == key]
    return [Told(one.label, one.text, one.fault) for one in found]


def test_the_shipped_taxonomy_has_nothing_to_correct() -> None:
    assert [one for one in findings(SHIPPED) if one.fault] == []


def test_an_example_without_its_label_and_a_counter_example_with_it_are_faults() -> None:
    taxonomy = _with(
        'id = "cd999"\npatterns = ["CD999"]\naimed = "other-target-car-t"\n'
        'examples = ["CD999 CAR-T cells in lupus", "CD998 CAR-T cells in lupus"]\n'
        'counter_examples = ["CD999 antibodies in lupus", "Anti-CD999 CAR-T cells in mice"]\n'
    )

    assert [(one.text, one.fault) for one in _told(taxonomy, "target:cd999")] == [
        ("does not get its example: CD998 CAR-T cells in lupus", True),
        ("gets its counter-example: Anti-CD999 CAR-T cells in mice", True),
    ]


def test_a_phrase_inside_an_excluded_one_can_never_count() -> None:
    taxonomy = _with(
        'id = "cd999"\npatterns = ["CD999 fusion protein", "CD999", "=CD999 proteins"]\n'
        'exclude = ["CD999 fus*", "cd999 protein"]\n'
    )

    assert [one.text for one in _told(taxonomy, "target:cd999")] == [
        "'CD999 fusion protein' in patterns can never count: `exclude` covers it",
        "'=CD999 proteins' in patterns can never count: `exclude` covers it",
    ]


def test_a_phrase_that_some_text_can_still_reach_is_no_fault() -> None:
    taxonomy = _with(
        'id = "cd999"\npatterns = ["CD999 [fusion]", "CD999*", "CD999 ~ cell"]\n'
        'exclude = ["CD999 fusion", "=CD999", "CD999 ~ x cell"]\n'
    )

    assert _told(taxonomy, "target:cd999") == []


def test_a_phrase_of_two_labels_is_a_remark_on_the_first() -> None:
    taxonomy = _with('id = "cd999"\npatterns = ["desmoglein 3"]\n')

    assert _told(taxonomy, "target:dsg3") == [
        Told("target:dsg3", "'desmoglein 3' carries target:cd999 too", False)
    ]


def test_what_another_taxonomy_says_of_an_article_is_a_line() -> None:
    other = _with('id = "cd999"\npatterns = ["CD999"]\naimed = "other-target-car-t"\n')
    article = an_article(title="CD999 CAR-T cells in lupus", abstract=(), publication_types=())

    assert moved(SHIPPED, SHIPPED, [article]) == []
    assert moved(SHIPPED, other, [article]) == [
        "40000001 CD999 CAR-T cells in lupus: - modality:car-t-general, "
        "+ modality:other-target-car-t, + target:cd999"
    ]


def test_an_example_has_its_title_on_the_first_line() -> None:
    article = to_example("A title\nA sentence.\nAnother.")

    assert article.title == "A title"
    assert article.abstract[0].text == "A sentence.\nAnother."
    assert to_example("Alone").abstract == ()


def test_a_long_example_is_told_in_short() -> None:
    taxonomy = _with(f'id = "cd999"\npatterns = ["CD999"]\nexamples = ["{"word " * 40}"]\n')

    (told,) = _told(taxonomy, "target:cd999")
    assert told.text.endswith("\u2026")
    assert len(told.text) < 120
