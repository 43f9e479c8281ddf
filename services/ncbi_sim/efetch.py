"""efetch.fcgi: whole records. Unknown PMIDs are left out without a word, as at NCBI."""

from collections.abc import Iterable, Sequence

from lxml import etree

from services.ncbi_sim.answers import (
    EFETCH_ERROR,
    PUBMED,
    XML,
    Answer,
    add,
    text_answer,
    xml_bytes,
    xml_error,
)
from services.ncbi_sim.history import History, UnknownQueryError
from services.ncbi_sim.medline import medline
from services.ncbi_sim.paging import StartError
from services.ncbi_sim.params import Params
from services.ncbi_sim.pubmed_xml import record_bytes
from services.ncbi_sim.record import Record
from services.ncbi_sim.selection import selected, uses_history
from services.ncbi_sim.view import View

_RECORD_TYPES = {"", "abstract", "xml", "medline", "null"}


def efetch(params: Params, view: View, history: History) -> Answer:
    """Answer with the records of an id list or of a page of a kept set."""
    try:
        sent = selected(params, history)
    except (UnknownQueryError, StartError) as error:
        return xml_error(str(error), EFETCH_ERROR, 400)
    if not uses_history(params):
        if not sent:
            return xml_error("Supplied id parameter is empty.", EFETCH_ERROR)
        if not any(uid.isdigit() for uid in sent):
            message = "ID list is empty! Possibly it has no correct IDs."
            return xml_error(message, EFETCH_ERROR, 400)
    records = [view.by_pmid[uid] for uid in sent if uid in view.by_pmid]
    return _rendered(params, records, [uid for uid in sent if uid in view.contents.deleted])


def _rendered(params: Params, records: list[Record], deleted: Sequence[str]) -> Answer:
    retmode, rettype = params.get("retmode", "xml").lower(), params.get("rettype").lower()
    if rettype == "uilist":
        return _uilist(records, retmode)
    if retmode == "text" and rettype == "medline":
        return text_answer("\n".join(map(medline, records)))
    if retmode == "xml" and rettype in _RECORD_TYPES:
        return _article_set(records, deleted)
    # Since the change of back end in 2022 NCBI answers other combinations with nothing at all.
    return Answer(b"", XML)


def _article_set(records: Iterable[Record], deleted: Sequence[str]) -> Answer:
    parts = [record.once("xml", record_bytes) for record in records]
    if deleted:
        stub = etree.Element("DeleteCitation")
        for uid in deleted:
            add(stub, "PMID", uid, Version="1")
        parts.append(etree.tostring(stub))
    return xml_bytes(b"".join(parts), PUBMED)


def _uilist(records: list[Record], retmode: str) -> Answer:
    if retmode != "xml":
        return text_answer("".join(f"{record.pmid}\n" for record in records))
    root = etree.Element("IdList")
    for record in records:
        add(root, "Id", record.pmid)
    head = b'<?xml version="1.0" encoding="UTF-8" ?>\n'
    return Answer(head + etree.tostring(root) + b"\n", XML)
