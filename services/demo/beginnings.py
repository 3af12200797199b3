"""The first steps that most petitions of the demo county share."""

from services.demo.cases import Case
from services.demo.telling import Story

VERIFIED, INQUIRED, HELD, CLOSED = "preliminary_verification", "letter_inquiry", "held_pending", "closed"


def accepted(case: Case) -> Story:
    """Registered, accepted, and the complainant told: two working days."""
    case.register()
    yield 1
    case.accept()
    yield 1
    case.tell_of_acceptance()


def proposed(case: Case, disposition: str, petition_class: str = "general") -> Story:
    """And a disposition proposed: three working days."""
    yield from accepted(case)
    yield 1
    case.propose(disposition, petition_class)


def handled(case: Case, disposition: str, petition_class: str) -> Story:
    """Registered, accepted, proposed and approved: four working days."""
    yield from proposed(case, disposition, petition_class)
    yield 1
    case.approve()
