"""Every form is read back by a reader that is not ours, or is as plain as its specification."""

import csv
import io
import json
import re
from typing import Any

import pytest
from Bio import Medline
from hypothesis import example, given
from hypothesis import strategies as st

from services.classifier.lines import read_line
from services.notifier.export.bibtex import escaped, key
from services.notifier.export.forms import FORMS
from services.notifier.project import Known
from shared.article import Author, PartialDate
from tests.unit.notifier.export.records import a_hard_one, a_known

Fields = dict[str, list[str]]


def written(form: str, *known: Known) -> str:
    return FORMS[form].head() + "".join(map(FORMS[form].record, known))


def ris(text: str) -> list[Fields]:
    """Each line is a tag, two blanks, a hyphen, a blank, and the value; ER ends a record."""
    found: list[Fields] = []
    fields: Fields = {}
    for line in text.split("\r\n"):
        if not line:
            continue
        tag = re.fullmatch(r"([A-Z][A-Z0-9])  - (.*)", line)
        assert tag, line
        if tag[1] == "ER":
            found.append(fields)
            fields = {}
        else:
            fields.setdefault(tag[1], []).append(tag[2])
    assert not fields
    return found


def bibtex(text: str) -> list[dict[str, str]]:
    """Entries with their fields; braces have to balance, as BibTeX asks."""
    found = []
    for entry in filter(str.strip, re.split(r"(?m)^(?=@)", text)):
        head = re.match(r"@article\{([a-z0-9]+),\n", entry)
        assert head, entry
        fields = {"key": head[1]}
        body = entry[head.end() : entry.rindex("}")]
        at = 0
        while name := re.compile(r"\s*(\w+) = ").match(body, at):
            at, depth, start = name.end(), 0, name.end()
            while depth or body[at] != ",":
                escape = body[at] == "\\"
                depth += (body[at] == "{") - (body[at] == "}")
                at += 2 if escape and body[at + 1] in "{}" else 1
            fields[name[1]] = body[start:at]
            at += 1
        assert not body[at:].strip(), body[at:]
        found.append(fields)
    return found


def nbib(text: str) -> list[dict[str, Any]]:
    return [dict(one) for one in Medline.parse(io.StringIO(text))]  # type: ignore[no-untyped-call]


def test_ris_is_read_back_whole() -> None:
    hard, plain = ris(written("ris", a_hard_one(), a_known()))

    assert hard["TI"] == ["CAR-T & 50% of {B} cells: TNF-\u03b1 <b>x_1</b> #1 \u2265 2"]
    assert hard["AU"] == [
        "M\u00fcller-L\u00fcdenscheidt, J\u00fcrgen B", "O'Brien, K", "The {Group} & Friends",
    ]  # fmt: skip
    assert (hard["PY"], hard["DA"]) == (["2026"], ["2026/09/08/"])
    assert (hard["SP"], hard["EP"], hard["VL"], hard["IS"]) == (["123"], ["129"], ["12"], ["3"])
    assert hard["DO"] == ["10.1002/(SICI)1097<1::AID>3.0.CO;2-#"]
    assert hard["AB"][0].startswith('AIMS: We say "so", and ER - more.')
    assert hard["N1"][0] == "RETRACTED: J Ex. 2026 Oct;1:2 (PMID 9)"
    assert {"CD19 CAR-T", "Lupus", "immune reset", "Humans"} <= set(hard["KW"])
    assert plain["TI"] == ["CD19 CAR-T cells in lupus"]
    assert "RETRACTED" not in str(plain)


@pytest.mark.parametrize(
    ("date", "expected"),
    [
        (PartialDate(year=2026), ["2026///"]),
        (PartialDate(year=2026, month=9), ["2026/09//"]),
        (PartialDate(year=2026, text="2026 Winter"), ["2026///2026 Winter"]),
        (PartialDate(text="2026 Winter"), None),
        (PartialDate(), None),
    ],
)
def test_a_date_is_as_precise_as_it_is_known(date: PartialDate, expected: list[str] | None) -> None:
    (record,) = ris(written("ris", a_known(published=date)))

    assert record.get("DA") == expected


def test_nbib_is_read_by_biopython() -> None:
    text = written("nbib", a_hard_one(), a_known())

    hard, plain = nbib(text)

    assert hard["PMID"] == "40000007"
    assert hard["TI"] == "CAR-T & 50% of {B} cells: TNF-\u03b1 <b>x_1</b> #1 \u2265 2"
    assert hard["FAU"] == ["M\u00fcller-L\u00fcdenscheidt, J\u00fcrgen B", "O'Brien, K"]
    assert hard["AU"] == ["M\u00fcller-L\u00fcdenscheidt JB", "O'Brien K"]
    assert hard["CN"] == ["The {Group} & Friends"]
    assert (hard["DP"], hard["TA"], hard["PG"], hard["VI"]) == ("2026 Sep 8", "J Ex", "123-9", "12")
    assert hard["AID"] == ["10.1002/(SICI)1097<1::AID>3.0.CO;2-# [doi]"]
    assert hard["MH"] == ["Lupus Erythematosus, Systemic/*therapy", "Humans"]
    assert hard["RIN"] == ["J Ex. 2026 Oct;1:2. PMID: 9"]
    assert hard["SI"] == ["ClinicalTrials.gov/NCT01234567"]
    assert hard["AB"].count("word") == 60
    assert hard["PT"] == ["Journal Article", "Retracted Publication"]
    assert hard["SO"] == "J Ex. 2026 Sep 8;12(3):123-9. doi: 10.1002/(SICI)1097<1::AID>3.0.CO;2-#."
    assert plain["TI"] == "CD19 CAR-T cells in lupus"
    assert max(map(len, text.splitlines())) <= 88


