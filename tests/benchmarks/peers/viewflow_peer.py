"""django-viewflow 2.4 at the same work. `python -m tests.benchmarks.peers.viewflow_peer URL (seed N | WORK …)`.

Tuned as its documentation says: the lock is `select_for_update_lock`, connections stay open, permissions are Django's.
It prints one line of JSON: what each operation took.
"""

import json
import sys
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

from tests.benchmarks.racing import Exhausted, Sample, race, timed

LETTER = {
    "channel": "letter", "summary": "反映上河村低保问题", "content": "反映上河村截留低保金。",
    "received_on": "2016-03-01", "problem_fields": ["subsidies"], "anonymous": True, "group_size": 1,
    "representatives": 1, "reported-TOTAL_FORMS": "1", "reported-INITIAL_FORMS": "0",
    "reported-0-name": "某村干部", "reported-0-post": "村支书",
}  # fmt: skip


def set_up(url: str) -> None:
    import django
    from django.conf import settings

    parts = urlsplit(url)
    settings.configure(
        DATABASES={"default": {
            "ENGINE": "django.db.backends.postgresql", "NAME": parts.path.strip("/"), "USER": parts.username,
            "HOST": parse_qs(parts.query)["host"][0], "CONN_MAX_AGE": None,
        }},
        INSTALLED_APPS=[
            "django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", "viewflow",
            "viewflow.workflow", "tests.benchmarks.peers.petitions.apps.PetitionsConfig",
        ],
        MIGRATION_MODULES=dict.fromkeys(("auth", "contenttypes", "sessions", "viewflow", "petitions")),
        USE_TZ=True, SECRET_KEY="benchmark", ALLOWED_HOSTS=["*"],
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware",
                    "django.contrib.auth.middleware.AuthenticationMiddleware"],
        ROOT_URLCONF="tests.benchmarks.peers.petitions.urls",
    )  # fmt: skip
    django.setup()


def seed(size: int) -> None:
    """Start one petition by the flow and clone its rows, dates drawn anew."""
    from django.contrib.auth.models import Permission, User
    from django.core.management import call_command
    from django.db import connection

    from tests.benchmarks.peers.petitions.models import Grant

    call_command("migrate", run_syncdb=True, verbosity=0)
    for name, permission in (("leader", "approve_petition"), ("handler", "handle_petition")):
        user = User.objects.create_user(name, password="benchmark")
        user.user_permissions.add(Permission.objects.get(codename=permission))
        Grant.objects.bulk_create(Grant(user=user, role=name, unit=unit) for unit in range(21))
    from tests.benchmarks.peers.petitions.steps import register

    first, _ = register(User.objects.get(username="leader").pk, 1, LETTER)
    with connection.cursor() as cursor:
        for table, key, changed in (
            ("viewflow_process", "id", {"id": "g"}),
            ("petitions_petition", "process_ptr_id",
             {"process_ptr_id": "g", "number": "g::text", "unit": "1 + (random() * 18)::int",
              "due_at": "now() + random() * interval '30 days'", "receipt_digest": "md5(random()::text || g)"}),
            ("viewflow_task", "process_id", {"process_id": "g"}),
            ("petitions_clock", "petition_id",
             {"petition_id": "g", "due_at": "now() + random() * interval '30 days'",
              "next_rung_at": "now() + interval '1 year'"}),
            ("petitions_entry", "petition_id", {"petition_id": "g"}),
        ):  # fmt: skip
            cursor.execute("SELECT column_name FROM information_schema.columns WHERE table_name = %s", [table])
            columns = [name for (name,) in cursor.fetchall() if name != "id" or name in changed]
            values = ", ".join(changed.get(name, f'p."{name}"') for name in columns)
            names = ", ".join(f'"{name}"' for name in columns)
            cursor.execute(
                f"INSERT INTO {table} ({names}) SELECT {values} FROM {table} p, generate_series(%s, %s) g"
                f" WHERE p.{key} = %s",
                [first.pk + 1, size, first.pk],
            )
        cursor.execute("SELECT setval(pg_get_serial_sequence('viewflow_process', 'id'), %s)", [size])
        cursor.execute("VACUUM ANALYZE")


def waiting(most: int) -> list[int]:
    """Return the tasks of approval of so many petitions that nobody has moved yet."""
    from viewflow.workflow.models import Task

    found = Task.objects.filter(status="NEW", flow_task_type="HUMAN", process__petition__journal_seq=1)
    return list(found.order_by("process_id").values_list("pk", flat=True)[:most])


def advance(clients: int, seconds: float) -> Sample:
    """Approve and send back petitions."""
    from django.contrib.auth.models import User
    from django.db import connections
    from viewflow.workflow.models import Task

    from tests.benchmarks.peers.petitions import steps

    unseen = waiting(max(20, int(40 * seconds)) * clients)
    connections.close_all()

    def client(number):
        leader, handler = (User.objects.get(username=name).pk for name in ("leader", "handler"))
        mine, current = iter(unseen[number::clients]), []

        def act():
            if current:
                task = Task.objects.get(process_id=current.pop(), status="NEW").pk
                steps.advance(task, User.objects.get(pk=handler), "send_back", {"reason": "请补充"})
                return
            task = next(mine, None)
            if task is None:
                raise Exhausted
            current.append(steps.advance(task, User.objects.get(pk=leader), "approve", {"note": "同意"}))

        return act

    return race(client, clients, seconds)


def open_petitions(clients: int, seconds: float) -> Sample:
    from django.contrib.auth.models import User
    from django.db import connections

    from tests.benchmarks.peers.petitions import steps

    connections.close_all()

    def client(number):
        leader = User.objects.get(username="leader").pk
        return lambda: steps.register(leader, 1 + number, LETTER)

    return race(client, clients, seconds)


def sweep(due: int) -> Sample:
    from django.utils import timezone

    from tests.benchmarks.peers.petitions import steps
    from tests.benchmarks.peers.petitions.models import Clock

    now = timezone.now()
    chosen = list(Clock.objects.filter(running=True, rungs_fired=0).order_by("?").values_list("pk", flat=True)[:due])
    Clock.objects.filter(pk__in=chosen).update(next_rung_at=now - timedelta(hours=1))
    return timed(lambda: steps.sweep(now, (1, 2)))


def main() -> None:
    url, work, *given = sys.argv[1:]
    set_up(url)
    numbers = [float(text) for text in given]
    if work == "waiting":
        json.dump(waiting(int(numbers[0])), sys.stdout)
        return
    if work == "seed":
        seed(int(numbers[0]))
        return
    if work == "W1":
        sample = advance(int(numbers[0]), numbers[1])
    elif work == "W2":
        sample = open_petitions(int(numbers[0]), numbers[1])
    else:
        sample = sweep(int(numbers[0]))
    json.dump({"took": sample.took, "elapsed": sample.elapsed, "pieces": sample.pieces}, sys.stdout)


if __name__ == "__main__":
    main()
