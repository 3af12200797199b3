"""Approval, handling, and back to approval where the handlers return it; one lock per process, as recommended."""

from viewflow import this
from viewflow.workflow import flow
from viewflow.workflow.lock import select_for_update_lock

from tests.benchmarks.peers.petitions.models import Petition


class PetitionFlow(flow.Flow):
    process_class = Petition
    lock_impl = select_for_update_lock

    start = flow.StartHandle(this.register).Next(this.approve)
    approve = flow.View(None).Permission("petitions.approve_petition").Next(this.handling)
    handling = flow.View(None).Permission("petitions.handle_petition").Next(this.returned)
    returned = flow.If(lambda activation: activation.process.state == "approval").Then(this.approve).Else(this.end)
    end = flow.End()

    def register(self, activation, **values):
        for name, value in values.items():
            setattr(activation.process, name, value)
        return activation.process
