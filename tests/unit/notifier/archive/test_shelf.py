"""Sets of bits give what going through all cards would give."""

from datetime import date, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.notifier.archive.asked import PAGE, Asked, answer, read
from services.notifier.archive.index import Card
from services.notifier.archive.shelf import changed, shelf

DAY = date(2026, 9, 7)
MODALITIES = ("caar-t", "car-nk", "cd19-car-t")


def _card(pmid: int, scope: str = "core", days: int = 0, relatedness: float = 0.5) -> Card:
    return Card(
        pmid=pmid, revision=1, status="published", scope=scope, journal="J Ex", month="2026-09",
        entered=DAY, found=DAY + timedelta(days=days), preprint=pmid % 2 == 0, background=False,
        relations="query", relatedness=relatedness,
    )  # fmt: skip


_CARDS = st.lists(
    st.tuples(
        st.sampled_from(["core", "oncology", "none", "unclear"]),
        st.integers(0, 5),
        st.frozensets(st.sampled_from(MODALITIES)),
        st.sampled_from([0.1, 0.5, 0.9]),
    ),
    max_size=60,
)


@given(
    _CARDS,
    st.frozensets(st.sampled_from(MODALITIES)),
    st.frozensets(st.sampled_from(["core", "oncology", "all"])),
    st.frozensets(st.sampled_from(["preprint", "article"])),
    st.none() | st.integers(0, 6),
    st.booleans(),
)
def test_it_is_what_going_through_all_would_give(
    rows: list[tuple[str, int, frozenset[str], float]],
    modality: frozenset[str],
    scope: frozenset[str],
    kind: frozenset[str],
    since: int | None,
    by_relatedness: bool,
) -> None:
    cards = [_card(n, r[0], r[1], r[3]) for n, r in reversed(list(enumerate(rows, 1)))]
    carried = {n: r[2] for n, r in enumerate(rows, 1)}
    on = shelf(
        cards, [("modality", m, m, [n for n in carried if m in carried[n]]) for m in MODALITIES]
    )
    asked = Asked(
        values={"modality": tuple(modality), "scope": tuple(scope), "kind": tuple(kind)},
        since=DAY + timedelta(days=since) if since is not None else None,
        order="related" if by_relatedness else "newest",
    )
    scopes = (
        {"core", "oncology", "none", "unclear"} if "all" in scope
        else scope or {"core", "adjacent", "unclear"}
    )  # fmt: skip

    def passes(card: Card, *, but: str = "") -> bool:
        return (
            (but == "scope" or card.scope in scopes)
            and (but == "modality" or not modality or bool(modality & carried[card.pmid]))
            and (but == "kind" or not kind or ("preprint" if card.preprint else "article") in kind)
            and (since is None or card.found >= DAY + timedelta(days=since))
        )

    found = answer(on, asked)

    expected = [card for card in cards if passes(card)]
    if by_relatedness:
        expected.sort(key=lambda card: (-card.relatedness, -card.pmid))
    assert found.pmids() == [card.pmid for card in expected]
    assert found.total == len(expected)
    for m in MODALITIES:
        among = [card for card in cards if passes(card, but="modality") and m in carried[card.pmid]]
        assert found.counts["modality"][m] == len(among)
    assert list(found.page()) == found.pmids()[:PAGE]


@given(_CARDS, _CARDS, st.data())
def test_changes_give_the_shelf_that_would_be_put_up_anew(
    before: list[tuple[str, int, frozenset[str], float]],
    after: list[tuple[str, int, frozenset[str], float]],
    data: st.DataObject,
) -> None:
    old = dict(enumerate(before, 1))
    new = {data.draw(st.integers(1, 90)): row for row in after}

    def put(rows: dict[int, tuple[str, int, frozenset[str], float]]) -> tuple[Any, Any]:
        cards = [_card(n, row[0], row[1], row[3]) for n, row in rows.items()]
        labelled = [
            ("modality", m, m.upper(), [n for n in rows if m in rows[n][2]]) for m in MODALITIES
        ]
        return cards, labelled

    one, other = changed(shelf(*put(old)), *put(new)), shelf(*put({**old, **new}))

    for asked in (Asked(), Asked(values={"scope": ("all",)}, order="related"),
                  Asked(values={"modality": ("caar-t",), "kind": ("preprint",)}),
                  Asked(since=DAY + timedelta(days=3))):  # fmt: skip
        found, expected = answer(one, asked), answer(other, asked)
        assert found.pmids() == expected.pmids()
        for facet, counts in expected.counts.items():
            assert {v: n for v, n in found.counts[facet].items() if n} == {
                v: n for v, n in counts.items() if n
            }


def test_the_last_page_is_shown_for_one_behind_it() -> None:
    on = shelf([_card(n) for n in range(60, 0, -1)], [])

    assert list(answer(on, Asked(page=9)).page()) == list(range(10, 0, -1))


def test_an_address_says_the_same_again() -> None:
    asked = read([
        ("q", " CAR-T & lupus "), ("modality", "caar-t"), ("modality", "car-nk"), ("year", "2026"),
        ("journal", "J Ex"), ("since", "2026-09-01"), ("sort", "related"), ("page", "3"),
    ])  # fmt: skip

    assert asked.query() == (
        "q=CAR-T+%26+lupus&modality=caar-t&modality=car-nk&year=2026&journal=J+Ex"
        "&since=2026-09-01&sort=related&page=3"
    )
    assert asked.at(1).query().endswith("sort=related")


def test_what_cannot_be_understood_is_not_asked() -> None:
    asked = read([
        ("since", "yesterday"), ("page", "-1"), ("page", "²"), ("sort", "x"), ("modality", ""),
        ("unknown", "x"), ("status", "\x00"), ("q", ""),
    ])  # fmt: skip

    assert asked == Asked()


def test_a_long_search_is_cut_not_forgotten() -> None:
    assert read([("q", "lupus " + "x" * 500)]).search.startswith("lupus xxx")
    assert read([("q", "two\nlines\x00")]).search == "two lines"
