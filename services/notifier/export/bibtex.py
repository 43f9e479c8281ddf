r"""BibTeX, in UTF-8, with what LaTeX would obey escaped and Greek letters as LaTeX knows them.

Titles stand in double braces, so that no style changes "CAR" to "car". `doi` and `url` are verbatim
fields (biblatex 3.20, section 2.2.1): nothing is escaped in them.
"""

import re
import unicodedata
from collections.abc import Iterator
from html import unescape

from services.notifier.export.parts import (
    abstract,
    first_and_last,
    labels,
    notes,
    one_line,
    person,
    why,
    year,
)
from services.notifier.item import item
from services.notifier.render.html import title_markup
from services.notifier.render.words import doi_url, pubmed
from shared.article import Author
from shared.events import Classified

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_SIGNS = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "&": r"\&", "%": r"\%", "$": r"\$",
    "#": r"\#", "_": r"\_", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "\u2265": r"{$\geq$}", "\u2264": r"{$\leq$}", "\u00b1": r"{$\pm$}", "\u00d7": r"{$\times$}",
    "\u2212": r"{$-$}", "\u2192": r"{$\rightarrow$}", "\u2248": r"{$\approx$}",
    "<": r"{\textless}", ">": r"{\textgreater}", "\u00b5": r"{$\mu$}", "\u00a0": "~",
    "\u207a": r"\textsuperscript{+}", "\u207b": r"\textsuperscript{--}",
}  # fmt: skip
_NO_COMMAND = {
    "\u0391": "A", "\u0392": "B", "\u0395": "E", "\u0396": "Z", "\u0397": "H", "\u0399": "I",
    "\u039a": "K", "\u039c": "M", "\u039d": "N", "\u039f": "O", "\u03a1": "P", "\u03a4": "T",
    "\u03a7": "X", "\u03bf": "o",
}  # fmt: skip
"""Greek letters that look like Latin ones: LaTeX has no command for them."""
_COMMANDS = {
    "i": r"\emph{", "em": r"\emph{", "b": r"\textbf{", "strong": r"\textbf{",
    "sup": r"\textsuperscript{", "sub": r"\textsubscript{",
}  # fmt: skip
_TAG = re.compile(r"<(/?)(i|em|b|strong|sup|sub)>")


def record(entry: Classified) -> str:
    """One entry, with the empty line behind it."""
    lines = [f"  {name} = {value}," for name, value in _fields(entry) if value]
    return "\n".join([f"@article{{{key(entry)},", *lines, "}", "", ""])


def key(entry: Classified) -> str:
    """As in "okafor2026pmid40000001": letters and digits only, and another for each article."""
    authors = entry.article.authors
    name = (authors[0].last_name or authors[0].collective_name or "") if authors else ""
    bare = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    letters = re.sub(r"[^a-z]", "", bare.lower())[:30]
    return f"{letters}{year(entry.article) or ''}pmid{entry.article.pmid}"


def _fields(entry: Classified) -> Iterator[tuple[str, str]]:
    article, journal = entry.article, entry.article.journal
    month = article.published.month
    yield "title", f"{{{{{_title(entry)}}}}}"
    yield "author", _braced(" and ".join(filter(None, map(_author, article.authors))))
    yield "journal", _text(journal.title or journal.abbreviation)
    yield "year", _text(str(year(article) or ""))
    yield "month", _MONTHS[month - 1] if month and 1 <= month <= 12 else ""
    yield "volume", _text(journal.volume)
    yield "number", _text(journal.issue)
    yield "pages", _text("--".join(filter(None, first_and_last(journal.pages))))
    yield "issn", _text(journal.issn)
    yield "doi", _verbatim(article.doi)
    yield "url", _verbatim(doi_url(article.doi) if article.doi else pubmed(article.pmid))
    yield "pmid", _text(str(article.pmid))
    yield "pmcid", _text(article.pmcid)
    yield "language", _text(", ".join(article.languages))
    yield "keywords", _text(", ".join(dict.fromkeys((*labels(entry), *article.keywords))))
    yield "abstract", _text(abstract(article))
    yield "note", _text(". ".join((*notes(entry), why(entry))))


def _title(entry: Classified) -> str:
    """The title with its italics, sub- and superscripts as commands."""
    markup = str(title_markup(item(entry)))
    parts: list[str] = []
    at = 0
    for tag in _TAG.finditer(markup):
        parts.append(escaped(unescape(markup[at : tag.start()])))
        parts.append("}" if tag[1] else _COMMANDS[tag[2]])
        at = tag.end()
    return "".join((*parts, escaped(unescape(markup[at:]))))


def _author(author: Author) -> str:
    """A group's name stands in braces of its own: it is no first and last name."""
    name = escaped(person(author))
    return _braced(name) if author.collective_name else name


def _text(value: str | None) -> str:
    return _braced(escaped(one_line(value)))


def _braced(value: str) -> str:
    return f"{{{value}}}" if value else ""


def _verbatim(value: str | None) -> str:
    bare = one_line(value)
    for sign in "{}\\":  # the last one before a brace would take its meaning from it
        bare = bare.replace(sign, f"%{ord(sign):02X}")
    return _braced(bare)


def escaped(text: str) -> str:
    """The text as LaTeX prints it."""
    return "".join(_sign(sign) for sign in text)


def _sign(sign: str) -> str:
    if sign in _SIGNS:
        return _SIGNS[sign]
    if "\u0391" <= sign <= "\u03c9":
        return _greek(sign)
    return sign


def _greek(sign: str) -> str:
    if sign in _NO_COMMAND:
        return _NO_COMMAND[sign]
    words = unicodedata.name(sign, "").split()
    if len(words) != 4:  # accented, or the other sigma
        return r"{$\varsigma$}" if sign == "\u03c2" else sign
    name = words[-1].lower().replace("lamda", "lambda")
    return rf"{{$\{name if words[1] == 'SMALL' else name.capitalize()}$}}"
