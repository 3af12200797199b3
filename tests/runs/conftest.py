"""Tables of this package, before any database is made."""

import services.runs.models  # noqa: F401
