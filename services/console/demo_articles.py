"""The articles of the demo's catalogue as the classifier meets them: served, and parsed."""

from datetime import UTC, datetime, time, timedelta

from services.ncbi_sim.catalogue import load_catalogue
from services.ncbi_sim.efetch import efetch
from services.ncbi_sim.history import History
from services.ncbi_sim.params import Params
from services.ncbi_sim.settings import PACKAGED_CATALOGUE
from services.ncbi_sim.timeline import Timeline
from services.poller.parse import parse_records
from shared.article import Article


def demo_articles() -> tuple[Article, ...]:
    """Every article as it stands on the catalogue's last day, by PMID.

    Raises:
        ValueError: the stand-in did not send one, or it could not be read.
    """
    catalogue = load_catalogue(PACKAGED_CATALOGUE)
    last = catalogue.head.day_zero + timedelta(days=catalogue.head.days)
    view = Timeline(catalogue).at(datetime.combine(last, time(), UTC))
    wanted = ",".join(str(article.pmid) for article in catalogue.articles)
    answer = efetch(Params((("id", wanted), ("retmode", "xml"))), view, History())
    parsed = parse_records(answer.body)
    if parsed.refused or len(parsed.articles) != len(catalogue.articles):
        raise ValueError(f"{len(parsed.articles)} of {len(catalogue.articles)} articles were read")
    return tuple(sorted(parsed.articles, key=lambda article: article.pmid))
