"""One article as a digest shows it: its citation, its labels, and the words that carry them."""

import unicodedata
from collections.abc import Iterable, Sequence

from services.notifier.ties import Tie
from shared.article import Article, Author, PartialDate, Record, Status
from shared.events import Classified, Evidence, Label, Place, Reason

MODALITIES: tuple[tuple[str, str], ...] = (
    ("cd19-car-t", "CD19 CAR-T"),
    ("bcma-car-t", "BCMA CAR-T"),
    ("dual-car-t", "Dual-target CAR-T"),
    ("other-target-car-t", "Other-target CAR-T"),
    ("caar-t", "CAAR-T"),
    ("pmhc-car-t", "pMHC CAR-T"),
    ("car-treg", "CAR-Treg"),
    ("car-nk", "CAR-NK"),
    ("car-other-cell", "Other CAR cells"),
    ("in-vivo-car", "In vivo CAR"),
    ("mrna-car", "mRNA CAR"),
    ("allogeneic-car", "Allogeneic CAR"),
    ("car-t-general", "CAR-T in general"),
)
"""Modality ids and display names in the order of a digest, the specific before the general."""

DEMO_MARK = "Demo record"
"""How the copyright text of a record begins whose summary is ours, not the authors' abstract."""

UNTITLED = "(without a title)"

QUOTE_LIMIT = 480
"""Characters of an evidence sentence that a digest keeps, around the words that matter."""

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_FACETS = ("modality", "disease", "evidence", "target", "product", "scope")
_ORDER = {modality: place for place, (modality, _) in enumerate(MODALITIES)}
_RELATIONS = ("cited-by", "references", "similar", "cites-tracked", "query")
_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufffe\uffff")


