"""What a Salesforce org knows of its objects besides their columns: keys, links, checks, types."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from extractors.sandbox.ids import salesforce_checks
from extractors.sandbox.schema import Table, tables_of

USER = "005Sb0000000001AAA"
"""Who changes all records: the sandbox has no other user."""
SHORT_ID = 15
"""Characters of an id without the three that make case not matter."""

EXTERNAL_IDS: Mapping[str, tuple[str, ...]] = {
    "Account": ("Q2C_Customer_Key__c", "Stripe_Customer_Id__c"),
    "Subscription__c": ("Stripe_Subscription_Id__c",),
    "Opportunity": ("Q2C_Key__c",),
}

_REFERENCES = {
    "ParentId": "Account",
    "MasterRecordId": "Account",
    "AccountId": "Account",
    "Account__c": "Account",
    "Product2Id": "Product2",
    "Product__c": "Product2",
    "ContractId": "Contract",
    "Contract__c": "Contract",
    "Renews_Contract__c": "Contract",
    "Opportunity__c": "Opportunity",
    "OpportunityId": "Opportunity",
}
_OWN_REFERENCES = {("Contract_Line__History", "ParentId"): "Contract_Line__c"}

REQUIRED: Mapping[str, tuple[str, ...]] = {
    "Account": ("Name",),
    "Product2": ("Name",),
    "PricebookEntry": ("Product2Id", "UnitPrice"),
    "Opportunity": ("Name", "StageName", "CloseDate"),
    "Contract": ("AccountId",),
    "Contract_Line__c": ("Contract__c",),
}

PICKLISTS: Mapping[tuple[str, str], tuple[str, ...]] = {
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

EMAILS = ("Invoice_Email__c",)
LONGEST_TEXT = 255

TRACKED: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "Opportunity": (
        "OpportunityFieldHistory",
        ("StageName", "Amount", "CloseDate", "CurrencyIsoCode"),
    ),
    "Contract": (
        "ContractHistory",
        ("Status", "StartDate", "EndDate", "ContractTerm", "Billing_Frequency__c"),
    ),
    "Contract_Line__c": (
        "Contract_Line__History",
        (
            "Quantity__c",
            "Unit_Price__c",
            "Discount_Percent__c",
            "Start_Date__c",
            "End_Date__c",
            "Effective_At__c",
        ),
    ),
}
"""Objects whose fields have a history: its object, and the fields that are tracked."""

_HISTORIES = {history: name for name, (history, _) in TRACKED.items()}

_NAMED_TYPES = {
    "Id": "id",
    "Website": "url",
    "Amount": "currency",
    "UnitPrice": "currency",
    "Unit_Price__c": "currency",
    "Discount_Percent__c": "percent",
    "CurrencyIsoCode": "picklist",
    "BillingCountryCode": "picklist",
    "Type": "picklist",
    "StageName": "picklist",
    "Family": "picklist",
    **dict.fromkeys(EMAILS, "email"),
}
_TYPES = {
    "boolean": "boolean",
    "date": "date",
    "datetime": "datetime",
    "decimal": "double",
    "integer": "int",
}


@dataclass(frozen=True)
class Compound:
    """A field that is made of others: (member of the object, column) of each part."""

    name: str
    type: str
    parts: tuple[tuple[str, str | None], ...]


_BILLING_ADDRESS = Compound(
    "BillingAddress",
    "address",
    (
        ("city", "BillingCity"),
        ("country", None),
        ("countryCode", "BillingCountryCode"),
        ("geocodeAccuracy", None),
        ("latitude", None),
        ("longitude", None),
        ("postalCode", "BillingPostalCode"),
        ("state", None),
        ("stateCode", None),
        ("street", "BillingStreet"),
    ),
)
COMPOUNDS: Mapping[str, tuple[Compound, ...]] = {"Account": (_BILLING_ADDRESS,)}

_RELATIONSHIPS = {
    ("Account", "ChildAccounts"): ("Account", "ParentId"),
    ("Account", "Opportunities"): ("Opportunity", "AccountId"),
    ("Account", "Contracts"): ("Contract", "AccountId"),
    ("Account", "Subscriptions__r"): ("Subscription__c", "Account__c"),
    ("Product2", "PricebookEntries"): ("PricebookEntry", "Product2Id"),
    ("Contract", "Contract_Lines__r"): ("Contract_Line__c", "Contract__c"),
    ("Contract", "Subscriptions__r"): ("Subscription__c", "Contract__c"),
}


def find_table(name: str) -> Table | None:
    """Objects are named without regard to case."""
    wanted = name.lower()
    named = (table for known, table in tables_of("salesforce").items() if known.lower() == wanted)
    return next(named, None)


def reference_of(table: Table, column: str) -> str | None:
    """The object whose ids a column holds."""
    if column not in table.columns:
        return None
    return _OWN_REFERENCES.get((table.name, column)) or _REFERENCES.get(column)


def holds_ids(table: Table, column: str) -> bool:
    return column == "Id" or reference_of(table, column) is not None


def relationship(parent: Table, name: str) -> tuple[Table, str] | None:
    """The children that a sub-query names, and the column by which they hang on their parent."""
    for (owner, known), (child, column) in _RELATIONSHIPS.items():
        if owner == parent.name and known.lower() == name.lower():
            found = find_table(child)
            assert found is not None
            return found, column
    return None


def long_id(text: str) -> str:
    """The 18 characters of an id that may come with 15; anything else as it is."""
    is_short = len(text) == SHORT_ID and text.isascii() and text.isalnum()
    return text + salesforce_checks(text) if is_short else text


def history_of(table: Table) -> str | None:
    """The object whose changes a table keeps."""
    return _HISTORIES.get(table.name)


def tracked_changes(
    table: Table, before: Mapping[str, Any], after: Mapping[str, Any]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """(History object, its record) for each tracked field that changed."""
    if table.system != "salesforce" or table.name not in TRACKED:
        return
    history, fields = TRACKED[table.name]
    kept = find_table(history)
    assert kept is not None
    parent = next(name for name in kept.columns if name != "Id" and reference_of(kept, name))
    for name in fields:
        if before.get(name) != after.get(name):
            values = {"Field": name, "OldValue": before.get(name), "NewValue": after.get(name)}
            yield history, {parent: after["Id"], "CreatedById": USER, "IsDeleted": False, **values}


def describe(table: Table, root: str) -> dict[str, Any]:
    """What the org tells of an object and its fields."""
    fields = [_field(table, name) for name in table.columns]
    fields += [
        _described(compound.name, compound.type) | {"createable": False, "updateable": False}
        for compound in COMPOUNDS.get(table.name, ())
    ]
    return summary(table, root) | {"fields": fields}


def summary(table: Table, root: str) -> dict[str, Any]:
    changes = history_of(table) is None
    return {
        "name": table.name,
        "label": table.name.removesuffix("__c").replace("_", " "),
        "custom": table.name.endswith(("__c", "__History")),
        "queryable": True,
        "retrieveable": True,
        "replicateable": changes,
        "createable": changes,
        "updateable": changes,
        "deletable": changes,
        "urls": {
            "sobject": f"{root}/sobjects/{table.name}",
            "describe": f"{root}/sobjects/{table.name}/describe",
            "rowTemplate": f"{root}/sobjects/{table.name}/{{ID}}",
        },
    }


def _field(table: Table, name: str) -> dict[str, Any]:
    target = reference_of(table, name)
    values = PICKLISTS.get((table.name, name), ())
    is_external = name in EXTERNAL_IDS.get(table.name, ())
    can_change = name not in READ_ONLY and history_of(table) is None
    return _described(name, _type_of(table, name)) | {
        "nillable": name not in {"Id", *REQUIRED.get(table.name, ())},
        "externalId": is_external,
        "idLookup": is_external or name == "Id",
        "unique": is_external,
        "createable": can_change,
        "updateable": can_change,
        "length": LONGEST_TEXT if table.columns[name] == "text" else 0,
        "referenceTo": [target] if target else [],
        "relationshipName": name.removesuffix("Id") if target else None,
        "compoundFieldName": _compound_of(table, name),
        "restrictedPicklist": bool(values),
        "picklistValues": [{"value": value, "label": value, "active": True} for value in values],
    }


def _described(name: str, kind: str) -> dict[str, Any]:
    return {
        "name": name,
        "label": name.removesuffix("__c").replace("_", " "),
        "type": kind,
        "custom": name.endswith("__c"),
        "nillable": True,
        "externalId": False,
        "unique": False,
        "calculated": False,
        "filterable": kind != "address",
        "sortable": kind != "address",
    }


def _type_of(table: Table, name: str) -> str:
    """The vendor's own name of a field's type."""
    if name in _NAMED_TYPES:
        return _NAMED_TYPES[name]
    if reference_of(table, name):
        return "reference"
    if (table.name, name) in PICKLISTS:
        return "picklist"
    return _TYPES.get(table.columns[name], "string")


def _compound_of(table: Table, name: str) -> str | None:
    for compound in COMPOUNDS.get(table.name, ()):
        if any(column == name for _, column in compound.parts):
            return compound.name
    return None
