"""Alembic's entry for the embedded bus's tables."""

from shared.migrate import run_migrations

run_migrations("console")