def test_bibtex_is_read_back_with_balanced_braces() -> None:
    hard, plain = bibtex(written("bib", a_hard_one(), a_known()))

    assert hard["title"] == (
        r"{{CAR-T \& 50\% of \{B\} cells: TNF-{$\alpha$} {\textless}b{\textgreater}x"
        r"\textsubscript{1} \#1 {$\geq$} 2}}"
    )
    assert hard["author"] == (
        "{M\u00fcller-L\u00fcdenscheidt, J\u00fcrgen B and O'Brien, K and "
        r"{The \{Group\} \& Friends}}"
    )
    assert (hard["month"], hard["pages"], hard["year"]) == ("sep", "{123--129}", "{2026}")
    assert hard["doi"] == "{10.1002/(SICI)1097<1::AID>3.0.CO;2-#}"
    assert hard["note"].startswith("{RETRACTED: J Ex. 2026 Oct;1:2 (PMID 9)")
    assert r"5\$ \textasciitilde{} all" in hard["abstract"]
    assert hard["key"] == "mullerludenscheidt2026pmid40000007"
    assert plain["key"] == "2026pmid40000001"


def test_keys_are_letters_and_digits_whatever_the_name() -> None:
    for name in ("\u738b", "van der Berg", "{", "", None):
        found = key(a_known(authors=(Author(last_name=name),)).entry)
        assert re.fullmatch(r"[a-z0-9]+", found)


@given(st.text(max_size=60))
def test_no_text_escapes_latex_or_its_braces(text: str) -> None:
    written = escaped(text)

    assert bibtex(f"@article{{a,\n  title = {{{written}}},\n}}\n")[0]["title"] == f"{{{written}}}"
    assert not re.search(r"(?<!\\)[&%#_]", written)


def test_csv_is_read_back_and_no_cell_is_a_formula() -> None:
    evil = a_known(title='=HYPERLINK("http://x")', doi="@sum", authors=(Author(last_name="+1"),))
    text = written("csv", a_hard_one(), evil)

    assert text.startswith("\ufeffpmid,doi,")
    rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True))

    hard, harmless = rows
    assert hard["pmid"] == "40000007"
    assert (hard["status"], hard["modality"], hard["disease"]) == (
        "retracted",
        "CD19 CAR-T",
        "Lupus",
    )
    assert (hard["published"], hard["found"], hard["trials"]) == (
        "2026-09-08",
        "2026-09-07",
        "NCT01234567",
    )
    assert hard["authors"].split("; ")[0] == "M\u00fcller-L\u00fcdenscheidt, J\u00fcrgen B"
    assert harmless["title"] == '\'=HYPERLINK("http://x")'
    assert harmless["doi"] == "'@sum"
    assert harmless["authors"] == "'+1"
    assert text.count("\r\n") == 3


def test_json_lines_are_what_the_classifier_reads() -> None:
    first, second = written("jsonl", a_hard_one(), a_known()).splitlines()

    assert read_line(first).article == a_hard_one().entry.article
    assert json.loads(second)["classification"]["labels"][0]["id"] == "cd19-car-t"
    assert "poll_id" not in json.loads(second)


_TEXTS = st.text(max_size=80)


@example("", "", "\\", "")
@given(_TEXTS, _TEXTS, _TEXTS, _TEXTS)
def test_any_record_is_one_record_in_every_form(
    title: str, name: str, doi: str, pages: str
) -> None:
    known = a_known(
        title=title, doi=doi, authors=(Author(last_name=name), Author(collective_name=name)),
        keywords=(title, name),
    )  # fmt: skip
    entry = known.entry
    journal = entry.article.journal.model_copy(update={"pages": pages, "volume": name})
    article = entry.article.model_copy(update={"journal": journal})
    known = Known(**{**vars(known), "entry": entry.model_copy(update={"article": article})})

    assert len(ris(written("ris", known))) == 1
    assert len(bibtex(written("bib", known))) == 1
    (read,) = nbib(written("nbib", known))
    assert read["PMID"] == "40000001"
    cells = io.StringIO(written("csv", known), newline="")
    assert len(list(csv.reader(cells, strict=True))) == 2
