"""SpiffWorkflow 3.2 at the same work. `python -m tests.benchmarks.peers.spiff_peer URL (seed N | W1 …)`.

SpiffWorkflow keeps nothing itself: as its documentation says, a workflow is a JSON text that the application stores.
Here it lies in a row that is locked while it is restored, advanced and stored; what it does not know (permission,
clocks, work items, journal) is written beside it by psycopg in the same transaction.
"""

import hashlib
import json
import sys
from datetime import UTC, datetime, timedelta

import psycopg
from lxml import etree
from psycopg.types.json import Jsonb
from SpiffWorkflow import TaskState
from SpiffWorkflow.bpmn.parser import BpmnParser
from SpiffWorkflow.bpmn.serializer import BpmnWorkflowSerializer
from SpiffWorkflow.bpmn.workflow import BpmnWorkflow

from tests.benchmarks.racing import Exhausted, Sample, race

MOVES = {
    "registered": ("triage", "refused", "filing"), "refused": ("filing",), "triage": ("approval",),
    "approval": ("handling", "inquiry", "held", "feedback", "filing", "triage"), "inquiry": ("handling", "approval"),
    "handling": ("recheck", "feedback", "filing", "approval"), "held": ("triage", "feedback", "filing"),
    "recheck": ("feedback", "filing", "handling"), "feedback": ("filing",), "filing": ("archived",),
}  # fmt: skip
"""Where each state of a petition leads: a user task and a gateway for each, as one draws it."""
TABLES = """
    CREATE TABLE matter (id bigint PRIMARY KEY, unit int, state text, level int, due_at timestamptz, seq int, head text,
        workflow jsonb);
    CREATE TABLE clock (id bigserial PRIMARY KEY, matter_id bigint, name text, state text, due_at timestamptz,
        next_rung_at timestamptz);
    CREATE INDEX ON clock (matter_id); CREATE INDEX ON clock (next_rung_at);
    CREATE TABLE item (id bigserial PRIMARY KEY, matter_id bigint, role text, unit int, due_at timestamptz,
        closed_at timestamptz);
    CREATE INDEX ON item (matter_id); CREATE INDEX ON item (role, unit, due_at) WHERE closed_at IS NULL;
    CREATE TABLE journal (id bigserial PRIMARY KEY, matter_id bigint, seq int, at timestamptz, actor int, action text,
        content jsonb, previous text, hash text, UNIQUE (matter_id, seq));
    CREATE TABLE held (person int, role text, unit int, PRIMARY KEY (person, role, unit));
    CREATE TABLE message (id bigserial PRIMARY KEY, matter_id bigint, person int, text text, made_at timestamptz)"""
ROLES = {"approve": "unit_leader", "send_back": "handler"}
LEADER, HANDLER = 1, 2


def drawn() -> str:
    """Return the procedure as BPMN."""
    parts, arrows = [], [("start", "registered", "")]
    for state, targets in MOVES.items():
        parts += [
            f'<userTask id="{state}"/>',
            f'<exclusiveGateway id="after_{state}" default="{state}_to_{targets[0]}"/>',
        ]
        arrows.append((state, f"after_{state}", ""))
        arrows += [(f"after_{state}", target, f"target == '{target}'") for target in targets]
    for source, target, condition in arrows:
        tested = (
            f'<conditionExpression xsi:type="tFormalExpression">{condition}</conditionExpression>' if condition else ""
        )
        name = f"{source.removeprefix('after_')}_to_{target}"
        parts.append(f'<sequenceFlow id="{name}" sourceRef="{source}" targetRef="{target}">{tested}</sequenceFlow>')
    return (
        '<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"'
        ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" targetNamespace="petition">'
        '<process id="petition" isExecutable="true"><startEvent id="start"/><endEvent id="archived"/>'
        f"{''.join(parts)}</process></definitions>"
    )


def specification():
    parser = BpmnParser()
    parser.add_bpmn_xml(etree.fromstring(drawn()))
    return parser.get_spec("petition")


def seed(url: str, size: int) -> None:
    workflow = BpmnWorkflow(specification())
    workflow.do_engine_steps()
    for action, target in (("accept", "triage"), ("propose", "approval")):
        step(workflow, action, target, {"note": ""})
    text = BpmnWorkflowSerializer().serialize_json(workflow)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(TABLES)
        connection.execute(
            "INSERT INTO matter SELECT g, 1 + (random() * 18)::int, 'approval', 0,"
            " now() + random() * interval '30 days', 0, repeat('0', 64), %s FROM generate_series(1, %s) g",
            (text, size),
        )
        connection.execute(
            "INSERT INTO clock (matter_id, name, state, due_at) SELECT id, 'disposition', 'running', due_at FROM matter"
        )
        connection.execute(
            "INSERT INTO item (matter_id, role, unit, due_at) SELECT id, 'unit_leader', unit, due_at FROM matter"
        )
        for person, role in ((LEADER, ROLES["approve"]), (HANDLER, ROLES["send_back"])):
            connection.execute("INSERT INTO held SELECT %s, %s, g FROM generate_series(0, 20) g", (person, role))
        connection.execute("VACUUM ANALYZE")


