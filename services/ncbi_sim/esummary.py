"""esummary.fcgi: document summaries, as JSON and as XML of version 2.0 or 1.0 (the default)."""

from typing import Any
from xml.sax.saxutils import escape

from lxml import etree

from services.ncbi_sim.answers import (
    ESUMMARY,
    ESUMMARY_V1,
    Answer,
    add,
    json_answer,
    json_error,
    xml_answer,
    xml_error,
)
from services.ncbi_sim.docsum import summary
from services.ncbi_sim.docsum_v1 import doc_sum
from services.ncbi_sim.history import History, UnknownQueryError
from services.ncbi_sim.paging import StartError
from services.ncbi_sim.params import Params
from services.ncbi_sim.record import Record
from services.ncbi_sim.selection import selected
from services.ncbi_sim.view import View

MAX_JSON_IDS = 500

_TOO_MANY = (
    f"Too many UIDs in request. Maximum number of UIDs is {MAX_JSON_IDS} for JSON format output."
)
_UNKNOWN = "cannot get document summary"

# The element that repeats inside a list element.
_ITEMS = {
    "Authors": "Author",
    "Lang": "string",
    "PubType": "flag",
    "ArticleIds": "ArticleId",
    "History": "PubMedPubDate",
    "References": "Reference",
    "Attributes": "flag",
}


def esummary(params: Params, view: View, history: History) -> Answer:
    """Answer with the summaries of an id list or of a page of a kept set."""
    try:
        uids = selected(params, history)
    except (UnknownQueryError, StartError) as error:
        return esummary_error(params, str(error))
    if not uids:
        return esummary_error(params, "Empty id list - nothing todo")
    if params.wants_json:
        return _json(uids, view)
    return _xml(uids, view) if params.get("version") == "2.0" else _xml_v1(uids, view)


def esummary_error(params: Params, message: str) -> Answer:
    """An error in esummary's envelope; in JSON it stands under a key of its own."""
    if params.wants_json:
        return json_error("esummary", {"esummaryresult": [message]}, header=False)
    return xml_error(message, ESUMMARY)


def _json(uids: list[str], view: View) -> Answer:
    if len(uids) > MAX_JSON_IDS:
        return json_error("esummary", {"error": _TOO_MANY})
    for position, uid in enumerate(uids):
        if not uid.isdigit():
            message = f"Invalid uid {uid} at position= {position}"
            return json_error("esummary", {"error": message, "result": {"uids": []}})
    content: dict[str, Any] = {"uids": uids}
    for uid in uids:
        record = view.by_pmid.get(uid)
        content[uid] = {"uid": uid, **(_json_summary(record) if record else {"error": _UNKNOWN})}
    return json_answer("esummary", {"result": content})


def _json_summary(record: Record) -> dict[str, Any]:
    """In JSON, NCBI escapes the markup of titles as if it were XML."""
    content = _lower(summary(record))
    return {**content, "title": escape(content["title"])}


def _lower(value: Any) -> Any:
    if isinstance(value, dict):
        return {name.lower(): _lower(inner) for name, inner in value.items()}
    return [_lower(inner) for inner in value] if isinstance(value, list) else value


def _xml(uids: list[str], view: View) -> Answer:
    root = etree.Element(ESUMMARY.root)
    summaries = add(root, "DocumentSummarySet", status="OK")
    for uid in uids:
        element = add(summaries, "DocumentSummary", uid=uid)
        record = view.by_pmid.get(uid)
        if record is None:
            add(element, "error", _UNKNOWN)
        else:
            _fill(element, summary(record))
    return xml_answer(root, ESUMMARY)


def _fill(element: etree._Element, content: dict[str, Any]) -> None:
    for name, value in content.items():
        if not isinstance(value, list):
            add(element, name, value)
            continue
        parent = add(element, name)
        for item in value:
            if isinstance(item, dict):
                _fill(add(parent, _ITEMS[name]), item)
            else:
                add(parent, _ITEMS[name], item)


def _xml_v1(uids: list[str], view: View) -> Answer:
    root = etree.Element(ESUMMARY_V1.root)
    for uid in uids:
        record = view.by_pmid.get(uid)
        if record is None:
            add(root, "ERROR", f"UID={uid}: {_UNKNOWN}")
        else:
            root.append(doc_sum(record))
    return xml_answer(root, ESUMMARY_V1)
