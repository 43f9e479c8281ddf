"""WCAG 2.2, 1.4.3: text and its ground differ by 4.5 to 1, light and dark, as rendered."""

import re
from html.parser import HTMLParser

import pytest

from services.notifier.compose import Beside
from services.notifier.health import Trouble
from services.notifier.render import html, palette
from services.notifier.render.links import Links
from services.notifier.ties import Tie
from tests.contrast import contrast
from tests.unit.notifier.digests import a_coverage, a_digest, a_full_digest, a_notice, an_entry

VOID = {"meta", "br"}
COLOUR = r"(?<![-\w]){}:(#[0-9a-f]{{6}})"


class Painted(HTMLParser):
    """The (ink, ground) of every text, from inline styles or the rules of a style sheet."""

    def __init__(self, page: str, rules: dict[str, str]) -> None:
        super().__init__()
        self.rules = rules
        self.stack: list[tuple[str, str]] = [("#000000", "#ffffff")]
        self.pairs: set[tuple[str, str]] = set()
        self.feed(page[page.index("<body") :])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in VOID:
            return
        named = dict(attrs)
        classed = self.rules.get(named.get("class") or "", "")
        css = f"{named.get('style') or ''};{classed}"
        ink = re.findall(COLOUR.format("color"), css)
        ground = re.findall(COLOUR.format("background-color"), css)
        above = self.stack[-1]
        self.stack.append(((ink or [above[0]])[-1], (ground or [above[1]])[-1]))

    def handle_endtag(self, tag: str) -> None:
        self.stack.pop()

    def handle_data(self, data: str) -> None:
        if data.replace("\xa0", " ").strip():
            self.pairs.add(self.stack[-1])


def pages() -> list[str]:
    alarm = Trouble(what="similar articles", why="busy", alarm=True)
    tie = Tie(kind="published-as", pmid=9)
    corrected = a_digest(
        notices=(a_notice(kind="corrected"), a_notice(kind="deleted")),
        coverage=a_coverage(healthy=False, polls=0, troubles=(alarm,)),
        beside=Beside(background=(an_entry(1),), ties={1: (tie,)}),
    )
    return [
        html.render(a_full_digest(), Links(leave="https://c.example/leave")),
        html.render(corrected),
    ]


def test_the_measure_itself_knows_black_on_white() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("page", pages(), ids=["full", "corrected"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_text_meets_aa(page: str, dark: bool) -> None:
    rules = dict(re.findall(r"^\.([\w-]+)\{(.*)\}$", str(palette.dark_rules()), re.MULTILINE))
    pairs = Painted(page, rules if dark else {}).pairs

    assert len(pairs) >= 5
    assert {pair: round(contrast(*pair), 2) for pair in pairs if contrast(*pair) < 4.5} == {}


@pytest.mark.parametrize("colours", [palette.LIGHT, palette.DARK], ids=["light", "dark"])
def test_bars_stand_out_by_three_to_one(colours: dict[str, palette.Paint]) -> None:
    bar, card = colours["bar"].ground, colours["card"].ground

    assert bar
    assert card
    assert contrast(bar, card) >= 3


def test_every_light_colour_has_a_dark_one_and_the_rules_reach_the_page() -> None:
    assert palette.LIGHT.keys() == palette.DARK.keys()
    assert "@media (prefers-color-scheme:dark)" in pages()[0]
    assert str(palette.dark_rules()) in pages()[0]
