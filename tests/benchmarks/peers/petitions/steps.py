"""The same work as ours: an action of a petition, an opening, a sweep; each in a transaction under viewflow's lock."""

import hashlib
import hmac
import json
import secrets
from datetime import date, timedelta
from types import SimpleNamespace

from django import forms
from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone
from viewflow.workflow.models import Task

from tests.benchmarks.peers.petitions.flows import PetitionFlow
from tests.benchmarks.peers.petitions.models import Clock, Entry, FiredRung, Grant, Message, Petition, Series

ROLES = {"approve": "leader", "send_back": "handler"}


class Approval(forms.Form):
    note = forms.CharField(max_length=500, required=False)


class Return(forms.Form):
    reason = forms.CharField(max_length=500)


CHANNELS = [("letter", "来信"), ("visit", "来访"), ("phone", "来电"), ("online", "网络"), ("handed_down", "上级交办")]
FIELDS = [("subsidies", "低保等惠民资金"), ("discipline", "违反纪律"), ("duty", "失职渎职"), ("conduct", "作风问题")]


class Registration(forms.Form):
    """What our form of a petition asks for, and what it refuses."""

    channel = forms.ChoiceField(choices=CHANNELS)
    received_on = forms.DateField()
    summary = forms.CharField(max_length=200)
    content = forms.CharField(max_length=10000)
    problem_fields = forms.MultipleChoiceField(choices=FIELDS)
    anonymous = forms.BooleanField(required=False)
    complainant = forms.CharField(max_length=200, required=False)
    group_size = forms.IntegerField(min_value=1)
    representatives = forms.IntegerField(min_value=1)
    superior = forms.CharField(max_length=200, required=False)
    new_evidence = forms.BooleanField(required=False)

    def clean(self):
        given = super().clean()
        if bool(given.get("anonymous")) == bool(given.get("complainant")):
            raise forms.ValidationError("匿名件不得填写举报人，实名件请填写举报人")
        if given.get("channel") == "handed_down" and not given.get("superior"):
            raise forms.ValidationError("上级交办件请填写交办机关")
        if given.get("received_on") and given["received_on"] > timezone.now().date():
            raise forms.ValidationError("日期不得晚于今天")
        return given


class Reported(forms.Form):
    name = forms.CharField(max_length=200)
    post = forms.CharField(max_length=100, required=False)
    unit_text = forms.CharField(max_length=200, required=False)


ReportedSet = forms.formset_factory(Reported, max_num=30, validate_max=True)


def advance(task_id, user, action, data):
    """Approve a petition, or send it back: permission, form, guard, clocks, journal, message, next task."""
    form = (Approval if action == "approve" else Return)(data)
    if not form.is_valid():
        raise ValueError(form.errors)
    task = Task.objects.select_related("process").get(pk=task_id)
    with task.activation() as activation:
        if not activation.assign.has_perm(user):
            raise PermissionDenied
        petition = activation.process
        _refuse_elsewhere(user, ROLES[action], petition.unit)
        if petition.answers.get("proposer") == user.pk:
            raise PermissionDenied
        activation.assign(user)
        activation.start(SimpleNamespace(user=user))
        now = timezone.now()
        if action == "approve":
            _approve(petition, now)
        else:
            petition.state, petition.unit = "approval", petition.unit - 1
            approved_by, text = petition.answers["approve"]["by"], f"{petition.number}已被退回"
            Message.objects.create(person=approved_by, petition=petition, text=text, made_at=now)
        petition.answers = {**petition.answers, action: {"by": user.pk, "at": now.isoformat(), **form.cleaned_data}}
        _write(petition, user.pk, action, form.cleaned_data, now)
        petition.save()
        activation.execute()
    return petition.pk


def _refuse_elsewhere(user, role, unit):
    """A permission of Django's is for everywhere; here it counts at units."""
    if not Grant.objects.filter(user=user, role=role, unit=unit).exists():
        raise PermissionDenied


