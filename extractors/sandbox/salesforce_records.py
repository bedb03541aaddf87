"""Writes single Salesforce records, with the checks that Salesforce makes.

Settings of the store steer what an org's administrators and its other users do: `RULES` are the
duplicate rules, `LOCKS` the records that somebody else is writing just now.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any

from extractors.sandbox.salesforce_schema import (
    EMAILS,
    EXTERNAL_IDS,
    LONGEST_TEXT,
    PICKLISTS,
    READ_ONLY,
    REQUIRED,
    find_table,
    history_of,
    holds_ids,
    long_id,
    reference_of,
)
from extractors.sandbox.schema import Kind, Table, tables_of
from extractors.sandbox.store import Store
from extractors.sandbox.tables import Record

RULES = "salesforce_duplicate_rules"
"""{"Account": ["Name", "BillingCountryCode"]}: no two live records may have these the same."""
VIEW_ONLY = "salesforce_view_only"
"""True while the integration's user has a profile that may change nothing."""
LOCKS = "salesforce_locks"
"""{record id: how many more writes find it locked}."""

_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_ID = re.compile(r"[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_BAD_REQUEST = 400
_FORBIDDEN = 403
_NOT_FOUND = 404
_PRECONDITION_FAILED = 412


@dataclass(eq=False)
class SalesforceError(Exception):
    """A refusal in Salesforce's words; `more` are members that only this refusal has."""

    code: str
    message: str
    fields: tuple[str, ...] = ()
    status: int = _BAD_REQUEST
    more: Mapping[str, Any] = field(default_factory=dict)


@dataclass(eq=False)
class AmbiguousError(SalesforceError):
    """An external id that several records share: they are listed instead of an error."""

    records: Sequence[str] = ()


def table_named(name: str) -> Table:
    table = find_table(name)
    if table is None:
        raise _missing()
    return table


def _missing() -> SalesforceError:
    return SalesforceError("NOT_FOUND", "The requested resource does not exist", (), _NOT_FOUND)


def read_live(store: Store, table: Table, record_id: str) -> Record:
    record = store.get("salesforce", table.name, long_id(record_id))
    if record is None:
        raise _missing()
    if record["IsDeleted"]:
        raise SalesforceError("ENTITY_IS_DELETED", "entity is deleted", (), _NOT_FOUND)
    return record


def read_by_external_id(store: Store, table: Table, name: str, value: str) -> Record | None:
    """The live record that carries an external id."""
    if name == "Id":
        return read_live(store, table, value)
    if name not in EXTERNAL_IDS.get(table.name, ()):
        message = f"Provided external ID field does not exist or is not accessible: {name}"
        raise SalesforceError("NOT_FOUND", message, (), _NOT_FOUND)
    found = store.rows("salesforce", table.name, **{name: value})
    if len(found) > 1:
        message = f"{name}: more than one record found for external id field"
        keys = [record["Id"] for record in found]
        raise AmbiguousError("DUPLICATE_EXTERNAL_ID", message, (name,), records=keys)
    return found[0] if found else None


def require_unmodified(record: Record, since: str | None) -> None:
    """Refuse where the record changed after `since`, an HTTP date."""
    if since is None:
        return
    try:
        seen = parsedate_to_datetime(since)
    except ValueError as error:
        message = f"If-Unmodified-Since is not a date: {since}"
        raise SalesforceError("INVALID_HEADER", message) from error
    changed = datetime.fromisoformat(record["LastModifiedDate"])
    if changed > (seen if seen.tzinfo else seen.replace(tzinfo=UTC)):
        message = f"The record changed on {changed:%Y-%m-%dT%H:%M:%SZ}"
        raise SalesforceError("PRECONDITION_FAILED", message, (), _PRECONDITION_FAILED)


def create(
    store: Store, table: Table, body: Mapping[str, Any], *, allow_duplicates: bool = False
) -> str:
    """Insert a record; returns its id."""
    with store.transaction():
        _require_writable(store, table)
        record_id = store.new_id("salesforce", table.name)
        values = _checked(store, table, body, {"Id": record_id})
        missing = [name for name in REQUIRED.get(table.name, ()) if values.get(name) is None]
        if missing:
            message = f"Required fields are missing: [{', '.join(missing)}]"
            raise SalesforceError("REQUIRED_FIELD_MISSING", message, tuple(missing))
        if not allow_duplicates:
            _require_single(store, table, values, record_id)
        flags = {name: False for name, kind in table.columns.items() if kind == "boolean"}
        store.put("salesforce", table.name, {**flags, **values, "Id": record_id})
    return record_id


def update(
    store: Store,
    table: Table,
    record_id: str,
    body: Mapping[str, Any],
    *,
    unmodified_since: str | None = None,
    allow_duplicates: bool = False,
) -> None:
    require_unlocked(store, record_id)
    with store.transaction():
        _require_writable(store, table)
        record = read_live(store, table, record_id)
        require_unmodified(record, unmodified_since)
        values = _checked(store, table, body, record)
        if not allow_duplicates:
            _require_single(store, table, record | values, record["Id"])
        store.put("salesforce", table.name, {**values, "Id": record["Id"]})


def upsert(
    store: Store,
    table: Table,
    name: str,
    value: str,
    body: Mapping[str, Any],
    **how: Any,
) -> tuple[str, bool]:
    """Update the record with this external id, or create one; returns (id, whether it is new)."""
    if name in body:
        message = f"The {name} field should not be specified in the sobject data."
        raise SalesforceError("INVALID_FIELD", message, (name,))
    record = read_by_external_id(store, table, name, value)
    if record is None:
        allow = bool(how.get("allow_duplicates"))
        return create(store, table, {**body, name: value}, allow_duplicates=allow), True
    update(store, table, record["Id"], body, **how)
    return record["Id"], False


def delete(store: Store, table: Table, record_id: str) -> None:
    require_unlocked(store, record_id)
    with store.transaction():
        _require_writable(store, table)
        store.delete("salesforce", table.name, read_live(store, table, record_id)["Id"])


def merge(store: Store, table: Table, master_id: str, merged_id: str) -> None:
    """What a person does with two records of one customer: the second goes into the first.

    It is deleted, names its master, and what hung on it hangs on the master from now on.
    """
    with store.transaction():
        master = read_live(store, table, master_id)["Id"]
        merged = read_live(store, table, merged_id)["Id"]
        gone = {"Id": merged, "IsDeleted": True, "MasterRecordId": master}
        store.put("salesforce", table.name, gone)
        for child in tables_of("salesforce").values():
            columns = (name for name in child.columns if reference_of(child, name) == table.name)
            for column in columns:
                if column != "MasterRecordId":
                    _hang_over(store, child, column, merged, master)


def _hang_over(store: Store, child: Table, column: str, old: str, new: str) -> None:
    for record in store.rows("salesforce", child.name, **{column: old}):
        store.put("salesforce", child.name, {"Id": record["Id"], column: new})


def require_unlocked(store: Store, record_id: str) -> None:
    """Refuse while another transaction holds the record; each refusal brings its end closer."""
    record_id = long_id(record_id)
    if not store.meta(LOCKS, {}).get(record_id):
        return
    with store.transaction():
        locks = store.meta(LOCKS)
        left = {key: times - (key == record_id) for key, times in locks.items()}
        store.set_meta(LOCKS, {key: times for key, times in left.items() if times > 0} or None)
    message = f"unable to obtain exclusive access to this record or 1 records: {record_id}"
    raise SalesforceError("UNABLE_TO_LOCK_ROW", message)


def _require_writable(store: Store, table: Table) -> None:
    if store.meta(VIEW_ONLY):
        message = "insufficient access rights on object id"
        raise SalesforceError("INSUFFICIENT_ACCESS_OR_READONLY", message, (), _FORBIDDEN)
    if history_of(table):
        message = f"entity type {table.name} does not support this operation"
        raise SalesforceError("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", message)


def _require_single(store: Store, table: Table, values: Record, record_id: str) -> None:
    """The duplicate rules of the org."""
    names = store.meta(RULES, {}).get(table.name)
    if not names or any(values.get(name) is None for name in names):
        return
    alike = store.rows("salesforce", table.name, **{name: values[name] for name in names})
    matches = [
        {"record": {"attributes": {"type": table.name}, "Id": record["Id"]}}
        for record in alike
        if record["Id"] != record_id
    ]
    if matches:
        found = {
            "allowSave": True,
            "duplicateRule": f"Same_{table.name}",
            "matchResults": [{"entityType": table.name, "matchRecords": matches}],
        }
        message = "Use one of these records?"
        more = {"duplicateResult": found}
        raise SalesforceError("DUPLICATES_DETECTED", message, more=more)


def _checked(store: Store, table: Table, body: Mapping[str, Any], record: Record) -> Record:
    values = {name: value for name, value in body.items() if name != "attributes"}
    locked = tuple(name for name in values if name in READ_ONLY)
    if locked:
        message = f"Unable to create/update fields: {', '.join(locked)}. Please check the security"
        raise SalesforceError("INVALID_FIELD_FOR_INSERT_UPDATE", message, locked)
    for name, value in values.items():
        _check_field(store, table, name, value)
        if name in EXTERNAL_IDS.get(table.name, ()) and value is not None:
            _check_unique(store, table, name, value, record["Id"])
    checked = {name: _stored(table, name, value) for name, value in values.items()}
    _check_rules(table, record | checked)
    return checked | _told_by_stage(table, checked)


def _told_by_stage(table: Table, values: Record) -> Record:
    """What the stage of an opportunity says of it, whatever else is written."""
    if table.name != "Opportunity" or "StageName" not in values:
        return {}
    stage = values["StageName"]
    return {"IsWon": stage == "Closed Won", "IsClosed": stage in {"Closed Won", "Closed Lost"}}


def _stored(table: Table, name: str, value: Any) -> Any:
    """A checked value as records keep it: no empty text, times in UTC, whole ids."""
    if value in (None, ""):
        return None
    if holds_ids(table, name):
        return long_id(value)
    return datetime.fromisoformat(value) if table.columns[name] == "datetime" else value


def _check_field(store: Store, table: Table, name: str, value: Any) -> None:
    if name not in table.columns:
        message = f"No such column '{name}' on sobject of type {table.name}"
        raise SalesforceError("INVALID_FIELD", message)
    if value in (None, ""):
        return
    kind = table.columns[name]
    if not _is_of_kind(kind, value):
        message = f"Cannot deserialize instance of {kind} from {value!r} for field {name}"
        raise SalesforceError("JSON_PARSER_ERROR", message)
    target = reference_of(table, name)
    if target:
        _check_reference(store, name, target, value)
    if value not in PICKLISTS.get((table.name, name), (value,)):
        message = f"bad value for restricted picklist field: {value}"
        raise SalesforceError("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", message, (name,))
    if name in EMAILS and not _EMAIL.fullmatch(value):
        message = f"{name}: invalid email address: {value}"
        raise SalesforceError("INVALID_EMAIL_ADDRESS", message, (name,))
    if kind == "text" and len(value) > LONGEST_TEXT:
        message = f"{name}: data value too large: {value[:20]}... (max length={LONGEST_TEXT})"
        raise SalesforceError("STRING_TOO_LONG", message, (name,))


def _check_rules(table: Table, record: Record) -> None:
    """The validation rules of the org."""
    start, end = record.get("StartDate"), record.get("EndDate")
    if table.name == "Contract" and start and end and str(end) < str(start):
        message = "The contract ends before it starts."
        raise SalesforceError("FIELD_CUSTOM_VALIDATION_EXCEPTION", message, ("EndDate",))


def _is_of_kind(kind: Kind, value: Any) -> bool:
    if kind == "boolean":
        return isinstance(value, bool)
    if kind in {"decimal", "integer"}:
        return _is_number(value)
    if not isinstance(value, str):
        return False
    if kind in {"date", "datetime"}:
        return _is_time(kind, value)
    return True


def _is_number(value: Any) -> bool:
    """A number, or the text of one."""
    if isinstance(value, str):
        return bool(_NUMBER.fullmatch(value))
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def _is_time(kind: Kind, value: str) -> bool:
    try:
        if kind == "date":
            date.fromisoformat(value)
            return True
        return datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


def _check_reference(store: Store, name: str, target: str, value: str) -> None:
    if not _ID.fullmatch(value):
        raise SalesforceError(
            "MALFORMED_ID", f"{name}: id value of incorrect type: {value}", (name,)
        )
    found = store.get("salesforce", target, long_id(value))
    if found is None or found["IsDeleted"]:
        raise SalesforceError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", (name,))


def _check_unique(store: Store, table: Table, name: str, value: str, record_id: str) -> None:
    for other in store.rows("salesforce", table.name, **{name: value}):
        if other["Id"] != record_id:
            message = (
                f"duplicate value found: {name} duplicates value on record with id: {other['Id']}"
            )
            raise SalesforceError("DUPLICATE_VALUE", message)
