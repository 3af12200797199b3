"""What pickers ask while somebody types: people, units, matters."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query

from services.web.forgery import Visitor
from services.web.forms import pickers

router = APIRouter(prefix="/pickers")
Asked = Annotated[str, Query(max_length=100, pattern=r"^[^\x00]*$")]


@router.get("/person")
def find_people(call: Visitor, q: Asked = "") -> list[dict[str, Any]]:
    """Active staff."""
    with call.read() as session:
        return [asdict(found) for found in pickers.people(session, call, q)]


@router.get("/unit")
def find_units(call: Visitor, q: Asked = "") -> list[dict[str, Any]]:
    """Living units."""
    with call.read() as session:
        return [asdict(found) for found in pickers.units(session, call, q)]


@router.get("/matter")
def find_matters(call: Visitor, q: Asked = "") -> list[dict[str, Any]]:
    """Matters the caller may know of."""
    with call.read() as session:
        return [asdict(found) for found in pickers.matters(session, call, q)]
