"""How often the public may look receipts up: per address, and all together."""

import ipaddress
import math
import time
from collections.abc import Iterable

from limits import RateLimitItem, RateLimitItemPerDay, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from services.http.errors import TooManyRequests

PER_ADDRESS = (RateLimitItemPerMinute(10), RateLimitItemPerDay(100))
TOGETHER = RateLimitItemPerMinute(300)
"""A code has 60 random bits: even at this pace of guesses a hit takes longer than anyone will try."""


class LookUps:
    """Counts within one process; several web processes allow as many times more."""

    def __init__(self) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def count(self, address: str) -> None:
        """Count one look-up from this address; raise TooManyRequests. An address past its own limit takes no share
        of what all may ask together."""
        own = [(limit, ("receipt", _neighbourhood(address))) for limit in PER_ADDRESS]
        for limit, keys in [*own, (TOGETHER, ("receipt",))]:
            if not self._limiter.hit(limit, *keys):
                raise TooManyRequests(self._wait(limit, keys))

    def _wait(self, limit: RateLimitItem, keys: Iterable[str]) -> int:
        return max(1, math.ceil(self._limiter.get_window_stats(limit, *keys).reset_time - time.time()))


def _neighbourhood(address: str) -> str:
    """An IPv6 caller has a whole /64 to call from: it counts as one."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
