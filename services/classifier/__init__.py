"""Labels each article by kind of CAR, disease and evidence, with the words that say so.

In: `article.discovered`, `article.revised`. Out: `article.classified`.
"""
