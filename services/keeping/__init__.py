"""Keeping an installation: copies to another database, backups, restoring them, and anchors of the journal."""
