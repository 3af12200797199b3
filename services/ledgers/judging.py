"""One line of a ledger judged: the row it means, or all that has to be mended first."""

from datetime import date
from functools import cached_property

from services.ledgers.dates import BadDate, parse_date
from services.ledgers.known import Known
from services.ledgers.reasons import Reason, reason
from services.ledgers.rows import LedgerRow, digest
from services.ledgers.sheets import Record, Sheet
from services.ledgers.text import display, fold, says_nothing, tidy

_OPEN = frozenset({"未办结", "在办", "办理中", "正在办理", "未结", "未完成"})
_NAMELESS = frozenset({"匿名", "无名", "佚名", "群众", "不详"})


class RowReader:
    """Reads one record field by field and gathers every reason against it."""

    def __init__(self, record: Record, sheet: Sheet, known: Known) -> None:
        self.record, self.sheet, self.known = record, sheet, known
        self.reasons: list[Reason] = [reason("nothing_above", heading=heading) for heading in record.dangling]

    def row(self) -> LedgerRow | None:
        """The row, or None with `reasons` filled. Uniqueness of the number is for the caller to judge."""
        received, assigned, due, ended = self._days()
        channel = self._code("channel", "missing_channel", "unknown_channel")
        petition_class = self._code("petition_class", "missing_class", "unknown_class")
        disposition = self._code("disposition", None, "unknown_disposition")
        if petition_class in self.known.dated_classes and says_nothing(self._text("due_on")):
            self._refuse("missing_due_date", value=self._text("petition_class"))
        unit, (series, number) = self._unit(), self.number
        if not number:
            self._refuse("missing_number")
        if self.reasons or received is None or channel is None or petition_class is None or unit is None:
            return None
        problem_code = self.known.code("problem", self._text("problem"))
        return LedgerRow(
            sheet=self.sheet.name,
            line=self.record.line,
            ledger=series,
            number=number,
            received_on=received,
            channel=channel,
            anonymous=self._anonymous(),
            complainant=self._complainant(),
            phone=self._tidy("phone"),
            reported_name=self._tidy("reported_name"),
            reported_unit_text=self._kept("reported_unit_text"),
            reported_post=self._kept("reported_post"),
            problem=self._text("problem"),
            problem_code=problem_code,
            out_of_scope=problem_code in self.known.out_of_scope,
            summary=self._text("summary"),
            petition_class=petition_class,
            unit_id=unit,
            assigned_on=assigned,
            due_on=due,
            disposition=disposition,
            ended_on=ended,
            remark=self._kept("remark"),
            raw=self.record.raw,
        )

    @property
    def unnumbered(self) -> bool:
        """True where the whole ledger has no column of numbers."""
        return not {"serial", "number"} & self.sheet.layout.fields.keys()

    @cached_property
    def number(self) -> tuple[str, str]:
        """The series and the number in it; the number is "" where it is missing.

        A ledger without any column of numbers gets them from its lines' contents, so that importing it again
        finds the same petitions.
        """
        if number := self._tidy("number"):
            return self.sheet.title, number
        series = f"{self.sheet.title}/{self.sheet.name}"
        if not self.unnumbered:
            return series, self._tidy("serial") or ""
        stable = ("received_on", "channel", "reported_name", "reported_unit_text", "problem", "summary")
        return series, "无号" + digest(*(self._text(name) for name in stable))[:12]

    def _text(self, name: str) -> str:
        return display(self.record.cells.get(name))

    def _kept(self, name: str) -> str | None:
        text = self._text(name)
        return None if says_nothing(text) else text

    def _tidy(self, name: str) -> str | None:
        text = self._kept(name)
        return text and tidy(text)

    def _refuse(self, code: str, **values: object) -> None:
        self.reasons.append(reason(code, **values))

    def _days(self) -> tuple[date | None, date | None, date | None, date | None]:
        """Received, assigned, due and ended; none of the others may lie before the first."""
        received, assigned, due, ended = (self._day(f"{name}_on") for name in ("received", "assigned", "due", "ended"))
        if says_nothing(self._text("received_on")):
            self._refuse("missing_received_date")
        for name, day in (("assigned", assigned), ("due", due), ("ended", ended)):
            if day and received and day < received:
                self._refuse(f"{name}_before_received", value=day, received=received)
        return received, assigned, due, ended

    def _day(self, name: str) -> date | None:
        text = self._text(name)
        if says_nothing(text) or (name == "ended_on" and fold(text) in _OPEN):
            return None
        cell = self.record.cells[name]
        if name == "due_on" and isinstance(cell, str):
            cell = text.removesuffix("前").removesuffix("之").removesuffix("以")
        try:
            return parse_date(cell, self.sheet.year)
        except BadDate as error:
            self._refuse(error.code, heading=self.sheet.layout.heading_of(name), value=text)
            return None

    def _code(self, name: str, missing: str | None, unknown: str) -> str | None:
        text = self._text(name)
        labels = "、".join(self.known.labels[name])
        if says_nothing(text):
            if missing:
                self._refuse(missing, known=labels)
            return None
        code = self.known.code(name, text)
        if code is None:
            self._refuse(unknown, value=text, known=labels)
        return code

    def _unit(self) -> int | None:
        text = self._text("unit") if "unit" in self.sheet.layout.fields else self.sheet.reported_by
        if says_nothing(text):
            self._refuse("missing_unit")
            return None
        unit = self.known.unit(text)
        if unit is None:
            self._refuse("unknown_unit", value=text)
        return unit

    def _anonymous(self) -> bool:
        said, asked = self._tidy("named"), self.sheet.layout.heading_of("named")
        if said is None:
            return self._complainant() is None
        if said in ("是", "否"):
            asks_anonymous = "匿名" in asked and not any(word in asked for word in ("实名", "具名", "署名"))
            return asks_anonymous == (said == "是")
        return "匿名" in said

    def _complainant(self) -> str | None:
        name = self._tidy("complainant")
        return None if name in _NAMELESS else name
