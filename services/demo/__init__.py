"""An invented county to try things on. Loaded on request only, never by `serve`."""

from services.demo.loading import NotEmpty, demo_logins, load
from services.demo.programme import DAYS

__all__ = ["DAYS", "NotEmpty", "demo_logins", "load"]
