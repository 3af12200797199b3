from pathlib import Path

from django.apps import AppConfig


class PetitionsConfig(AppConfig):
    name = "tests.benchmarks.peers.petitions"
    label = "petitions"
    path = str(Path(__file__).parent)
    default_auto_field = "django.db.models.BigAutoField"
