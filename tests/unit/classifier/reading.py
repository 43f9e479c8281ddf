"""The shipped taxonomy, and articles read with it."""

from services.classifier.classify import classify
from services.classifier.settings import TAXONOMY
from services.classifier.taxonomy import load_taxonomy
from shared.article import AbstractSection
from shared.events import Classification, Label
from tests.builders import an_article

SHIPPED = load_taxonomy(TAXONOMY)


def read(title: str, *abstract: str, **overrides: object) -> Classification:
    """Classify an article with this title and these abstract sections."""
    sections = tuple(AbstractSection(text=text) for text in abstract)
    fields = {"title": title, "abstract": sections, "publication_types": (), **overrides}
    return classify(an_article(**fields), SHIPPED)


def ids(found: Classification, facet: str) -> set[str]:
    """The ids of one facet."""
    return {label.id for label in found.labels if label.facet == facet}


def label(found: Classification, facet: str, name: str) -> Label:
    """One label; fails when it is not there."""
    return next(item for item in found.labels if (item.facet, item.id) == (facet, name))
