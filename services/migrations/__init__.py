"""The schema's history. `python -m services.migrations revision -m "what changes"` writes the next revision."""

from services.migrations.migrating import current, empty, head, is_current, revision, upgrade

__all__ = ["current", "empty", "head", "is_current", "revision", "upgrade"]
