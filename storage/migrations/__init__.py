"""Alembic migrations of the archive's schema; `storage.archive` runs them."""
