"""What happens in the demo county, and when each life begins."""

from collections.abc import Callable
from functools import partial

from services.demo.episodes import (
    reassigned,
    reclassified,
    recused,
    refused,
    repeated,
    reported_colleague,
    returned,
    split,
    taken_charge,
    withdrawn,
)
from services.demo.stories import (
    approval,
    closed,
    due_in,
    extended,
    handling,
    held,
    inquired,
    inquiry,
    never_told,
    registered,
    suspended,
    triage,
    whole,
)
from services.demo.supervision import acknowledged_by, ordered, supervised
from services.demo.telling import Story, Teller

Plot = Callable[[Teller], Story]

DAYS = 82
"""How many working days the tale goes back: about 120 days."""

PROGRAMME: tuple[tuple[Plot, tuple[int, ...]], ...] = (
    (registered, (1, 1, 2, 3, 6)),
    (registered, (14, 20)),
    (triage, (4, 5, 9)),
    (approval, (5, 6, 7, 12)),
    (never_told, (26, 33)),
    (handling, (8, 12, 16, 22)),
    (partial(handling, petition_class="general"), (9, 10)),
    (partial(handling, petition_class="major", notes=3), (30, 45)),
    (partial(due_in, days=1), (14,)),
    (partial(due_in, days=2), (16, 18)),
    (partial(due_in, days=8), (11,)),
    (partial(due_in, days=-1), (20, 24)),
    (partial(supervised, overdue_since=6, upto="issued"), (26,)),
    (partial(supervised, overdue_since=9, upto="handling"), (30,)),
    (partial(supervised, overdue_since=12, upto="verification"), (36,)),
    (partial(supervised, overdue_since=15, upto="struck_off"), (40, 52)),
    (partial(extended, decision="grant_extension"), (13, 16)),
    (partial(extended, decision="refuse_extension"), (12,)),
    (partial(extended, decision=None), (9, 10)),
    (suspended, (14, 18, 25)),
    (partial(suspended, resumed=True), (20, 24)),
    (partial(returned, again=False), (7,)),
    (partial(returned, again=True), (10, 15)),
    (withdrawn, (6,)),
    (partial(split, onward=False), (2,)),
    (partial(split, onward=True), (9,)),
    (refused, (4, 12)),
    (partial(refused, handed_over=True), (13, 17)),
    (partial(refused, handed_over=True, archived=True), (30, 42, 55, 61)),
    (partial(repeated, new_evidence=False), (20,)),
    (partial(repeated, new_evidence=True), (23,)),
    (held, (11, 35)),
    (partial(held, onward="take_up"), (17,)),
    (partial(held, onward="close_held"), (19,)),
    (closed, (10, 14)),
    (inquiry, (6, 10, 22)),
    (inquired, (16, 21)),
    (partial(inquired, checked_upto="drawn"), (15,)),
    (partial(inquired, checked_upto="checking"), (18,)),
    (partial(inquired, checked_upto="review"), (25,)),
    (partial(inquired, checked_upto="closed"), (34, 48)),
    (partial(whole, upto="recheck"), (14, 17)),
    (partial(whole, upto="failed"), (19,)),
    (partial(whole, upto="feedback"), (18, 20)),
    (partial(whole, upto="filing"), (19, 23, 27)),
    (whole, (30, 38, 44, 50, 56, 60, 64, 68, 72, 76, 80)),
    (partial(whole, at_county=True), (40, 58, 70)),
    (reclassified, (14,)),
    (taken_charge, (8,)),
    (reassigned, (13,)),
    (recused, (12,)),
    (reported_colleague, (9,)),
    (partial(acknowledged_by, login="lujing"), (DAYS,)),
    (partial(acknowledged_by, login="chenjianguo"), (DAYS,)),
    (partial(ordered, source="leader", upto="issued"), (2,)),
    (partial(ordered, source="inspection", upto="handling"), (7,)),
    (partial(ordered, source="leader", upto="verification"), (9,)),
    (partial(ordered, source="inspection", upto="struck_off"), (28, 46)),
)
"""What happens, and how many working days before the end each life begins."""
