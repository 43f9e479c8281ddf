"""What has become of a paper, as a reader is told: one line for each status, the gravest first.

Sources: NLM, "Errata, Retractions, and Other Linked Citations in PubMed"
(https://www.nlm.nih.gov/bsd/policy/errata.html), and the `RefType` list of the PubMed DTD.
"""

from typing import Literal, NamedTuple

from shared.article import Article, Status

NoticeKind = Literal[
    "retracted", "withdrawn", "deleted", "expression-of-concern", "corrected", "updated"
]


class Standing(NamedTuple):
    """A status in words: `name` on a label, `noun` in a subject line, `lead` before a notice.

    `is_gone`: never news, and told as grave. `has_record` is false when PubMed shows none any
    more, so that no link to it may be promised. `sources` are the CommentsCorrections RefTypes
    that name the notice.
    """

    kind: NoticeKind
    name: str
    noun: str
    lead: str
    sources: tuple[str, ...]
    is_gone: bool = False
    has_record: bool = True


STANDINGS: dict[Status, Standing] = {
    Status.RETRACTED: Standing(
        "retracted", "Retracted", "retraction", "Retracted",
        ("RetractionIn", "RetractedandRepublishedIn", "PartialRetractionIn"), is_gone=True,
    ),
    Status.WITHDRAWN: Standing(
        "withdrawn", "Withdrawn", "withdrawal", "Withdrawn", ("RetractionIn",), is_gone=True,
    ),
    Status.DELETED: Standing(
        "deleted", "Taken out of PubMed", "deletion", "PubMed has taken this record out", (),
        is_gone=True, has_record=False,
    ),
    Status.CONCERN: Standing(
        "expression-of-concern", "Expression of concern", "concern", "Expression of concern",
        ("ExpressionOfConcernIn",),
    ),
    Status.CORRECTED: Standing(
        "corrected", "Corrected", "correction", "Corrected",
        ("PartialRetractionIn", "ErratumIn", "CorrectedandRepublishedIn", "RepublishedIn"),
    ),
    Status.UPDATED: Standing("updated", "Updated", "update", "Updated", ("UpdateIn",)),
}  # fmt: skip
"""Every status but `PUBLISHED`, of which there is nothing to say."""

GRAVITY: tuple[NoticeKind, ...] = tuple(standing.kind for standing in STANDINGS.values())
"""The kinds of notices, the gravest first."""

GONE = frozenset(status for status, standing in STANDINGS.items() if standing.is_gone)
"""The paper does not stand any more, or its record is not there."""


def of_kind(kind: NoticeKind) -> Standing:
    """What there is to say of a kind of notice."""
    return STANDINGS[Status(kind)]


def is_gone(article: Article) -> bool:
    """Whether an article is never news; PubMed's type counts where the status is older."""
    return article.status in GONE or "Retracted Publication" in article.publication_types
