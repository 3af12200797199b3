"""The tree stays a tree, its paths stay right, and names of letters find their unit."""

from datetime import date
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from services.db.session import Database
from services.identity.errors import NotFound, UnitRefused
from services.identity.models import Unit, UnitKind
from services.identity.units import (
    Branch,
    abolish_unit,
    ancestors,
    create_unit,
    find_unit,
    get_unit,
    move_unit,
    rename_unit,
    tree,
)

TODAY = date(2016, 3, 1)


def assert_paths_are_right(database: Database) -> None:
    with database.read() as session:
        units = {unit.id: unit for unit in session.scalars(select(Unit))}
    for unit in units.values():
        above = units[unit.parent_id].path if unit.parent_id else "/"
        assert unit.path == f"{above}{unit.id}/"


def names(branch: Branch) -> tuple[object, ...]:
    return (branch.unit.name, *(names(child) for child in branch.below))


def test_paths_run_from_the_root(county) -> None:
    assert_paths_are_right(county.database)
    with county.database.read() as session:
        north = get_unit(session, county.units.north)
    assert ancestors(north.path) == (county.units.root, county.units.town, county.units.north)


def test_tree_is_ordered_by_code(county) -> None:
    with county.database.read() as session:
        assert names(tree(session, TODAY)) == (
            "通城县",
            ("县教育局",),
            ("柳河乡", ("上河村",), ("下河村",)),
        )


def test_no_units_no_tree(database: Database) -> None:
    with database.read() as session:
        assert tree(session, TODAY) is None


def test_moving_a_unit_takes_all_below_it_along(county) -> None:
    with county.database.write() as session:
        held = get_unit(session, county.units.north)
        moved = move_unit(session, county.units.town, county.units.bureau)
        assert moved.path == f"/{county.units.root}/{county.units.bureau}/{county.units.town}/"
        assert held.path == f"{moved.path}{held.id}/"
    assert_paths_are_right(county.database)


def test_paths_like_a_prefix_are_not_taken_along(county) -> None:
    """/1/2/ must not catch /1/20/."""
    with county.database.write() as session:
        for number in range(30):
            create_unit(session, f"X{number}", f"单位{number}", UnitKind.DEPARTMENT, county.units.root)
        move_unit(session, county.units.town, county.units.bureau)
    assert_paths_are_right(county.database)


@pytest.mark.parametrize("target", ["town", "north"])
def test_a_unit_cannot_move_into_itself(county, target: str) -> None:
    with county.database.write() as session, pytest.raises(UnitRefused, match="part of"):
        move_unit(session, county.units.town, getattr(county.units, target))


def test_the_county_stays(county) -> None:
    with county.database.write() as session:
        with pytest.raises(UnitRefused, match="moved"):
            move_unit(session, county.units.root, county.units.town)
        with pytest.raises(UnitRefused, match="abolished"):
            abolish_unit(session, county.units.root, TODAY)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_random_growing_and_moving_keeps_the_tree(county, seed: int) -> None:
    rng = Random(seed)
    with county.database.write() as session:
        ids = list(session.scalars(select(Unit.id).order_by(Unit.id)))
        for step in range(12):
            if rng.random() < 0.5:
                code = f"R{seed}-{len(ids)}-{step}"
                ids.append(create_unit(session, code, code, UnitKind.GRASSROOTS, rng.choice(ids)).id)
            else:
                try:
                    move_unit(session, rng.choice(ids), rng.choice(ids))
                except UnitRefused:
                    continue
    assert_paths_are_right(county.database)
    with county.database.read() as session:
        seen: list[int] = []
        todo = [tree(session, TODAY)]
        while todo:
            branch = todo.pop()
            seen.append(branch.unit.id)
            todo.extend(branch.below)
    assert sorted(seen) == sorted(ids)


def test_abolishing_keeps_the_unit_and_wants_its_children_gone_first(county) -> None:
    units = county.units
    with county.database.write() as session:
        with pytest.raises(UnitRefused, match="上河村"):
            abolish_unit(session, units.town, TODAY)
        for unit in (units.north, units.south, units.town):
            abolish_unit(session, unit, TODAY)
    with county.database.read() as session:
        assert get_unit(session, units.town).abolished_on == TODAY
        assert names(tree(session, TODAY)) == ("通城县", ("县教育局",))
        assert names(tree(session, date(2016, 2, 29)))[2][0] == "柳河乡"
    with county.database.write() as session:
        with pytest.raises(UnitRefused, match="abolished"):
            create_unit(session, "N", "新村", UnitKind.GRASSROOTS, units.town)
        with pytest.raises(UnitRefused, match="abolished"):
            move_unit(session, units.bureau, units.town)


