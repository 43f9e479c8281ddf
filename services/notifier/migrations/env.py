"""Alembic's entry for the notifier's tables."""

from shared.migrate import run_migrations

run_migrations("notifier")
