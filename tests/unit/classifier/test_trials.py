import pytest

from services.classifier.trials import trials
from shared.article import AbstractSection
from tests.builders import an_article


def _named(text: str, *listed: str) -> tuple[str, ...]:
    abstract = (AbstractSection(text=text),)
    return trials(an_article(title="A trial", abstract=abstract, trial_ids=listed, keywords=()))


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("Registered (NCT01234567).", "NCT01234567"),
        ("ClinicalTrials.gov identifier: NCT 01234567", "NCT01234567"),
        ("nct-01234567", "NCT01234567"),
        ("NCT#01234567", "NCT01234567"),
        ("ChiCTR2100012345", "ChiCTR2100012345"),
        ("Chinese register: ChiCTR-OIC-17012345.", "ChiCTR-OIC-17012345"),
        ("chictr 2100012345", "ChiCTR2100012345"),
        ("EudraCT 2014-001234-56", "2014-001234-56"),
        ("EudraCT 2014\u2010001234\u201056.", "2014-001234-56"),
        ("EU CT 2023-501234-12-00", "2023-501234-12-00"),
        ("EU CT number 2023-501234-12", "2023-501234-12"),
        ("ISRCTN12345678", "ISRCTN12345678"),
        ("(jRCTs031180123)", "jRCTs031180123"),
        ("JRCT2031180123", "jRCT2031180123"),
        ("UMIN-CTR UMIN000012345", "UMIN000012345"),
        ("UMIN CTR: 000012345", "UMIN000012345"),
        ("ACTRN12612000123456", "ACTRN12612000123456"),
        ("CTRI/2018/05/012345", "CTRI/2018/05/012345"),
        ("CTRI/2013/06/ 003753", "CTRI/2013/06/003753"),
        ("DRKS00012345", "DRKS00012345"),
    ],
)
def test_a_number_is_known_by_the_form_of_its_register(text: str, number: str) -> None:
    assert _named(text) == (number,)


@pytest.mark.parametrize(
    "text",
    [
        "NCT0123456", "NCT012345678", "INCT01234567", "grant 2014-001234-567", "tel 12-2014-001234",
        "DRKS0001234", "ISRCTN pending", "the DSMB met on 2014-10-12", "CTRI/2018/05",
    ],
)  # fmt: skip
def test_what_only_looks_like_a_number_is_none(text: str) -> None:
    assert _named(text) == ()


def test_the_records_own_list_comes_first_and_each_number_once() -> None:
    found = _named("NCT00000002 and NCT00000001, NCT00000002", "NCT00000001", " nct00000003 ")

    assert found == ("NCT00000001", "NCT00000003", "NCT00000002")


def test_a_number_of_the_record_in_a_form_that_is_not_known_is_kept() -> None:
    assert _named("", "KCT0001234", " ") == ("KCT0001234",)


def test_title_and_keywords_are_read_too() -> None:
    article = an_article(
        title="The NCT00000001 trial", abstract=(), trial_ids=(), keywords=("NCT00000002",)
    )

    assert trials(article) == ("NCT00000001", "NCT00000002")


def test_a_long_text_full_of_beginnings_takes_no_time() -> None:
    text = "NCT0123456 ChiCTR-AB- 2014-001 " * 40_000

    assert _named(text) == ()
