"""What esearch answers: how many, which, and how PubMed understood the query."""

from dataclasses import dataclass, field

from lxml import etree

from services.poller.eutils.history import History, read_key
from services.poller.eutils.xml import pmid_in, read_root
from shared.errors import Retryable

_NOTHING_FOUND = "OutputMessage: No items found."
"""What the count says already: a quiet week is no remark on the query."""


@dataclass(frozen=True)
class SearchAnswer:
    """What PubMed counted and named, and how it understood the query.

    `errors` name fields PubMed does not know: it then answers a broader query than was asked.
    `warnings` name phrases that it left out because no record holds them. `history` is where
    NCBI keeps the list, if it does.
    """

    count: int
    ids: tuple[int, ...] = ()
    query_translation: str | None = None
    warnings: tuple[str, ...] = field(default=())
    errors: tuple[str, ...] = field(default=())
    history: History | None = field(default=None, compare=False, repr=False)

    @property
    def unknown_phrases(self) -> tuple[str, ...]:
        """The warnings of phrases that no record holds, quoted ones among them."""
        kinds = ("PhraseNotFound:", "QuotedPhraseNotFound:")
        return tuple(warning for warning in self.warnings if warning.startswith(kinds))


def read_search(body: bytes) -> SearchAnswer:
    """Read an eSearchResult.

    Only its own children are looked at: the translation stack holds counts and terms as well.

    Raises:
        Retryable: it is no XML, or no search result with a count. An id that is no number is left
            out, so that count and ids disagree.
    """
    root = read_root("esearch", body)
    counted = (root.findtext("Count") or "").strip()
    if root.tag != "eSearchResult" or not (counted.isdecimal() and len(counted) < 10):
        raise Retryable(f"esearch: an answer without a count: <{root.tag}> {counted[:30]!r}")
    ids = tuple(filter(None, (pmid_in(element.text) for element in root.findall("IdList/Id"))))
    return SearchAnswer(
        count=int(counted),
        ids=ids,
        query_translation=root.findtext("QueryTranslation") or None,
        warnings=tuple(
            remark
            for remark in _texts(root, "ErrorList/PhraseNotFound", "WarningList/*")
            if remark != _NOTHING_FOUND
        ),
        errors=_texts(root, "ErrorList/FieldNotFound"),
        history=_history(root, int(counted)),
    )


def _history(root: etree._Element, size: int) -> History | None:
    web_env, query_key = read_key(root.findtext("WebEnv"), root.findtext("QueryKey"))
    return History(web_env, query_key, size) if web_env else None


def _texts(root: etree._Element, *paths: str) -> tuple[str, ...]:
    return tuple(
        f"{element.tag}: {(element.text or '').strip()}"
        for path in paths
        for element in root.findall(path)
        if (element.text or "").strip()
    )
