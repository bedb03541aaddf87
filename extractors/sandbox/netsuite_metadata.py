"""The metadata catalog: what record types there are, and the fields of each as a JSON schema."""

from typing import Any

from extractors.sandbox import netsuite_records as records
from extractors.sandbox.netsuite_account import account
from extractors.sandbox.netsuite_errors import NetSuiteError
from extractors.sandbox.schema import TABLES, Kind
from extractors.sandbox.store import Store

CATALOG = "metadata-catalog"

_NUMBER = {"type": "number", "format": "double", "nullable": True}
_TYPES: dict[Kind, dict[str, Any]] = {
    "text": {"type": "string", "nullable": True},
    "decimal": _NUMBER,
    "integer": {"type": "integer", "format": "int64", "nullable": True},
    "boolean": {"type": "boolean"},
    "date": {"type": "string", "format": "date", "nullable": True},
    "datetime": {"type": "string", "format": "date-time", "nullable": True},
    "id": {
        "type": "object",
        "properties": {
            "id": {"title": "Internal identifier", "type": "string"},
            "refName": {"title": "Reference Name", "type": "string"},
        },
    },
}
_LINES = {"type": "object", "properties": {"items": {"type": "array"}}}


def catalog(url: str) -> dict[str, Any]:
    """Every record type with where it is described."""
    items = [
        {"name": name, "links": [{"rel": "canonical", "href": f"{url}/{name}"}]}
        for name in records.NAMES.values()
    ]
    return {"items": items}


def openapi(store: Store, select: str | None) -> dict[str, Any]:
    chosen = select.split(",") if select else list(records.NAMES.values())
    schemas = {name: schema(store, name) for name in chosen}
    info = {"title": "NetSuite REST API", "version": "v1"}
    return {"openapi": "3.0.1", "info": info, "paths": {}, "components": {"schemas": schemas}}


def schema(store: Store, name: str) -> dict[str, Any]:
    """The fields that this account has, custom ones among them."""
    kind = name.lower()
    if kind not in records.NAMES:
        raise NetSuiteError(f"Record type '{name}' does not exist.", "INVALID_CONTENT", None, 404)
    table = TABLES["netsuite", records.table_of(kind)]
    absent = account(store).absent
    properties: dict[str, Any] = {"links": {"type": "array", "readOnly": True}}
    for column, column_kind in table.columns.items():
        if f"{table.name}.{column}" in absent or column in records.INTERNAL:
            continue
        described = _TYPES["text" if column == "id" else column_kind]
        custom = {"x-ns-custom-field": True} if column.startswith("cust") else {}
        properties[records.rest_name(column)] = {"title": column, **described, **custom}
    sublists = [n for n in records.SUBLISTS.get(kind, ()) if f"{kind}.{n}" not in absent]
    properties |= dict.fromkeys(sublists, _LINES)
    return {
        "type": "object",
        "properties": properties,
        "x-ns-filterable": sorted(properties.keys() - {"links", *records.SUBLISTS.get(kind, ())}),
    }
