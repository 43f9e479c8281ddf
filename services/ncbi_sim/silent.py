"""Failures without a word: connections that break, and answers that look healthy and are not."""

from collections.abc import Callable, Mapping
from functools import partial

from starlette.responses import Response

from services.ncbi_sim import spoil
from services.ncbi_sim.answers import Answer
from services.ncbi_sim.failures import respond
from services.ncbi_sim.kinds import (
    CYANHEADS,
    FETCH,
    LINK,
    NOT_REPORTED,
    SEARCH,
    SUMMARY,
    Failure,
    Kind,
)
from services.ncbi_sim.spoil import Asked
from services.ncbi_sim.wire import CutConnection, ResetConnection, SlowAnswer


def _has_body(asked: Asked) -> bool:
    return len(asked.body) > 1


def _cut(asked: Asked) -> Response:
    body = asked.body
    return CutConnection(body[: len(body) // 2], len(body), asked.healthy.media_type)


def _drop(asked: Asked) -> Response:
    return CutConnection(b"", 65_536, asked.healthy.media_type)


def _reset(asked: Asked) -> Response:
    return ResetConnection(b"", 65_536, asked.healthy.media_type)


def _record(says: str, source: str, change: Callable[[bytes], bytes]) -> Failure:
    make = partial(_changed_record, change)
    return Failure(says, source, make, FETCH, spoil.has_records)


def _changed_record(change: Callable[[bytes], bytes], asked: Asked) -> Answer:
    return spoil.one_record(asked, change)


BROKEN: Mapping[Kind, Failure] = {
    "empty_body": Failure(
        "a 200 without a byte",
        "manubot/manubot#354",
        lambda asked: asked.spoilt(b""),
    ),
    "truncated": Failure(
        "the body ends in the middle, with a length that fits",
        "neuroquery/pubget#21, titipata/pubmed_parser#161",
        lambda asked: asked.spoilt(asked.body[: len(asked.body) // 2]),
        fits=_has_body,
    ),
    "cut_connection": Failure(
        "the connection ends in the middle of the body (IncompleteRead)",
        "biopython/biopython#3940",
        _cut,
        fits=_has_body,
    ),
    "drop_connection": Failure(
        "the connection ends after the headers", "wp-a/nature-academic-search#15", _drop
    ),
    "reset": Failure("the connection is reset without an answer", "wcmc-its/ReCiter#737", _reset),
    "slow": Failure(
        "the healthy answer, `seconds` later",
        f"wcmc-its/ReCiter#697, {CYANHEADS}#53",
        lambda asked: SlowAnswer(respond(asked.healthy), asked.seconds),
    ),
}

UNTRUE: Mapping[Kind, Failure] = {
    "links_missing": Failure(
        "elink answers as for an article without links",
        f"{CYANHEADS}#22",
        spoil.links_missing,
        LINK,
        spoil.has_links,
    ),
    "record_missing": _record(
        "efetch leaves one record out without a word",
        f"{CYANHEADS}#114, wcmc-its/ReCiter#737",
        spoil.without,
    ),
    "record_wrong": _record(
        "one record comes under a PMID nobody asked for", NOT_REPORTED, spoil.of_nobody
    ),
    "record_duplicate": _record("one record comes twice", NOT_REPORTED, spoil.doubled),
    "record_malformed": _record(
        "one record among the others is no XML",
        "neuroquery/pubget#21, TideDra/zotero-arxiv-daily#75",
        spoil.malformed,
    ),
    "record_unreadable": _record(
        "one record among the others has no PMID", NOT_REPORTED, spoil.without_pmid
    ),
    "ids_missing": Failure(
        "esearch counts n and names fewer",
        "wcmc-its/ReCiter#737",
        spoil.ids_missing,
        SEARCH,
        spoil.has_ids,
    ),
    "count_wrong": Failure(
        "esearch counts one less than it names",
        NOT_REPORTED,
        spoil.count_wrong,
        SEARCH,
        spoil.has_ids,
    ),
    "phrase_dropped": Failure(
        "a quoted phrase of the query is not known and left out, with a warning",
        f"mims-harvard/ToolUniverse#502, {CYANHEADS}#96",
        spoil.phrase_dropped,
        SEARCH,
        spoil.has_phrase,
    ),
    "field_dropped": Failure(
        "a field of the query is not known: all fields are searched, with a remark",
        f"{CYANHEADS}#96, wcmc-its/ReCiter#282",
        spoil.field_dropped,
        SEARCH,
        spoil.has_tag,
    ),
    "field_silent": Failure(
        "the same without a remark (not among `any`: the answer itself cannot be told from a good "
        "one)",
        f"{CYANHEADS}#96, ernestobarrera/pubmed-filters",
        spoil.field_silent,
        SEARCH,
        spoil.has_tag,
        any=False,
    ),
    "translation_stack": Failure(
        "a TranslationStack with counts of its own: harmless, unless any <Count> is read",
        "sul-dlss/sul_pub",
        spoil.with_stack,
        SEARCH,
        spoil.has_translation,
    ),
    "summary_missing": Failure(
        "esummary knows one of the PMIDs not: cannot get document summary",
        "biopython/biopython#4166",
        spoil.summary_missing,
        SUMMARY,
        spoil.has_summaries,
    ),
}