def test_a_unit_is_in_the_tree_from_its_founding(county) -> None:
    with county.database.write() as session:
        new = create_unit(session, "N", "新局", UnitKind.DEPARTMENT, county.units.root, date(2016, 3, 2))
        with pytest.raises(UnitRefused, match="founded"):
            abolish_unit(session, new.id, TODAY)
    with county.database.read() as session:
        assert "新局" not in str(names(tree(session, TODAY)))
        assert "新局" in str(names(tree(session, date(2016, 3, 2))))


def test_renaming(county) -> None:
    with county.database.write() as session:
        assert rename_unit(session, county.units.town, " 青山 镇 ").name == "青山镇"
        with pytest.raises(UnitRefused):
            rename_unit(session, county.units.town, " ")


@pytest.mark.parametrize(
    ("code", "name", "kind", "parent"),
    [
        ("T1", "别的乡", UnitKind.TOWNSHIP, "root"),
        ("Ｔ1 ", "别的乡", UnitKind.TOWNSHIP, "root"),
        ("", "别的乡", UnitKind.TOWNSHIP, "root"),
        ("T9", "  ", UnitKind.TOWNSHIP, "root"),
        ("C2", "别的县", UnitKind.COUNTY, None),
        ("C2", "别的县", UnitKind.COUNTY, "root"),
        ("T9", "无上级乡", UnitKind.TOWNSHIP, None),
    ],
)
def test_units_that_do_not_fit_are_refused(county, code, name, kind, parent) -> None:
    with county.database.write() as session, pytest.raises(UnitRefused):
        create_unit(session, code, name, kind, parent and county.units.root)


def test_the_database_itself_refuses_a_second_root(county) -> None:
    with pytest.raises(IntegrityError), county.database.write() as session:
        session.add(Unit(code="C2", name="别的县", kind="county", path="/99/"))


def test_an_unknown_unit(county) -> None:
    with county.database.read() as session, pytest.raises(NotFound):
        get_unit(session, 99_999)


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("柳河乡", "town"),
        ("T1", "town"),
        ("Ｔ１", "town"),
        (" 柳 河 乡 ", "town"),
        ("柳河乡纪委", "town"),
        ("柳河乡党委政府", "town"),
        ("柳河乡人民政府纪委", "town"),
        ("县教育局纪检组", "bureau"),
        ("县教育局党组", "bureau"),
        ("县教育局纪检监察组", "bureau"),
        ("县纪委驻县教育局纪检组", "bureau"),
        ("通城县纪委监委派驻县教育局纪检监察组", "bureau"),
        ("上河村村委会", "north"),
        ("下河村村民委员会", "south"),
        ("下河村党支部", "south"),
        ("通城县纪委", "root"),
        ("县不存在单位", None),
        ("县纪委", None),
        ("纪委", None),
        ("河村", None),
        ("%", None),
        ("", None),
    ],
)
def test_names_as_ledgers_write_them(county, text: str, unit: str | None) -> None:
    with county.database.read() as session:
        found = find_unit(session, text)
    assert (found and found.id) == (unit and getattr(county.units, unit))


def test_an_ambiguous_name_finds_nothing_an_exact_one_wins(county) -> None:
    units = county.units
    with county.database.write() as session:
        create_unit(session, "T2", "青山镇", UnitKind.TOWNSHIP, units.root)
        twin = create_unit(session, "T2-1", "上河村", UnitKind.GRASSROOTS, units.town)
        exact = create_unit(session, "D2", "柳河乡纪委", UnitKind.DEPARTMENT, units.town)
        assert find_unit(session, "上河村") is None
        assert find_unit(session, "上河村村委会") is None
        assert find_unit(session, "柳河乡纪委") is exact
        abolish_unit(session, twin.id, TODAY)
        assert find_unit(session, "上河村").id == units.north
        abolish_unit(session, units.south, TODAY)
        assert find_unit(session, "下河村").id == units.south