def step(workflow, action: str, target: str, answers: dict) -> None:
    task = workflow.get_next_task(state=TaskState.READY, manual=True)
    if target not in MOVES[task.task_spec.name]:
        raise ValueError(f"{action} in {task.task_spec.name}")
    task.set_data(target=target, **{action: answers})
    task.run()
    workflow.do_engine_steps()


def advance(connection, serializer, matter: int, action: str, person: int, answers: dict) -> None:
    """Approve a petition or send it back, in one transaction."""
    if not isinstance(answers.get("note", answers.get("reason")), str):
        raise ValueError(answers)
    now = datetime.now(UTC)
    with connection.transaction():
        held = connection.execute("SELECT role, unit FROM held WHERE person = %s", (person,)).fetchall()
        row = connection.execute("SELECT * FROM matter WHERE id = %s FOR UPDATE", (matter,)).fetchone()
        if (ROLES[action], row[1]) not in held:
            raise PermissionError(action)
        workflow = serializer.from_dict(row[7])
        said = {**answers, "by": person, "at": now.isoformat()}
        step(workflow, action, "handling" if action == "approve" else "approval", said)
        _, unit, _, _, due, seq, head, _ = row
        connection.execute(
            "SELECT * FROM clock WHERE matter_id = %s AND state = 'running' FOR UPDATE", (matter,)
        ).fetchall()
        if action == "approve":
            due, state, unit, role = now + timedelta(days=30), "handling", unit + 1, "handler"
            connection.execute(
                "UPDATE clock SET state = 'stopped', next_rung_at = NULL WHERE matter_id = %s AND state = 'running'",
                (matter,),
            )
            connection.execute(
                "INSERT INTO clock (matter_id, name, state, due_at, next_rung_at)"
                " VALUES (%s, 'handling', 'running', %s, %s)",
                (matter, due, due - timedelta(days=3)),
            )
        else:
            state, unit, role = "approval", unit - 1, "unit_leader"
            connection.execute(
                "INSERT INTO message (matter_id, person, text, made_at) VALUES (%s, %s, %s, %s)",
                (matter, LEADER, "已被退回", now),
            )
        connection.execute("UPDATE item SET closed_at = %s WHERE matter_id = %s AND closed_at IS NULL", (now, matter))
        connection.execute(
            "INSERT INTO item (matter_id, role, unit, due_at) VALUES (%s, %s, %s, %s)", (matter, role, unit, due)
        )
        said = json.dumps([matter, seq + 1, now.isoformat(), person, action, answers, head], ensure_ascii=False)
        digest = hashlib.sha256(said.encode()).hexdigest()
        connection.execute(
            "INSERT INTO journal (matter_id, seq, at, actor, action, content, previous, hash)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
            (matter, seq + 1, now, person, action, Jsonb(answers), head, digest),
        )
        connection.execute(
            "UPDATE matter SET unit = %s, state = %s, due_at = %s, seq = %s, head = %s, workflow = %s WHERE id = %s",
            (unit, state, due, seq + 1, digest, Jsonb(serializer.to_dict(workflow)), matter),
        )


def run(url: str, clients: int, seconds: float) -> Sample:
    with psycopg.connect(url) as connection:
        untouched = connection.execute(
            "SELECT id FROM matter WHERE seq = 0 ORDER BY id LIMIT %s", (clients * max(20, int(100 * seconds)),)
        ).fetchall()

    def client(number):
        connection, serializer = psycopg.connect(url, autocommit=True), BpmnWorkflowSerializer()
        mine, current = iter([matter for (matter,) in untouched[number::clients]]), []

        def act():
            if current:
                advance(connection, serializer, current.pop(), "send_back", HANDLER, {"reason": "请补充"})
                return
            matter = next(mine, None)
            if matter is None:
                raise Exhausted
            advance(connection, serializer, matter, "approve", LEADER, {"note": "同意"})
            current.append(matter)

        return act

    return race(client, clients, seconds)


def main() -> None:
    url, work, *given = sys.argv[1:]
    if work == "seed":
        seed(url, int(given[0]))
        return
    sample = run(url, int(given[0]), float(given[1]))
    json.dump({"took": sample.took, "elapsed": sample.elapsed, "pieces": sample.pieces}, sys.stdout)


if __name__ == "__main__":
    main()
