"""The query language: what is parsed into what."""

from datetime import date

import pytest

from shared.pubmed_query.dates import first_day, last_day
from shared.pubmed_query.parse import MAX_DEPTH, QueryError, parse
from shared.pubmed_query.tree import Combination, DateRange, LastDays, Node, Term


def shown(node: Node | None) -> str:
    """The tree in a short notation, every combination in brackets."""
    if isinstance(node, Combination):
        return f"<{shown(node.left)} {node.operator} {shown(node.right)}>"
    if isinstance(node, DateRange):
        return f"{node.start}..{node.end}:{node.field.key}"
    if isinstance(node, LastDays):
        return f"last {node.days}:{node.field.key}"
    if isinstance(node, Term):
        text = f'"{node.text}"' if node.quoted else node.text
        return f"{text}:{node.field.key}"
    return "nothing"


@pytest.mark.parametrize(
    ("query", "tree"),
    [
        ("a1 OR b1 AND c1", "<<a1:all OR b1:all> AND c1:all>"),
        ("a1 AND b1 OR c1 NOT d1", "<<<a1:all AND b1:all> OR c1:all> NOT d1:all>"),
        ("a1 OR (b1 AND c1)", "<a1:all OR <b1:all AND c1:all>>"),
        ("((a1))", "a1:all"),
        ("lupus nephritis", "lupus nephritis:all"),
        ('lupus "car t" nephritis', '<<lupus:all AND "car t":all> AND nephritis:all>'),
        ("lupus nephritis[tiab]", "lupus nephritis:tiab"),
        ("lupus[TIAB] OR x1[Title/Abstract]", "<lupus:tiab OR x1:tiab>"),
        ('"systemic lupus"[ti]', '"systemic lupus":ti'),
        ("autoimmun*[ab]", "autoimmun*:ab"),
        ("review[pt] NOT mice[mh]", "<review:pt NOT mice:mh>"),
        ("Vukovic J[Author] AND eng[la]", "<Vukovic J:au AND eng:la>"),
        ("2026/09/01:2026/09/14[crdt]", "2026-09-01..2026-09-14:crdt"),
        ("lupus AND 2024:2026/02[dp]", "<lupus:all AND 2024-01-01..2026-02-28:pdat>"),
        (
            '("2020/01/01"[Date - Create] : "3000"[Date - Create])',
            "2020-01-01..3000-12-31:crdt",
        ),
        ("2026/09[edat]", "2026-09-01..2026-09-30:edat"),
        ('"last 7 days"[crdt]', "last 7:crdt"),
        ("39450112[pmid]", "39450112:uid"),
        ("(a1 OR b1", "<a1:all OR b1:all>"),
        ("a1 OR b1)", "<a1:all OR b1:all>"),
        ("AND a1 OR", "a1:all"),
        ("", "nothing"),
        ('"" [tiab]', "nothing"),
    ],
)
def test_a_query_is_read_as_pubmed_reads_it(query: str, tree: str) -> None:
    assert shown(parse(query).tree) == tree


def test_an_unknown_tag_is_reported_and_the_term_searched_everywhere() -> None:
    query = parse("lupus[nosuchfield]")
    assert query.unknown_fields == ("nosuchfield",)
    assert shown(query.tree) == "lupus:all"


def test_a_range_of_an_unknown_field_is_searched_as_text() -> None:
    query = parse("2020:2022[volume]")
    assert query.unknown_fields == ("volume",)
    assert isinstance(query.tree, Term)


def test_a_tag_on_a_group_is_ignored() -> None:
    query = parse("(asthma OR copd)[tiab]")
    assert query.group_tag_ignored
    assert shown(query.tree) == "<asthma:all OR copd:all>"


def test_small_words_are_left_out_of_untagged_text_only() -> None:
    assert parse("lupus of the mouse").ignored == ("of", "the")
    assert parse("diseases of the lung[ti]").ignored == ()


def test_operators_in_small_letters_are_words() -> None:
    assert shown(parse("lupus and nephritis").tree) == "lupus nephritis:all"


def test_endless_parentheses_are_refused() -> None:
    deep = MAX_DEPTH + 1
    with pytest.raises(QueryError, match="nested deeper than 50"):
        parse("(" * deep + "a1" + ")" * deep)


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2026", date(2026, 1, 1), date(2026, 12, 31)),
        ("2026/02", date(2026, 2, 1), date(2026, 2, 28)),
        ("2026-2-3", date(2026, 2, 3), date(2026, 2, 3)),
        ("2026/02/30", None, None),
        ("soon", None, None),
    ],
)
def test_a_date_covers_its_days(text: str, first: date | None, last: date | None) -> None:
    assert (first_day(text), last_day(text)) == (first, last)
