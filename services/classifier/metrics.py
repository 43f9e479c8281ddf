"""What the classifier tells Prometheus: how many articles it labelled, and with what."""

from collections.abc import Iterable, Sequence

from prometheus_client import CollectorRegistry, Counter

from shared.events import ArticleClassified


class Metrics:
    """Counters of one process. Labels are those of the taxonomy, some dozens.

    See https://prometheus.io/docs/practices/naming/ for the names.
    """

    def __init__(self, known: Iterable[str] = ()) -> None:
        """`known` are the taxonomy's labels as `facet:id`, so that each begins at none."""
        self.registry = CollectorRegistry()
        self._articles = Counter(
            "carillon_articles_classified", "Articles labelled, by their scope", ["topic", "scope"],
            registry=self.registry,
        )  # fmt: skip
        self._labels = Counter(
            "carillon_labels", "Labels given to articles, by kind", ["facet", "label"],
            registry=self.registry,
        )  # fmt: skip
        for key in known:
            self._labels.labels(*key.split(":", maxsplit=1))

    def classified(self, events: Sequence[ArticleClassified]) -> None:
        """Count articles whose labels are committed."""
        for event in events:
            found = event.data.classification
            self._articles.labels(event.data.topic, found.scope).inc()
            for label in found.labels:
                self._labels.labels(label.facet, label.id).inc()
