"""What must hold of a page of HTML that is mailed, told as a list of faults."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import pairwise
from urllib.parse import urlsplit

from tests.contrast import contrast

VOID = {"meta", "br", "hr", "img", "link"}
MAY = {
    "html", "head", "meta", "title", "style", "body", "div", "table", "tr", "td", "th", "p", "h1",
    "h2", "h3", "a", "span", "em", "strong", "br", "img", "i", "b", "sub", "sup",
}  # fmt: skip
"""Elements of a mail. What runs, loads, or is sent back is not among them."""

_ATTRIBUTES = {
    "lang", "charset", "name", "content", "class", "style", "role", "width", "height", "align",
    "cellpadding", "cellspacing", "href", "src", "alt", "scope",
}  # fmt: skip
_UNDRAWN = re.compile(r"display:\s*(flex|grid)|position:|float:|url\(|@import|expression\(")
_URL = re.compile(r"https?://[!#-;=?-~]+")
_COLOUR = r"(?<![-\w]){}:\s*(#[0-9a-f]{{6}})"


class Page(HTMLParser):
    """A page as it is read: links, headings, words, pictures, and the colours of its texts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.faults: list[str] = []
        self.headings: list[tuple[int, str]] = []
        self.links: list[str] = []
        self.pictures: list[dict[str, str]] = []
        self.language = ""
        self.rules: dict[str, dict[str, str]] = {}
        self._tables: list[str] = []
        self._words: list[str] = []
        self._linked = ""
        self._grounds: list[tuple[str, dict[str, str]]] = [("", {})]
        self.painted: set[tuple[str, str]] = set()
        self.feed(page)
        self.close()
        self.faults += [f"<{tag}> is not closed" for tag in self.open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attrs}
        self._judge(tag, named)
        self._note(tag, named)
        if tag not in VOID:
            self.open.append(tag)
            self._grounds.append((named.get("class", ""), _painted(named.get("style", ""))))
        elif tag == "br":
            self._words.append(" ")

    def _judge(self, tag: str, named: dict[str, str]) -> None:
        if tag not in MAY:
            self.faults.append(f"<{tag}> has no place in a mail")
        self.faults += [f"an attribute {name}" for name in named.keys() - _ATTRIBUTES]
        if _UNDRAWN.search(named.get("style", "")):
            self.faults.append(f"a style that is not drawn everywhere: {named['style']}")

    def _note(self, tag: str, named: dict[str, str]) -> None:
        if tag == "table":
            self._tables.append("layout" if named.get("role") == "presentation" else "bare")
        if tag == "th" and self._tables:
            self._tables[-1] = "data" if self._tables[-1] == "bare" else self._tables[-1]
        if tag == "html":
            self.language = named.get("lang", "")
        if tag == "img":
            self.pictures.append(named)
        if tag == "a":
            self.links.append(named.get("href", ""))
            self._linked = ""
        if tag in {"h1", "h2", "h3"}:
            self.headings.append((int(tag[1]), ""))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open[-1] != tag:
            self.faults.append(f"</{tag}> closes nothing")
            return
        self.open.pop()
        self._grounds.pop()
        if tag == "table" and self._tables.pop() == "bare":
            self.faults.append("a table that does not say that it is layout, and heads nothing")
        if tag in {"p", "td", "th", "h1", "h2", "h3", "div", "tr"}:
            self._words.append(" ")
        if tag == "a" and not self._linked.strip():
            self.faults.append("a link without words")

    def handle_data(self, data: str) -> None:
        if "style" in self.open:
            self.rules |= _rules(data)
            return
        if "head" in self.open:
            return
        self._words.append(data)
        self._linked += data
        if {"h1", "h2", "h3"} & set(self.open):
            level, told = self.headings[-1]
            self.headings[-1] = (level, told + data)
        if data.replace("\xa0", " ").strip():
            self.painted.add(self._colours({}))
            self.painted.add(self._colours(self.rules))

    def _colours(self, rules: dict[str, dict[str, str]]) -> tuple[str, str]:
        ink, ground = "#000000", "#ffffff"
        for classed, own in self._grounds:
            told = {**own, **rules.get(classed, {})}
            ink, ground = told.get("color", ink), told.get("background-color", ground)
        return ink, ground

    @property
    def seen(self) -> str:
        """The words of the page, on one line."""
        return " ".join("".join(self._words).split())

    @property
    def said_of_pictures(self) -> str:
        """The words in the pictures' place."""
        return " ".join(one.get("alt", "") for one in self.pictures)


def page_faults(html: str, pictures: set[str]) -> Iterator[str]:
    """What is wrong with a page that brings these `pictures` with it."""
    page = Page(html)
    yield from page.faults
    if page.language != "en" or not re.search(r"<title>[^<]+</title>", html):
        yield "a page without language or title"
    levels = [level for level, _ in page.headings]
    if levels[:1] != [1] or levels.count(1) != 1:
        yield "not one heading of the first level, on top"
    if any(lower - upper > 1 for upper, lower in pairwise(levels)):
        yield f"headings skip a level: {levels}"
    if any(not told.strip() for _, told in page.headings):
        yield "a heading without words"
    for url in page.links:
        if not _URL.fullmatch(url) or not urlsplit(url).hostname or "utm_" in url:
            yield f"a link that leads nowhere, or tracks: {url!r}"
    yield from _picture_faults(page, pictures)
    for ink, ground in sorted(page.painted):
        if contrast(ink, ground) < 4.5:
            yield f"{ink} on {ground} is {contrast(ink, ground):.2f} to 1"
    if any(sheet in html for sheet in ("<link", "@import", "url(", "<script", "<base")):
        yield "something is loaded from elsewhere"


def _picture_faults(page: Page, pictures: set[str]) -> Iterator[str]:
    sources = [one.get("src", "") for one in page.pictures]
    if set(sources) != pictures or len(sources) != len(pictures):
        yield f"pictures are not those that come with the mail: {sources}"
    for one in page.pictures:
        sized = one.get("width", ""), one.get("height", "")
        if not one.get("alt", "").strip() or not all(x.isdigit() and int(x) > 9 for x in sized):
            yield "a picture without words or size"


def words_of(text: str) -> set[str]:
    """The words and numbers, whatever the case."""
    return set(re.findall(r"\w+", text.casefold()))


def _rules(sheet: str) -> dict[str, dict[str, str]]:
    """By class, the colours that the rules for dark give."""
    found = re.findall(r"^\.([\w-]+)\{(.*)\}$", sheet, re.MULTILINE)
    return {name: _painted(css) for name, css in found}


def _painted(css: str) -> dict[str, str]:
    names = ("color", "background-color")
    found = {name: re.findall(_COLOUR.format(name), css) for name in names}
    return {name: colours[-1] for name, colours in found.items() if colours}
