"""Log in, and take a step: JSON in and out, the user from Django's session."""

import json

from django.contrib.auth import authenticate, login
from django.http import JsonResponse
from django.urls import path
from viewflow.workflow.models import Task

from tests.benchmarks.peers.petitions import steps


def log_in(request):
    user = authenticate(request, **json.loads(request.body))
    if user is None:
        return JsonResponse({}, status=401)
    login(request, user)
    return JsonResponse({})


def advance(request, task, action):
    if not request.user.is_authenticated:
        return JsonResponse({}, status=401)
    process = steps.advance(task, request.user, action, json.loads(request.body))
    following = Task.objects.filter(process_id=process, status="NEW").values_list("pk", flat=True).first()
    return JsonResponse({"next": following})


urlpatterns = [path("login", log_in), path("advance/<int:task>/<str:action>", advance)]
