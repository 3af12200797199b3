"""One petition as a ledger has it."""

import hashlib
import json
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property


@dataclass(frozen=True)
class LedgerRow:
    """One petition as a ledger has it. Dates are days in Asia/Shanghai; codes are the pack's.

    The complainant's identity and `raw` stay out of `repr`, and so out of logs.
    `ledger` names the series that `number` counts in: the title and, for bare serial numbers, the sheet.
    """

    sheet: str
    line: int
    ledger: str
    number: str
    received_on: date
    channel: str
    anonymous: bool
    complainant: str | None = field(repr=False)
    phone: str | None = field(repr=False)
    reported_name: str | None
    reported_unit_text: str | None
    reported_post: str | None
    problem: str
    problem_code: str | None
    out_of_scope: bool
    summary: str
    petition_class: str
    unit_id: int
    assigned_on: date | None
    due_on: date | None
    disposition: str | None
    ended_on: date | None
    remark: str | None
    raw: dict[str, str] = field(repr=False)

    @cached_property
    def key(self) -> str:
        """The same for a petition however often and in whichever file it is imported: 64 hex digits.

        Made of what does not change while a petition is handled.
        """
        return digest(
            self.number,
            self.received_on,
            self.reported_name,
            self.reported_unit_text,
            self.reported_post,
            self.problem,
            self.summary,
        )


def digest(*parts: object) -> str:
    """A SHA-256 over the parts as text, 64 hex digits."""
    # Nothing of the complainant's goes in: a sealed name could be guessed back from an open digest.
    return hashlib.sha256(json.dumps([str(part) for part in parts], ensure_ascii=False).encode()).hexdigest()
