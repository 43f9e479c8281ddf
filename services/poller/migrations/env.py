"""Alembic's entry for the poller's tables."""

from shared.migrate import run_migrations

run_migrations("poller")
