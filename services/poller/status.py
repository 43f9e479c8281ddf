"""What has happened to a paper, from its types and its links; notices are told from papers.

Sources: NLM, "Errata, Retractions, and Other Linked Citations in PubMed"
(https://www.nlm.nih.gov/bsd/policy/errata.html), and the `RefType` list of the PubMed DTD.
"""

from collections.abc import Collection, Iterable

from shared.article import Status

_RETRACTED = {"RetractionIn", "RetractedandRepublishedIn"}
_CONCERN = {"ExpressionOfConcernIn"}
_CORRECTED = {"ErratumIn", "CorrectedandRepublishedIn", "PartialRetractionIn"}
_UPDATED = {"UpdateIn", "RepublishedIn"}
_NOTICES = {
    "Retraction of Publication", "Retraction Notice", "Published Erratum", "Expression of Concern",
}  # fmt: skip


def status_of(title: str, types: Collection[str], ref_types: Iterable[str]) -> Status:
    """The gravest thing that was said about the paper itself, by its types and its links'.

    A notice stays `PUBLISHED`, also when it was corrected: it is not the paper it speaks of.
    `WITHDRAWN:` before a title is how publishers mark what they took back before it was final.
    """
    said = set(ref_types)
    if "Retracted Publication" in types or said & _RETRACTED:
        return Status.RETRACTED
    if title[:10].upper() == "WITHDRAWN:":
        return Status.WITHDRAWN
    if not said or not _NOTICES.isdisjoint(types):
        return Status.PUBLISHED
    if said & _CONCERN:
        return Status.CONCERN
    if said & _CORRECTED:
        return Status.CORRECTED
    return Status.UPDATED if _superseded(said, types) else Status.PUBLISHED


def _superseded(said: set[str], types: Collection[str]) -> bool:
    # What updates a preprint is its version in a journal: nothing has happened to the paper.
    return bool(said & _UPDATED) and "Preprint" not in types
