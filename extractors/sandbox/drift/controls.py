"""CTL: readings that are short or old, of objects that no rule depends on.

There are seven such objects that state their own count (CTL-CNT-01) and six whose answers tell
of no other object's age (CTL-STALE-01); an object takes one plant, so the two together reach nine.
"""

from extractors.sandbox.drift.ground import Ground
from extractors.sandbox.faults import CONTROLS
from extractors.sandbox.schema import System
from extractors.sandbox.tables import Record
from extractors.sandbox.world.contracts import stamp

_RAW_NAMES: dict[tuple[System, str], str] = {
    ("salesforce", "Product2"): "product2",
    ("salesforce", "PricebookEntry"): "pricebook_entry",
    ("netsuite", "term"): "term",
    ("netsuite", "item"): "item",
    ("netsuite", "account"): "account",
    ("netsuite", "currency"): "currency",
    ("netsuite", "taxcode"): "tax_code",
    ("stripe", "product"): "product",
    ("stripe", "price"): "price",
}
# Small tables that a reader may ask for together: one of them that lags makes all of them look old.
_ASKED_TOGETHER: set[tuple[System, str]] = {
    ("netsuite", "term"),
    ("netsuite", "currency"),
    ("netsuite", "taxcode"),
}
_LAG_HOURS = (8, 20)
"""More than the six that are allowed, and still the same day at 02:00."""

Object = tuple[System, str]


def _raw_name(where: Object) -> str:
    return f"{where[0]}.{where[1]}"


def _free(ground: Ground, *, counted: bool) -> list[Object]:
    return [
        where
        for where in _RAW_NAMES
        if ground.is_free(f"object:{_raw_name(where)}") and (where[0] != "stripe" or not counted)
    ]


def plant_short_count(ground: Ground, count: int) -> None:
    """CTL-CNT-01: a new, unused record is counted by the source but left out of its pages."""
    pools = {"row_left_out": _free(ground, counted=True)}
    for variant, where in ground.choose(count, pools, _raw_name):
        system, kind = where
        at = ground.tick()
        record = _unused(ground, system, kind, at)
        ground.add(system, kind, record, at)
        faults = ground.store.meta(CONTROLS, {})
        hidden = faults.setdefault("drop", {}).setdefault(_raw_name(where), [])
        hidden.append(record["Id" if system == "salesforce" else "id"])
        ground.store.set_meta(CONTROLS, faults)
        ground.claim(None, f"object:{_raw_name(where)}")
        ground.planted((system, _RAW_NAMES[where]), variant=variant)


def _unused(ground: Ground, system: System, kind: str, at: int) -> Record:
    """A record that nothing refers to."""
    identifier = ground.store.new_id(system, kind)
    if system == "salesforce":
        made = stamp(at)
        audit = {"Id": identifier, "CreatedDate": made, "LastModifiedDate": made}
        return audit | {"IsDeleted": False} | _unused_in_crm(ground, kind)
    name = f"Unused {kind} {identifier}"
    by_table: dict[str, Record] = {
        "term": {"name": name, "daysuntilnetdue": 90},
        "item": {"itemid": name, "displayname": name, "isinactive": "T", "lastmodifieddate": ""},
        "account": {
            "acctnumber": f"99{identifier}",
            "fullname": name,
            "accttype": "Expense",
            "isinactive": "T",
            "lastmodifieddate": "",
        },
        "currency": {"symbol": "NOK", "currencyprecision": 2},
        "taxcode": {"itemid": name, "rate": "0", "country": "US"},
    }
    return {"id": identifier} | by_table[kind]


def _unused_in_crm(ground: Ground, kind: str) -> Record:
    if kind == "Product2":
        return {"Name": "Unused", "ProductCode": "UNUSED", "Family": "None", "IsActive": False}
    product = ground.store.rows("salesforce", "Product2")[0]["Id"]
    price = {"UnitPrice": "1", "CurrencyIsoCode": "CAD", "IsActive": False}
    return {"Product2Id": product} | price


def plant_stale(ground: Ground, count: int) -> None:
    """CTL-STALE-01: an object is answered from a replica that is hours behind."""
    apart = [where for where in _free(ground, counted=False) if where not in _ASKED_TOGETHER]
    pools = {"replica_behind": apart}
    for variant, where in ground.choose(count, pools, _raw_name):
        faults = ground.store.meta(CONTROLS, {})
        faults.setdefault("stale", {})[_raw_name(where)] = ground.rng.randrange(*_LAG_HOURS)
        ground.store.set_meta(CONTROLS, faults)
        ground.claim(None, f"object:{_raw_name(where)}")
        ground.planted((where[0], _RAW_NAMES[where]), variant=variant)
