"""The search fields of PubMed: how a tag may be written, and how its values are matched."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["words", "whole", "author", "date", "uid"]


@dataclass(frozen=True)
class Field:
    """A search field.

    `label` is how QueryTranslation names it. `kind` says how it is matched: `words` as a run of
    words anywhere in the text, `whole` as a complete value (a heading, a journal), `author` as a
    name whose initials may be left out, `date` as a range of days, `uid` as a number.
    """

    key: str
    label: str
    kind: Kind


ALL_FIELDS = Field("all", "All Fields", "words")

_FIELDS: dict[Field, str] = {
    ALL_FIELDS: "all, all fields, allfields",
    Field("tiab", "Title/Abstract", "words"): "tiab, title/abstract",
    Field("ti", "Title", "words"): "ti, title, titl",
    Field("ab", "Abstract", "words"): "ab, abstract",
    Field("tw", "Text Word", "words"): "tw, text word, text words, word",
    Field("ot", "Other Term", "words"): "ot, other term",
    Field("mh", "MeSH Terms", "whole"): "mh, mesh, mesh terms, mesh term, mesh headings",
    Field("majr", "MeSH Major Topic", "whole"): "majr, mesh major topic",
    Field("pt", "Publication Type", "whole"): "pt, ptyp, publication type",
    Field("la", "Language", "whole"): "la, lang, language",
    Field("ta", "Journal", "whole"): "ta, jour, journal, journal title abbreviation, so",
    Field("si", "Secondary Source ID", "whole"): "si, secondary source id",
    Field("doi", "DOI", "whole"): "doi, aid, lid, article identifier, location id",
    Field("au", "Author", "author"): "au, auth, author, author name, fau, full author name",
    Field("pdat", "Date - Publication", "date"): "dp, pdat, date - publication, publication date",
    Field("crdt", "Date - Create", "date"): "crdt, date - create, create date",
    Field("edat", "Date - Entry", "date"): "edat, date - entry, date - entrez, entrez date",
    Field("mdat", "Date - Modification", "date"): "mdat, lr, date - modification",
    Field("uid", "UID", "uid"): "pmid, uid",
}

_BY_NAME = {name: field for field, names in _FIELDS.items() for name in names.split(", ")}


def find_field(tag: str) -> Field | None:
    """The field a tag means, short or long, in any case; None for a tag PubMed does not know."""
    return _BY_NAME.get(" ".join(tag.lower().split()))


def date_field(datetype: str) -> Field:
    """The field of esearch's `datetype`; publication date for anything unknown."""
    field = find_field(datetype)
    return field if field is not None and field.kind == "date" else _BY_NAME["pdat"]
