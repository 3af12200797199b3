"""What can be looked up. Every query goes through `services.engine.visibility` or the actor's own work items."""

from services.engine.queries.actions import PossibleAction, Target, form_schema, possible_actions
from services.engine.queries.details import (
    AttachmentView,
    ItemView,
    LinkView,
    MatterView,
    StepView,
    get_matter,
    links,
)
from services.engine.queries.explaining import ClockView, Explanation, explain_clock
from services.engine.queries.history import EntryView, timeline
from services.engine.queries.lights import COLOURS, Colour, Light, light
from services.engine.queries.matters import MatterFilters, MatterRow, count_matters, list_matters
from services.engine.queries.paging import BadCursor, Page
from services.engine.queries.panels import PanelView
from services.engine.queries.rungs import RungView, unacknowledged_rungs
from services.engine.queries.worklist import WorkFilters, WorkRow, light_counts, worklist

__all__ = [
    "COLOURS",
    "AttachmentView",
    "BadCursor",
    "ClockView",
    "Colour",
    "EntryView",
    "Explanation",
    "ItemView",
    "Light",
    "LinkView",
    "MatterFilters",
    "MatterRow",
    "MatterView",
    "Page",
    "PanelView",
    "PossibleAction",
    "RungView",
    "StepView",
    "Target",
    "WorkFilters",
    "WorkRow",
    "count_matters",
    "explain_clock",
    "form_schema",
    "get_matter",
    "light",
    "light_counts",
    "links",
    "list_matters",
    "possible_actions",
    "timeline",
    "unacknowledged_rungs",
    "worklist",
]
