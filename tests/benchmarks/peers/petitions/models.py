"""What viewflow does not keep by itself: the petition, its clocks with fired rungs, a chained journal, messages."""

from django.db import models
from viewflow.workflow.models import Process


class Petition(Process):
    """A process with what the staff see of it."""

    number = models.CharField(max_length=50)
    title = models.CharField(max_length=200)
    state = models.CharField(max_length=20)
    unit = models.IntegerField(db_index=True)
    level = models.IntegerField(default=0)
    due_at = models.DateTimeField(null=True, db_index=True)
    answers = models.JSONField(default=dict)
    journal_seq = models.IntegerField(default=0)
    journal_head = models.CharField(max_length=64, default="0" * 64)
    receipt_digest = models.CharField(max_length=64)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("receipt_digest",), name="one_receipt"),)
        permissions = (("approve_petition", "may approve"), ("handle_petition", "may handle"))


class Grant(models.Model):
    """A role that a person holds at a unit."""

    user = models.ForeignKey("auth.User", models.CASCADE)
    role = models.CharField(max_length=20)
    unit = models.IntegerField()

    class Meta:
        unique_together = (("user", "role", "unit"),)


class Series(models.Model):
    """The last number given at a unit in a year."""

    unit = models.IntegerField()
    year = models.IntegerField()
    last = models.IntegerField(default=0)

    class Meta:
        unique_together = (("unit", "year"),)


class Clock(models.Model):
    """A period that runs on a petition."""

    petition = models.ForeignKey(Petition, models.CASCADE)
    name = models.CharField(max_length=20)
    running = models.BooleanField(default=True)
    due_at = models.DateTimeField()
    next_rung_at = models.DateTimeField(null=True, db_index=True)
    rungs_fired = models.IntegerField(default=0)
    outcome = models.CharField(max_length=20, blank=True)


class FiredRung(models.Model):
    """A rung that fired, once per clock."""

    clock = models.ForeignKey(Clock, models.CASCADE)
    rung = models.IntegerField()
    fired_at = models.DateTimeField()

    class Meta:
        unique_together = (("clock", "rung"),)


class Entry(models.Model):
    """What happened; the hash covers the entry before."""

    petition = models.ForeignKey(Petition, models.CASCADE)
    seq = models.IntegerField()
    at = models.DateTimeField()
    actor = models.IntegerField(null=True)
    action = models.CharField(max_length=20)
    content = models.JSONField()
    previous = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    class Meta:
        unique_together = (("petition", "seq"),)


class Message(models.Model):
    """What a person is told."""

    person = models.IntegerField()
    petition = models.ForeignKey(Petition, models.CASCADE)
    text = models.CharField(max_length=200)
    made_at = models.DateTimeField()
