"""Answers that look healthy and are not: something missing, doubled, mixed up or misread."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from services.ncbi_sim.answers import JSON, XML, Answer
from services.ncbi_sim.params import Params

_RECORD = re.compile(rb"<PubmedArticle>.*?</PubmedArticle>", re.DOTALL)
_OWN_PMID = re.compile(rb"(<PubmedArticle>.*?<PMID[^>]*>)(\d+)(</PMID>)", re.DOTALL)
_ID = re.compile(rb"<Id>\d+</Id>")
_COUNT = re.compile(rb"<Count>(\d+)</Count>")
_LINKS = re.compile(rb"<LinkSetDb>.*?</LinkSetDb>", re.DOTALL)
_FIELD_NOT_FOUND = re.compile(rb"<FieldNotFound>[^<]*</FieldNotFound>")
_PHRASE = re.compile(r'"([^"\d][^"]*)"(?=\s*\[)')
_TAG = re.compile(r"\[(ti|tiab|mh|ot|majr|tw)\]", re.IGNORECASE)

_MARK = "qzxvjq"
"""Letters that no word of any catalogue has beside it."""
NOBODYS_PMID = b"99999990"
_NOBODYS_UID = "999999990"
_STACK = (
    b"<TranslationStack><TermSet><Term>of old[All Fields]</Term><Field>All Fields</Field>"
    b"<Count>0</Count><Explode>N</Explode></TermSet><OP>GROUP</OP></TranslationStack>"
)


@dataclass(frozen=True)
class Asked:
    """A request, what it would be answered, and how else it may be asked.

    `number` counts the failures before, so that not always the first record is hit; `seconds` is
    how long a slow answer takes.
    """

    endpoint: str
    params: Params
    healthy: Answer
    again: Callable[[Params], Answer]
    number: int = 0
    seconds: float = 2.0

    @property
    def body(self) -> bytes:
        """The healthy bytes."""
        return self.healthy.body

    @property
    def in_json(self) -> bool:
        """Whether the healthy answer is JSON."""
        return self.healthy.media_type == JSON

    def spoilt(self, body: bytes) -> Answer:
        """The healthy answer with another body."""
        return replace(self.healthy, body=body)

    def pick(self, found: list[Any]) -> Any:
        """One of several, another one each time."""
        return found[self.number % len(found)]


def has_records(asked: Asked) -> bool:
    """Whether the answer is a set with at least one record."""
    return asked.healthy.media_type == XML and _RECORD.search(asked.body) is not None


def one_record(asked: Asked, change: Callable[[bytes], bytes]) -> Answer:
    """The set with one of its records changed."""
    found = asked.pick(list(_RECORD.finditer(asked.body)))
    body = asked.body
    return asked.spoilt(body[: found.start()] + change(found[0]) + body[found.end() :])


def without(_record: bytes) -> bytes:
    """Nothing."""
    return b""


def doubled(record: bytes) -> bytes:
    """The record twice."""
    return record + record


def of_nobody(record: bytes) -> bytes:
    """The record under a PMID nobody asked for."""
    return _OWN_PMID.sub(rb"\g<1>" + NOBODYS_PMID + rb"\g<3>", record, count=1)


def without_pmid(record: bytes) -> bytes:
    """The record with an empty PMID."""
    return _OWN_PMID.sub(rb"\g<1>\g<3>", record, count=1)


def malformed(record: bytes) -> bytes:
    """The record without the end of its title: from there on it is no XML."""
    return record.replace(b"</ArticleTitle>", b"", 1)


def has_ids(asked: Asked) -> bool:
    """Whether the search found something and says what."""
    if asked.in_json:
        return bool(_search_json(asked).get("idlist"))
    return b"<IdList>" in asked.body and _ID.search(asked.body) is not None


def ids_missing(asked: Asked) -> Answer:
    """One id fewer, under the same count."""
    if asked.in_json:
        result = _search_json(asked)
        gone = asked.pick(result["idlist"])
        return _with_search(asked, idlist=[uid for uid in result["idlist"] if uid != gone])
    found = asked.pick(list(_ID.finditer(asked.body)))
    return asked.spoilt(asked.body[: found.start()] + asked.body[found.end() :])


def count_wrong(asked: Asked) -> Answer:
    """A count that is one less than what there is."""
    if asked.in_json:
        return _with_search(asked, count=str(int(_search_json(asked)["count"]) - 1))

    def fewer(found: re.Match[bytes]) -> bytes:
        return b"<Count>%d</Count>" % (int(found[1]) - 1)

    return asked.spoilt(_COUNT.sub(fewer, asked.body, count=1))


def has_translation(asked: Asked) -> bool:
    """Whether the answer is a whole one in XML."""
    return b"<QueryTranslation>" in asked.body


def with_stack(asked: Asked) -> Answer:
    """The answer with the TranslationStack it had of old, which holds counts of its own."""
    mark = b"<QueryTranslation>"
    return asked.spoilt(asked.body.replace(mark, _STACK + mark, 1))


def has_links(asked: Asked) -> bool:
    """Whether there is a link in the answer."""
    return b'"linksetdbs"' in asked.body or _LINKS.search(asked.body) is not None


def links_missing(asked: Asked) -> Answer:
    """What an article without links is answered."""
    if not asked.in_json:
        return asked.spoilt(_LINKS.sub(b"", asked.body))
    content = json.loads(asked.body, strict=False)
    for link_set in content["linksets"]:
        link_set.pop("linksetdbs", None)
    return asked.spoilt(_dump(content))


def has_summaries(asked: Asked) -> bool:
    """Whether a PMID was asked for by an id list."""
    return any(uid.isdigit() for uid in asked.params.ids())


def summary_missing(asked: Asked) -> Answer:
    """One of the PMIDs is answered as unknown, beside the others."""
    gone = asked.pick([uid for uid in asked.params.ids() if uid.isdigit()])
    uids = [_NOBODYS_UID if uid == gone else uid for uid in asked.params.ids()]
    answer = asked.again(asked.params.replaced(id=",".join(uids)))
    return replace(answer, body=answer.body.replace(_NOBODYS_UID.encode(), gone.encode()))


def has_phrase(asked: Asked) -> bool:
    """Whether the query holds a quoted phrase."""
    return _PHRASE.search(asked.params.get("term")) is not None


def phrase_dropped(asked: Asked) -> Answer:
    """The answer if PubMed did not know one of the quoted phrases: it leaves it out."""
    found = asked.pick(list(_PHRASE.finditer(asked.params.get("term"))))
    return _misread(asked, found.end(1), f" {_MARK}")


def has_tag(asked: Asked) -> bool:
    """Whether the query names a field."""
    return _TAG.search(asked.params.get("term")) is not None


def field_dropped(asked: Asked) -> Answer:
    """The answer if PubMed did not know one of the fields: it searches all fields."""
    found = asked.pick(list(_TAG.finditer(asked.params.get("term"))))
    return _misread(asked, found.end(1), _MARK)


def field_silent(asked: Asked) -> Answer:
    """The same without a remark: only the translation of the query shows it."""
    answer = field_dropped(asked)
    if not asked.in_json:
        return replace(answer, body=_FIELD_NOT_FOUND.sub(b"", answer.body))
    content = json.loads(answer.body, strict=False)
    content["esearchresult"].get("errorlist", {})["fieldsnotfound"] = []
    return replace(answer, body=_dump(content))


def _misread(asked: Asked, at: int, mark: str) -> Answer:
    """What is answered to the query with a mark in it, which is then taken out of the answer."""
    term = asked.params.get("term")
    answer = asked.again(asked.params.replaced(term=term[:at] + mark + term[at:]))
    return replace(answer, body=answer.body.replace(mark.encode(), b""))


def _search_json(asked: Asked) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(asked.body, strict=False).get("esearchresult", {})
    return result


def _with_search(asked: Asked, **changed: Any) -> Answer:
    content = json.loads(asked.body, strict=False)
    content["esearchresult"] |= changed
    return asked.spoilt(_dump(content))


def _dump(content: Any) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
