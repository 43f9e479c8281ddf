"""What has happened to a paper, from its types and its links; notices are told from papers.

Sources: NLM, "Errata, Retractions, and Other Linked Citations in PubMed"
(https://www.nlm.nih.gov/bsd/policy/errata.html), and the `RefType` list of the PubMed DTD.
"""

from collections.abc import Iterable

from shared.article import Correction, Status

_RETRACTED = {"RetractionIn", "RetractedandRepublishedIn"}
_CONCERN = {"ExpressionOfConcernIn"}
_CORRECTED = {"ErratumIn", "CorrectedandRepublishedIn", "PartialRetractionIn"}
_NOTICES = {
    "Retraction of Publication", "Retraction Notice", "Published Erratum", "Expression of Concern",
}  # fmt: skip


def status_of(title: str, types: Iterable[str], corrections: Iterable[Correction]) -> Status:
    """The gravest thing that was said about the paper itself.

    A notice stays `PUBLISHED`, also when it was corrected: it is not the paper it speaks of.
    `WITHDRAWN:` before a title is how publishers mark what they took back before it was final.
    """
    kinds = set(types)
    said = {correction.ref_type for correction in corrections}
    if "Retracted Publication" in kinds or said & _RETRACTED:
        return Status.RETRACTED
    if title.upper().startswith("WITHDRAWN:"):
        return Status.WITHDRAWN
    if kinds & _NOTICES:
        return Status.PUBLISHED
    if said & _CONCERN:
        return Status.CONCERN
    return Status.CORRECTED if said & _CORRECTED else Status.PUBLISHED
