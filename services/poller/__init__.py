"""Asks PubMed what is new around a seed article, and announces it.

In: NCBI's E-utilities. Out: `article.discovered`, `article.revised`, `poll.completed`.
"""
