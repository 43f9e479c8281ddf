"""Alembic's entry for the classifier's tables."""

from shared.migrate import run_migrations

run_migrations("classifier")
