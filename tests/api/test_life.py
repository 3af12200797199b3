"""The whole life of a petition over HTTP, by five people and with every detour."""

from datetime import date, timedelta

import pytest

from tests.api.web import Web


def _clock(web: Web, matter_id: int, name: str) -> dict[str, object]:
    clocks = web.by("clerk").get(f"/api/v1/matters/{matter_id}/clocks").json()
    return next(c["clock"] for c in clocks if c["clock"]["name"] == name and c["clock"]["state"] != "stopped")


def test_petition_lives_from_registration_to_archive(any_web: Web) -> None:
    web, county = any_web, any_web.county
    opened = web.register()
    matter = opened["matter_id"]
    assert opened["state"] == "registered"
    assert opened["number"].endswith("号") and len(opened["receipt_code"]) == 16
    web.walk(matter, "accept", "propose")
    web.walk(matter, "send_back", "propose", "approve")
    assert web.by("handler").get(f"/api/v1/matters/{matter}").json()["unit_id"] == county.units["liuhe"]
    _extend(web, matter)
    _stand_still(web, matter, days=5)
    web.walk(matter, "note_progress", "give_acceptance_notice", "complete", "pass_recheck", "feed_back", "archive")
    shown = web.by("clerk").get(f"/api/v1/matters/{matter}").json()
    assert (shown["state"], shown["light"], shown["items"], shown["duties"]) == ("archived", None, [], [])
    assert {c["outcome"] for c in shown["clocks"]} == {"on_time"}
    _told_in_full(web, matter)


def _extend(web: Web, matter: int) -> None:
    before = _clock(web, matter, "handling")
    path = f"/api/v1/clocks/{before['id']}/extension"
    asked = web.by("handler").post(path, json={"amount": 1, "unit": "month", "reason": "账目繁杂"})
    assert asked.status_code == 200, asked.text
    own = web.by("handler").post(f"{path}/decision", json={"granted": True})
    assert own.status_code == 403
    granted = web.by("office").post(f"{path}/decision", json={"granted": True, "reason": "同意"})
    assert granted.status_code == 200, granted.text
    after = _clock(web, matter, "handling")
    assert date.fromisoformat(str(after["nominal_due"])) > date.fromisoformat(str(before["nominal_due"]))
    assert len(after["extensions"]) == 1  # type: ignore[arg-type]


def _stand_still(web: Web, matter: int, days: int) -> None:
    web.county.later(days=1)  # the day it began does not count
    before = _clock(web, matter, "handling")
    path = f"/api/v1/clocks/{before['id']}"
    assert web.by("office").post(f"{path}/suspension", json={"reason": "等待鉴定"}).status_code == 200
    resting = _clock(web, matter, "handling")
    assert (resting["state"], resting["effective_due"], resting["light"]["colour"]) == ("suspended", None, "grey")  # type: ignore[index]
    web.county.later(days=days)
    assert web.by("office").post(f"{path}/resumption", json={"reason": "鉴定完成"}).status_code == 200
    moved = date.fromisoformat(str(_clock(web, matter, "handling")["nominal_due"]))
    assert moved == date.fromisoformat(str(before["nominal_due"])) + timedelta(days=days)


def _told_in_full(web: Web, matter: int) -> None:
    """The journal holds each step, newest first over pages, and its chain is whole."""
    client, seen, cursor = web.by("supervisor"), [], ""
    while True:
        page = client.get(f"/api/v1/matters/{matter}/timeline?limit=7{cursor}").json()
        seen += [entry["action"] for entry in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert seen == [
        "archive", "feed_back", "pass_recheck", "complete", "give_acceptance_notice", "note_progress", "resume",
        "suspend", "grant_extension", "ask_extension", "approve", "propose", "send_back", "propose", "accept", "open",
    ]  # fmt: skip
    verified = client.get(f"/api/v1/matters/{matter}/journal/verification").json()
    assert verified == {"ok": True, "matters": 1, "entries": len(seen), "broken": []}


def test_refused_extension_needs_a_reason_and_leaves_the_date(web: Web) -> None:
    matter = web.register()["matter_id"]
    web.walk(matter, "accept", "propose", "approve")
    before = _clock(web, matter, "handling")
    path = f"/api/v1/clocks/{before['id']}/extension"
    assert web.by("handler").post(path, json={"amount": 1, "unit": "month", "reason": "账目繁杂"}).status_code == 200
    mute = web.by("office").post(f"{path}/decision", json={"granted": False})
    assert (mute.status_code, mute.json()["errors"][0]["field"]) == (422, "reason")
    refused = web.by("office").post(f"{path}/decision", json={"granted": False, "reason": "理由不足"})
    assert refused.status_code == 200
    after = _clock(web, matter, "handling")
    assert (after["nominal_due"], after["requested"]) == (before["nominal_due"], None)


def test_a_clock_without_such_a_step_says_so(web: Web) -> None:
    matter = web.register()["matter_id"]
    screening = _clock(web, matter, "screening")
    answer = web.by("office").post(f"/api/v1/clocks/{screening['id']}/suspension", json={"reason": "等"})
    assert (answer.status_code, answer.json()["code"]) == (409, "clock_step_unknown")


@pytest.mark.parametrize("disposition", ["letter_inquiry", "held_pending", "closed"])
def test_other_dispositions_lead_elsewhere(web: Web, disposition: str) -> None:
    matter = web.register()["matter_id"]
    web.walk(matter, "accept", "propose", "approve", disposition=disposition)
    state = web.by("clerk").get(f"/api/v1/matters/{matter}").json()["state"]
    assert state == {"letter_inquiry": "inquiry", "held_pending": "held", "closed": "feedback"}[disposition]
