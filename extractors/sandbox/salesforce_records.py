"""Writes single Salesforce records, with the checks that Salesforce makes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from extractors.sandbox.schema import Kind, Table, tables_of
from extractors.sandbox.store import Store
from extractors.sandbox.tables import Record

EXTERNAL_IDS = {
    "Account": ("Q2C_Customer_Key__c", "Stripe_Customer_Id__c"),
    "Subscription__c": ("Stripe_Subscription_Id__c",),
}

REFERENCES = {
    "ParentId": "Account",
    "MasterRecordId": "Account",
    "AccountId": "Account",
    "Account__c": "Account",
    "Product2Id": "Product2",
    "Product__c": "Product2",
    "ContractId": "Contract",
    "Contract__c": "Contract",
    "Opportunity__c": "Opportunity",
}

REQUIRED = {
    "Account": ("Name",),
    "Product2": ("Name",),
    "PricebookEntry": ("Product2Id", "UnitPrice"),
    "Opportunity": ("Name", "StageName", "CloseDate"),
    "Contract": ("AccountId",),
    "Contract_Line__c": ("Contract__c",),
}

PICKLISTS = {
    ("Contract", "Status"): ("Draft", "Activated", "Expired", "Cancelled"),
    ("Contract", "Legal_Entity__c"): ("US", "UK", "DE", "JP"),
    ("Contract", "Billing_Frequency__c"): ("Monthly", "Annual"),
    ("Contract_Line__c", "Price_Period__c"): ("Month", "Year"),
    ("Subscription__c", "Status__c"): ("Trial", "Active", "Past Due", "Paused", "Cancelled"),
}

READ_ONLY = (
    "Id",
    "CreatedDate",
    "LastModifiedDate",
    "SystemModstamp",
    "IsDeleted",
    "MasterRecordId",
)

_ID = re.compile(r"[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?")
_BAD_REQUEST = 400
_NOT_FOUND = 404


@dataclass(eq=False)
class SalesforceError(Exception):
    """A refusal in Salesforce's words."""

    code: str
    message: str
    fields: tuple[str, ...] = ()
    status: int = _BAD_REQUEST


def table_named(name: str) -> Table:
    for known, table in tables_of("salesforce").items():
        if known.lower() == name.lower():
            return table
    raise SalesforceError("NOT_FOUND", "The requested resource does not exist", (), _NOT_FOUND)


def read_live(store: Store, table: Table, record_id: str) -> Record:
    record = store.get("salesforce", table.name, record_id)
    if record is None:
        message = "The requested resource does not exist"
        raise SalesforceError("NOT_FOUND", message, (), _NOT_FOUND)
    if record["IsDeleted"]:
        raise SalesforceError("ENTITY_IS_DELETED", "entity is deleted", (), _NOT_FOUND)
    return record


def read_by_external_id(store: Store, table: Table, field: str, value: str) -> Record | None:
    """The live record that carries an external id."""
    if field == "Id":
        return read_live(store, table, value)
    if field not in EXTERNAL_IDS.get(table.name, ()):
        message = f"Provided external ID field does not exist or is not accessible: {field}"
        raise SalesforceError("NOT_FOUND", message, (), _NOT_FOUND)
    found = store.rows("salesforce", table.name, **{field: value})
    if len(found) > 1:
        message = f"{field}: more than one record found for external id field"
        raise SalesforceError("DUPLICATE_EXTERNAL_ID", message, (), 300)
    return found[0] if found else None


def create(store: Store, table: Table, body: Mapping[str, Any]) -> str:
    """Insert a record; returns its id."""
    with store.transaction():
        record_id = store.new_id("salesforce", table.name)
        values = _checked(store, table, body, record_id)
        missing = [name for name in REQUIRED.get(table.name, ()) if values.get(name) is None]
        if missing:
            message = f"Required fields are missing: [{', '.join(missing)}]"
            raise SalesforceError("REQUIRED_FIELD_MISSING", message, tuple(missing))
        flags = {name: False for name, kind in table.columns.items() if kind == "boolean"}
        store.put("salesforce", table.name, {**flags, **values, "Id": record_id})
    return record_id


def update(store: Store, table: Table, record_id: str, body: Mapping[str, Any]) -> None:
    with store.transaction():
        record = read_live(store, table, record_id)
        values = _checked(store, table, body, record["Id"])
        store.put("salesforce", table.name, {**values, "Id": record["Id"]})


def upsert(
    store: Store, table: Table, field: str, value: str, body: Mapping[str, Any]
) -> tuple[str, bool]:
    """Update the record with this external id, or create one; returns (id, whether it is new)."""
    if field in body:
        message = f"The {field} field should not be specified in the sobject data."
        raise SalesforceError("INVALID_FIELD", message, (field,))
    with store.transaction():
        record = read_by_external_id(store, table, field, value)
        if record is None:
            return create(store, table, {**body, field: value}), True
        update(store, table, record["Id"], body)
        return record["Id"], False


def delete(store: Store, table: Table, record_id: str) -> None:
    with store.transaction():
        store.delete("salesforce", table.name, read_live(store, table, record_id)["Id"])


def _checked(store: Store, table: Table, body: Mapping[str, Any], record_id: str) -> Record:
    values = {name: value for name, value in body.items() if name != "attributes"}
    locked = tuple(name for name in values if name in READ_ONLY)
    if locked:
        message = f"Unable to create/update fields: {', '.join(locked)}. Please check the security"
        raise SalesforceError("INVALID_FIELD_FOR_INSERT_UPDATE", message, locked)
    for name, value in values.items():
        _check_field(store, table, name, value)
        if name in EXTERNAL_IDS.get(table.name, ()) and value is not None:
            _check_unique(store, table, name, value, record_id)
    return {name: _stored(table.columns[name], value) for name, value in values.items()}


def _stored(kind: Kind, value: Any) -> Any:
    """A checked value as records keep it: no empty text, times in UTC."""
    if value in (None, ""):
        return None
    return datetime.fromisoformat(value) if kind == "datetime" else value


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
    if name in REFERENCES:
        _check_reference(store, name, value)
    if value not in PICKLISTS.get((table.name, name), (value,)):
        message = f"bad value for restricted picklist field: {value}"
        raise SalesforceError("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", message, (name,))


def _is_of_kind(kind: Kind, value: Any) -> bool:
    if kind == "boolean":
        return isinstance(value, bool)
    if kind in {"decimal", "integer"}:
        return isinstance(value, int | Decimal) and not isinstance(value, bool)
    if not isinstance(value, str):
        return False
    if kind in {"date", "datetime"}:
        return _is_time(kind, value)
    return True


def _is_time(kind: Kind, value: str) -> bool:
    try:
        if kind == "date":
            date.fromisoformat(value)
            return True
        return datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


def _check_reference(store: Store, name: str, value: str) -> None:
    if not _ID.fullmatch(value):
        raise SalesforceError(
            "MALFORMED_ID", f"{name}: id value of incorrect type: {value}", (name,)
        )
    target = store.get("salesforce", REFERENCES[name], value)
    if target is None or target["IsDeleted"]:
        raise SalesforceError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", (name,))


def _check_unique(store: Store, table: Table, name: str, value: str, record_id: str) -> None:
    for other in store.rows("salesforce", table.name, **{name: value}):
        if other["Id"] != record_id:
            message = (
                f"duplicate value found: {name} duplicates value on record with id: {other['Id']}"
            )
            raise SalesforceError("DUPLICATE_VALUE", message)
