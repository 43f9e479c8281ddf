"""Elements of a page by the plainest of CSS selectors: `tag.class#id[name="value"]`, " ", " > "."""

import re

from lxml import html

_PART = re.compile(r'([.#])([\w-]+)|\[([\w-]+)="([^"]*)"\]')


def select(page: html.HtmlElement, selector: str) -> list[html.HtmlElement]:
    path = ""
    for step in re.split(r"\s+(?![^\[]*\])", selector.replace(" > ", " >")):
        child = step.startswith(">")
        bare = step.lstrip(">")
        tag = re.match(r"[\w-]*", bare)
        path += "/" if child else "//"
        path += (tag.group() if tag else "") or "*"
        for sign, word, name, value in _PART.findall(bare):
            if sign == ".":
                path += f'[contains(concat(" ", @class, " "), " {word} ")]'
            else:
                path += f'[@{"id" if sign else name}="{word or value}"]'
    found = page.xpath(f".{path}")
    assert isinstance(found, list)
    return found
