"""What a ledger is read against: the pack's code lists and the organisation tree."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

from services.ledgers.text import fold, tidy, without_asides


@dataclass(frozen=True)
class Known:
    """The code lists of the policy pack and the organisation tree, as far as a ledger needs them.

    The mappings go from label, as staff write it, to code. `unit_id` gets a unit's name as written and,
    if that gives None, once more folded (NFKC, no spaces). `out_of_scope` holds codes of `problem_fields`;
    `dated_classes` those codes of `petition_classes` whose due date the ledger must give.
    """

    unit_id: Callable[[str], int | None]
    petition_classes: Mapping[str, str]
    channels: Mapping[str, str]
    dispositions: Mapping[str, str]
    problem_fields: Mapping[str, str]
    out_of_scope: frozenset[str]
    dated_classes: frozenset[str] = frozenset()

    @cached_property
    def labels(self) -> dict[str, Mapping[str, str]]:
        """The label lists by the field of a ledger that each is for."""
        return {
            "petition_class": self.petition_classes,
            "channel": self.channels,
            "disposition": self.dispositions,
            "problem": self.problem_fields,
        }

    @cached_property
    def _folded(self) -> dict[str, dict[str, str]]:
        return {name: {fold(label): code for label, code in labels.items()} for name, labels in self.labels.items()}

    def code(self, name: str, text: str) -> str | None:
        """The code for a label of the list `name`; bracketed remarks and a trailing 件 do not matter."""
        label = fold(text)
        bare = without_asides(label)
        candidates = (label, bare, bare.removesuffix("件"), f"{bare}件")
        return next((self._folded[name][c] for c in candidates if c in self._folded[name]), None)

    def unit(self, text: str) -> int | None:
        """The unit of that name, if the organisation tree has it."""
        found = self.unit_id(text)
        return self.unit_id(tidy(text)) if found is None else found