def _approve(petition, now):
    Clock.objects.filter(petition=petition, name="disposition", running=True).update(
        running=False, outcome="on_time", next_rung_at=None
    )
    due = now + timedelta(days=30)
    Clock.objects.create(petition=petition, name="handling", due_at=due, next_rung_at=due - timedelta(days=3))
    petition.state, petition.unit, petition.due_at = "handling", petition.unit + 1, due


def register(user_id, unit, data):
    """Open a petition: permission, form, namesakes, number, process, clock, first task, journal, receipt code."""
    form, reported, user = Registration(data), ReportedSet(data, prefix="reported"), User.objects.get(pk=user_id)
    if not (form.is_valid() and reported.is_valid()):
        raise ValueError(form.errors, reported.errors)
    if not user.has_perm("petitions.approve_petition"):
        raise PermissionDenied
    _refuse_elsewhere(user, "leader", unit)
    now = timezone.now()
    due = now + timedelta(days=15)
    with transaction.atomic():
        told = {k: v.isoformat() if isinstance(v, date) else v for k, v in form.cleaned_data.items()}
        answers = {"open": told | {"reported": reported.cleaned_data}, "proposer": 0}
        names = [one["name"] for one in reported.cleaned_data]
        answers["away"] = list(User.objects.filter(last_name__in=names).values_list("pk", flat=True))
        series, _ = Series.objects.select_for_update().get_or_create(unit=unit, year=now.year)
        series.last += 1
        series.save(update_fields=["last"])
        number = f"信访〔{now.year}〕{series.last}号"
        code = secrets.token_hex(8)
        process = PetitionFlow.start.run(
            number=number, title=form.cleaned_data["summary"], state="approval", unit=unit, due_at=due, answers=answers,
            receipt_digest=hmac.digest(settings.SECRET_KEY.encode(), code.encode(), "sha256").hex(),
        )  # fmt: skip
        Clock.objects.create(petition=process, name="disposition", due_at=due, next_rung_at=due - timedelta(days=3))
        _write(process, user.pk, "open", answers["open"], now)
        process.save(update_fields=["journal_seq", "journal_head"])
    return process, code


def sweep(now, office):
    """Fire every due rung, each re-checked under the lock in a transaction of its own, as viewflow's timers are."""
    fired = 0
    due = Clock.objects.filter(running=True, next_rung_at__lte=now).order_by("next_rung_at")
    for clock_id, petition_id in due.values_list("pk", "petition_id"):
        with PetitionFlow.lock(petition_id):
            clock = Clock.objects.select_related("petition").get(pk=clock_id)
            if not clock.running or clock.next_rung_at is None or clock.next_rung_at > now:
                continue
            petition = clock.petition
            FiredRung.objects.create(clock=clock, rung=clock.rungs_fired, fired_at=now)
            text = f"{petition.number}已超期，请及时办理"
            Message.objects.bulk_create(
                Message(person=person, petition=petition, text=text, made_at=now) for person in office
            )
            petition.level += 1
            _write(petition, None, "rung", {"clock": clock.name, "rung": clock.rungs_fired}, now)
            petition.save(update_fields=["level", "journal_seq", "journal_head"])
            clock.rungs_fired, clock.next_rung_at = clock.rungs_fired + 1, None
            clock.save(update_fields=["rungs_fired", "next_rung_at"])
            fired += 1
    return fired


def _write(petition: Petition, actor, action, content, now):
    said = json.dumps(
        [petition.pk, petition.journal_seq + 1, now.isoformat(), actor, action, content, petition.journal_head],
        sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str,
    )  # fmt: skip
    digest = hashlib.sha256(said.encode()).hexdigest()
    Entry.objects.create(
        petition=petition, seq=petition.journal_seq + 1, at=now, actor=actor, action=action,
        content=json.loads(json.dumps(content, default=str)), previous=petition.journal_head, hash=digest,
    )  # fmt: skip
    petition.journal_seq, petition.journal_head = petition.journal_seq + 1, digest
