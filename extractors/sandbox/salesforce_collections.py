"""Many Salesforce records in one request: the answer is 200 even where single records fail."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from extractors.sandbox import salesforce_records as records
from extractors.sandbox.salesforce_records import SalesforceError, table_named
from extractors.sandbox.schema import Table
from extractors.sandbox.store import Store

LARGEST_COLLECTION = 200

Result = dict[str, Any]
Change = Callable[[Mapping[str, Any]], Result]


class _RolledBackError(Exception):
    """One record failed where all or none were to be written."""


def change_many(store: Store, body: Mapping[str, Any], *, is_create: bool) -> list[Result]:
    """Create records, or update them by their `id`."""

    def change(record: Mapping[str, Any]) -> Result:
        table = table_named(record["attributes"]["type"])
        if is_create:
            return _done(records.create(store, table, record))
        values = {name: value for name, value in record.items() if name not in {"id", "Id"}}
        record_id = record.get("id") or record.get("Id")
        if not record_id:
            raise SalesforceError("MISSING_ARGUMENT", "Id not specified in an update call", ("Id",))
        records.update(store, table, record_id, values)
        return _done(record_id)

    return _apply(store, body, change)


def upsert_many(store: Store, table: Table, field: str, body: Mapping[str, Any]) -> list[Result]:
    """Update or create records of one object by an external id that each carries."""

    def change(record: Mapping[str, Any]) -> Result:
        if table_named(record["attributes"]["type"]) != table:
            raise SalesforceError("INVALID_TYPE", "Records must be of the type in the URL")
        if record.get("id") or record.get("Id"):
            message = "The Id field should not be specified in the sobject data."
            raise SalesforceError("INVALID_FIELD", message, ("Id",))
        if not record.get(field):
            raise SalesforceError("MISSING_ARGUMENT", f"{field} not specified", (field,))
        values = {name: value for name, value in record.items() if name != field}
        record_id, created = records.upsert(store, table, field, record[field], values)
        return _done(record_id) | {"created": created}

    return _apply(store, body, change)


def _apply(store: Store, body: Mapping[str, Any], change: Change) -> list[Result]:
    asked = _listed(body)
    results: list[Result] = []
    try:
        with store.transaction():
            results.extend(_each(asked, change))
            if body.get("allOrNone"):
                _require_success(results)
    except _RolledBackError:
        return [_undone(result) if result["success"] else result for result in results]
    return results


def _require_success(results: Iterable[Result]) -> None:
    if not all(result["success"] for result in results):
        raise _RolledBackError


def _each(asked: Iterable[Mapping[str, Any]], change: Change) -> Iterable[Result]:
    for record in asked:
        try:
            yield change(record)
        except SalesforceError as error:
            yield _failed(error)


def _listed(body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    asked = body.get("records")
    if not isinstance(asked, list) or not asked:
        raise SalesforceError("INVALID_INPUT", "The body must hold a list of records")
    if len(asked) > LARGEST_COLLECTION:
        message = f"The operation is limited to {LARGEST_COLLECTION} records: {len(asked)}"
        raise SalesforceError("EXCEEDED_ID_LIMIT", message)
    for record in asked:
        if "type" not in record.get("attributes", {}):
            raise SalesforceError("INVALID_INPUT", "Include an entity type in every record")
    return asked


def _done(record_id: str) -> Result:
    return {"id": record_id, "success": True, "errors": []}


def _failed(error: SalesforceError) -> Result:
    problem = {"statusCode": error.code, "message": error.message, "fields": list(error.fields)}
    return {"success": False, "errors": [problem]}


def _undone(result: Result) -> Result:
    message = (
        "Record rolled back because not all records were valid and the request was all-or-none"
    )
    rolled_back = SalesforceError("ALL_OR_NONE_OPERATION_ROLLED_BACK", message)
    return {"id": result["id"]} | _failed(rolled_back)
