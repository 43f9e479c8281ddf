"""Asks PubMed what is new around a seed article and announces it. In: E-utilities. Out: `article.discovered`."""
