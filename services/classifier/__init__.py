"""Labels each article by CAR modality, with its evidence. In: `article.discovered`. Out: `article.classified`."""