class Quote(Record):
    """A sentence and the `[start, end)` spans in it that carry labels; spans never overlap."""

    sentence: str
    spans: tuple[tuple[int, int], ...] = ()
    place: Place = "abstract"

    def pieces(self) -> tuple[tuple[str, bool], ...]:
        """The sentence in order, cut into (words, whether they are marked)."""
        cut: list[tuple[str, bool]] = []
        at = 0
        for start, end in self.spans:
            cut += [(self.sentence[at:start], False), (self.sentence[start:end], True)]
            at = end
        cut.append((self.sentence[at:], False))
        return tuple((words, marked) for words, marked in cut if words)

    def shortened(self, limit: int) -> "Quote":
        """At most `limit` characters around the first marked words, with an ellipsis where cut."""
        if len(self.sentence) <= limit:
            return self
        first = self.spans[0][0] if self.spans else 0
        start = max(0, min(first - limit // 3, len(self.sentence) - limit + 2))
        end = min(len(self.sentence), start + limit - 2)
        before, after = "…" * (start > 0), "…" * (end < len(self.sentence))
        shift = start - len(before)
        kept = ((max(a, start), min(b, end)) for a, b in self.spans if a < end and b > start)
        return Quote(
            sentence=before + self.sentence[start:end] + after,
            spans=tuple((a - shift, b - shift) for a, b in kept),
            place=self.place,
        )


class Item(Record):
    """An article in a digest. `labels` are sorted by facet; `why` is its relation to the seed."""

    pmid: int
    title: str
    title_html: str | None = None
    authors_line: str = ""
    journal_line: str = ""
    doi: str | None = None
    pmcid: str | None = None
    trial_ids: tuple[str, ...] = ()
    status: Status = Status.PUBLISHED
    is_preprint: bool = False
    is_demo_note: str | None = None
    scope: str
    labels: tuple[Label, ...] = ()
    why: str = ""
    relatedness: float = 0.0
    evidence: Quote | None = None
    ties: tuple[Tie, ...] = ()

    def __hash__(self) -> int:
        """Cheap: it is the key of what was rendered of it, and asked for thousands of times."""
        return hash((self.pmid, self.title))


def plain(text: str) -> str:
    """The text with control and direction-changing characters as spaces; the length stays."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        " " if unicodedata.category(sign) in {"Cc", "Cs"} or sign in _BIDI else sign
        for sign in text
    )


def clean(text: str) -> str:
    """The text on one line: `plain`, and white space collapsed."""
    return " ".join(plain(text).split())


def item(entry: Classified, ties: tuple[Tie, ...] = ()) -> Item:
    """An article as a digest shows it, with its ties to other records."""
    article = entry.article
    labels = in_order(entry.classification.labels)
    note = article.copyright or ""
    return Item(
        pmid=article.pmid,
        title=clean(article.title) or UNTITLED,
        title_html=clean(article.title_html) if article.title_html else None,
        authors_line=authors_line(article.authors),
        journal_line=journal_line(article),
        doi=article.doi,
        pmcid=article.pmcid,
        trial_ids=article.trial_ids,
        status=article.status,
        is_preprint=article.is_preprint,
        is_demo_note=clean(note) if note.startswith(DEMO_MARK) else None,
        scope=entry.classification.scope,
        labels=labels,
        why=why_line(entry.reasons),
        relatedness=entry.relatedness,
        evidence=strongest(labels),
        ties=ties,
    )


def in_order(labels: Iterable[Label]) -> tuple[Label, ...]:
    """Modalities first, in the order of `MODALITIES`; then the other facets, surest first."""

    def place(label: Label) -> tuple[int, int, float, str]:
        facet, order = _FACETS.index(label.facet), _ORDER.get(label.id, len(_ORDER))
        return facet, order if label.facet == "modality" else 0, -label.confidence, label.id

    return tuple(sorted(labels, key=place))


def authors_line(authors: Sequence[Author]) -> str:
    """Up to four names; of more, the first three, the last, and how many; empty for none."""
    names = [name for name in map(_name, authors) if name]
    if len(names) <= 4:
        return ", ".join(names)
    return f"{', '.join(names[:3])}, … {names[-1]} ({len(names)} authors)"


def _name(author: Author) -> str:
    if author.collective_name:
        return clean(author.collective_name)
    return clean(f"{author.last_name or ''} {author.initials or author.fore_name or ''}")


def journal_line(article: Article) -> str:
    """The journal by its usual short name, and the date as precisely as PubMed has it."""
    journal = clean(article.journal.abbreviation or article.journal.title)
    return " · ".join(part for part in (journal, date_text(article.published)) if part)


def date_text(date: PartialDate) -> str:
    """Either "9 Oct 2024", "Oct 2024", "2024", or the words printed ("2024 Winter")."""
    if date.text:
        return clean(date.text)
    month = MONTHS[date.month - 1] if date.month and 1 <= date.month <= 12 else None
    day = str(date.day) if month and date.day else None
    return " ".join(part for part in (day, month, str(date.year or "")) if part)


def why_line(reasons: Iterable[Reason]) -> str:
    """As in "cites the seed; similar, rank 12 of 140; matches query 'core'": closest tie first."""
    in_turn = sorted(reasons, key=lambda r: (_RELATIONS.index(r.relation), r.name or ""))
    return "; ".join(dict.fromkeys(map(_reason, in_turn)))


def _reason(reason: Reason) -> str:
    if reason.relation == "query":
        return f"matches query '{clean(reason.name)}'" if reason.name else "matches the query"
    if reason.relation == "similar" and reason.rank:
        return f"similar, rank {reason.rank}" + (f" of {reason.of}" if reason.of else "")
    return {
        "cited-by": "cites the seed",
        "references": "cited by the seed",
        "similar": "similar to the seed",
        "cites-tracked": f"cites {_articles(reason.cites)} of this topic",
    }[reason.relation]


def _articles(number: int | None) -> str:
    return "1 article" if number == 1 else f"{number or 'several'} articles"


def strongest(labels: Sequence[Label]) -> Quote | None:
    """The sentence that says most, with the words of all labels that it carries.

    One for the modality goes before others, the abstract before the title (which a digest shows
    anyway), then the most and surest labels.
    """
    carried: dict[tuple[Place, str], list[tuple[Label, Evidence]]] = {}
    for label in labels:
        for evidence in label.evidence:
            carried.setdefault((evidence.place, evidence.sentence), []).append((label, evidence))
    if not carried:
        return None
    (place, sentence), marks = max(carried.items(), key=lambda found: _strength(*found))
    spans = _merged((e.start, e.end) for _, e in marks if 0 <= e.start < e.end <= len(sentence))
    return Quote(sentence=plain(sentence), spans=spans, place=place).shortened(QUOTE_LIMIT)


def _strength(
    where: tuple[Place, str], marks: Sequence[tuple[Label, Evidence]]
) -> tuple[bool, int, float]:
    surest = {(label.facet, label.id): label.confidence for label, _ in marks}
    places = ("publication-type", "keyword", "mesh", "title", "abstract")
    is_modality = any(label.facet == "modality" for label, _ in marks)
    return is_modality, places.index(where[0]), sum(surest.values())


def _merged(spans: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return tuple(merged)
