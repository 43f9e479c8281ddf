"""Secrets that nobody may see, planted in every setting, and looked for in all that comes out."""
