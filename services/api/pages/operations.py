"""The API's operations on one page, rendered here: it must work on a network without internet."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from services.api.pages import element, page

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/api/docs")
def show_operations(request: Request) -> HTMLResponse:
    """List every operation by its noun."""
    document = request.app.openapi()
    return page(
        "operations",
        description="".join(element("p", part) for part in document["info"]["description"].split("\n\n")),
        operations="".join(_sections(document)),
    )


def _sections(document: Mapping[str, Any]) -> Iterator[str]:
    by_tag: dict[str, list[str]] = defaultdict(list)
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            by_tag[operation["tags"][0]].append(_operation(method, path, operation, document))
    for tag, operations in by_tag.items():
        yield element("h2", tag) + "".join(operations)


def _operation(method: str, path: str, operation: Mapping[str, Any], document: Mapping[str, Any]) -> str:
    scopes = sorted({scope for way in operation.get("security", []) for found in way.values() for scope in found})
    access = f"scope {', '.join(scopes)}" if scopes else "session" if operation.get("security") else "public"
    title = f"<h3><code>{escape(method.upper())} {escape(path)}</code> · {escape(access)}</h3>"
    fields = "".join(_fields(operation, document))
    table = f"<table><tr><th>field</th><th>in</th><th>what</th></tr>{fields}</table>" if fields else ""
    return title + element("p", operation.get("description", operation["summary"])) + table


def _fields(operation: Mapping[str, Any], document: Mapping[str, Any]) -> Iterator[str]:
    for parameter in operation.get("parameters", []):
        yield _field(
            parameter["name"], parameter["in"], parameter["schema"], parameter.get("required", False), document
        )
    for content in operation.get("requestBody", {}).get("content", {}).values():
        schema = _resolved(content["schema"], document)
        for name, inner in schema.get("properties", {}).items():
            yield _field(name, "body", inner, name in schema.get("required", ()), document)


def _field(name: str, where: str, schema: Mapping[str, Any], required: bool, document: Mapping[str, Any]) -> str:
    described = [_kind(schema, document), "required" if required else "", schema.get("description", "")]
    what = element("td", " · ".join(part for part in described if part))
    return f"<tr><td><code>{escape(name)}</code></td>{element('td', where)}{what}</tr>"


def _kind(schema: Mapping[str, Any], document: Mapping[str, Any]) -> str:
    schema = _resolved(schema, document)
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    if "anyOf" in schema:
        return " or ".join(_kind(one, document) for one in schema["anyOf"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema['items'], document)}"
    return str(schema.get("format") or schema.get("type", "any"))


def _resolved(schema: Mapping[str, Any], document: Mapping[str, Any]) -> Mapping[str, Any]:
    if (reference := schema.get("$ref")) is None:
        return schema
    found: Mapping[str, Any] = document["components"]["schemas"][reference.rpartition("/")[2]]
    return found
