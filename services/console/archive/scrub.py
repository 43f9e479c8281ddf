"""Nothing that leads to a person, and no key, leaves with a recorded file.

Events hold neither by design. This is the second lock: whatever looks like an address, a key or a
webhook is taken out, but for the text of an article that labels point into by place.
"""

import re
from typing import Any

from pydantic_core import from_json, to_json

from services.console.archive.recorded import Recorded
from services.console.archive.upcast import read_event, upcast
from shared.errors import Permanent

REMOVED = "[removed]"

TEXT = frozenset({
    "title", "title_html", "vernacular_title", "abstract", "other_abstracts", "keywords", "mesh",
    "publication_types",
})  # fmt: skip
"""The fields of an article that are left as they are: labels show their words by place."""

_SECRETS = (
    re.compile(r"https?://\S*/(?:services|webhooks?|workflows)/\S+", re.IGNORECASE),
    re.compile(r"\bxox[a-z]-[\w-]+|\beyJ[\w-]+\.[\w.-]+|\bwhsec_[\w+/=-]+"),
    re.compile(r"\bbearer\s+[\w.~+/=-]+", re.IGNORECASE),
    re.compile(
        r"(?<![a-z])(?:api[_-]?key|token|secret|password|passwd|authorization)[\"']?\s*[=:]\s*"
        r"[\"']?[^\s&,;\"']+",
        re.IGNORECASE,
    ),
    re.compile(r"[^\s@<>()\[\],;:\"'/]+(?::[^\s@/]*)?@[^\s@<>()\[\],;:\"'/]+"),  # addresses
)


class Unscrubbable(Permanent):
    """An entry that could hold anything: it is not written to a file."""


def scrubbed(entry: Recorded) -> dict[str, Any]:
    """The event of an entry in today's version, without what looks like an address or a key.

    Raises:
        Unscrubbable: it is no event that is known, or is none any more without that.
    """
    try:
        event = from_json(upcast(entry.body))
        read_event(entry.body)
        clean: dict[str, Any] = _clean(event, ())
        read_event(to_json(clean))
    except (Permanent, ValueError) as error:
        raise Unscrubbable(str(error)) from error
    return clean


def _clean(value: Any, path: tuple[str, ...]) -> Any:
    if isinstance(value, str):
        return value if _is_text(path) else without_secrets(value)
    if isinstance(value, list):
        return [_clean(one, path) for one in value]
    if isinstance(value, dict):
        if any(without_secrets(key) != key for key in value):
            raise Unscrubbable("the name of a field looks like an address")
        return {key: _clean(one, (*path, key)) for key, one in value.items()}
    return value


def _is_text(path: tuple[str, ...]) -> bool:
    in_article = path[:2] == ("data", "article") and path[2:3] and path[2] in TEXT
    in_evidence = path[:2] == ("data", "classification") and path[-2:-1] == ("evidence",)
    return bool(in_article or (in_evidence and path[-1] in ("sentence", "matched")))


def without_secrets(text: str) -> str:
    """The text with what looks like an address, a key or a webhook replaced by `REMOVED`."""
    for pattern in _SECRETS:
        text = pattern.sub(REMOVED, text)
    return text
