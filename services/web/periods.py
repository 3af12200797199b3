"""The days a board looks at: this month, quarter, year, or from one day to another; chosen in the address."""

from dataclasses import dataclass
from datetime import date

CHOICES = {"month": "本月", "quarter": "本季度", "year": "本年", "days": "自定义"}
USUAL = "year"


@dataclass(frozen=True, slots=True)
class Period:
    """Local days, both ends counted; `last` is never after today. `key` is one of CHOICES."""

    key: str
    first: date
    last: date

    @property
    def title(self) -> str:
        """本月, or 2026-03-01 至 2026-03-31."""
        return f"{self.first} 至 {self.last}" if self.key == "days" else CHOICES[self.key]

    @property
    def address(self) -> dict[str, str]:
        """What of it stands in the board's address."""
        if self.key == "days":
            return {"period": self.key, "from": self.first.isoformat(), "to": self.last.isoformat()}
        return {} if self.key == USUAL else {"period": self.key}

    def within(self, name: str) -> dict[str, str]:
        """The ledger's filter for these days: `closed` gives closed_from and closed_to."""
        return {f"{name}_from": self.first.isoformat(), f"{name}_to": self.last.isoformat()}


def read_period(key: str, first: str, last: str, today: date) -> Period:
    """Read a period; what cannot be means this year."""
    match key:
        case "month":
            return Period(key, today.replace(day=1), today)
        case "quarter":
            return Period(key, today.replace(month=(today.month - 1) // 3 * 3 + 1, day=1), today)
        case "days" if (begins := _day(first)) and begins <= (ends := min(_day(last) or today, today)):
            return Period(key, begins, ends)
    return Period(USUAL, today.replace(month=1, day=1), today)


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if 1950 <= day.year <= 2099 else None
