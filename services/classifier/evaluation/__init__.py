"""How well articles are labelled: measured against labels that people gave, beside baselines."""
