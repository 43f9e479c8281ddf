"""An article as one text: what the baselines read."""

from shared.article import Article


def text_of(article: Article) -> str:
    """Title, abstract and publication types: all that a record has to label it by."""
    sections = (section.text for section in article.abstract)
    return "\n".join((article.title, *sections, "; ".join(article.publication_types)))
