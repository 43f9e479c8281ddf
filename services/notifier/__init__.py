"""Tells each subscriber once.

In: `article.classified`, `poll.completed`. Out: digests, and `digest.delivered`.
"""
