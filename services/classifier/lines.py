"""Article lines: one JSON object a line, as other programs hand us articles to label.

Three forms are read. The plain one has `title`, and perhaps `id`, `pmid`, `abstract` (text, or a
list of texts), `journal`, `pub_types`, `mesh`, `keywords`, `trial_ids`. The others are our own: an
article as `shared.article` writes it, and an event that carries one. Other fields are passed over.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from shared.article import Article
from shared.errors import Permanent


class Unreadable(Permanent):
    """A line that is not an article. `id` is the line's own, where it has one."""

    def __init__(self, message: str, line_id: object = None) -> None:
        super().__init__(message)
        self.id = line_id


@dataclass(frozen=True, slots=True)
class Line:
    """One article line. `whole` says that its abstract is one text, not a list of sections.

    `fields` is the line as it stands, for those who know more fields of it.
    """

    id: object
    article: Article
    whole: bool
    fields: Mapping[str, Any]


def read_line(line: bytes | str) -> Line:
    """Read one line.

    Raises:
        Unreadable: not JSON, not an object, or a field that is wrong; it names the field.
    """
    fields = _object(line)
    carried = _carried(fields)
    line_id = fields.get("id", (carried or fields).get("pmid"))
    try:
        if carried is not None:
            article = Article.model_validate({"pmid": 0, **carried})
            return Line(line_id, article, False, fields)
        article = Article.model_validate(_plain(fields))
    except ValidationError as error:
        raise Unreadable(_fault(error), line_id) from error
    except (TypeError, ValueError) as error:
        raise Unreadable(str(error), line_id) from error
    return Line(line_id, article, not isinstance(fields.get("abstract"), list), fields)


def _object(line: bytes | str) -> dict[str, Any]:
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"not JSON: {error}; give one object a line") from error
    if not isinstance(fields, dict):
        raise Unreadable("not a JSON object; give one object a line, with a title")
    return fields


def _carried(fields: dict[str, Any]) -> dict[str, Any] | None:
    """The article of our own form that a line is or carries; None in the plain form."""
    data = fields.get("data", fields)
    article = data.get("article") if isinstance(data, dict) else None
    if isinstance(article, dict):
        return article
    own = "publication_types" in fields or isinstance(fields.get("journal"), dict)
    return fields if own else None


def _plain(fields: dict[str, Any]) -> dict[str, Any]:
    if fields.get("title") is None and fields.get("abstract") is None:
        raise ValueError("no title and no abstract: give at least one of them")
    return {
        "pmid": _pmid(fields.get("pmid")),
        "title": fields.get("title") or "",
        "abstract": _sections(fields.get("abstract")),
        "publication_types": fields.get("pub_types") or (),
        "mesh": [_heading(name) for name in fields.get("mesh") or ()],
        "keywords": fields.get("keywords") or (),
        "trial_ids": fields.get("trial_ids") or (),
        "journal": {"title": fields.get("journal") or ""},
    }


def _pmid(given: object) -> int:
    """0 where none is given: labels do not depend on it."""
    text = str(given or "")
    return int(text) if text.isdecimal() and len(text) < 12 else 0


def _sections(abstract: object) -> list[object]:
    if not abstract:
        return []
    parts = abstract if isinstance(abstract, list) else [abstract]
    return [part if isinstance(part, dict) else {"text": part} for part in parts]


def _heading(name: object) -> object:
    return name if isinstance(name, dict) else {"name": name}


def _fault(error: ValidationError) -> str:
    fault = error.errors(include_input=False, include_url=False)[0]
    return f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}"
