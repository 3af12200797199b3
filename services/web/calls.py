"""What the web shares with the API."""

from services.http.calls import COOKIE, Call, Now, Service, TheService, by_browser, refuse_cross_site
from services.http.envelope import Envelope
from services.http.errors import CrossSite
from services.http.receipts import status_of
from services.http.threads import InOneThread

__all__ = [
    "COOKIE",
    "Call",
    "CrossSite",
    "Envelope",
    "InOneThread",
    "Now",
    "Service",
    "TheService",
    "by_browser",
    "refuse_cross_site",
    "status_of",
]
