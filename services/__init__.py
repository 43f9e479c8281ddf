"""The map: poller, article.discovered, classifier, article.classified, notifier, digest."""
