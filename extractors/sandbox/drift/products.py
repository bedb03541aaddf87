"""PRD: products that a system has retired or twice, and items that post to other accounts."""

from extractors.sandbox.drift.ground import Ground
from extractors.sandbox.schema import System
from extractors.sandbox.tables import Record

_TABLES: dict[str, tuple[System, str]] = {
    "crm": ("salesforce", "Product2"),
    "billing": ("stripe", "product"),
    "erp": ("netsuite", "item"),
}
_IS_RETIRED: dict[str, Record] = {
    "crm": {"IsActive": False},
    "billing": {"active": False},
    "erp": {"isinactive": "T"},
}
_VARIANTS = (
    "retired_in_crm",
    "retired_in_billing",
    "retired_in_erp",
    "twice_in_crm",
    "twice_in_erp",
)
_ACCOUNTS = {"revenue_account": "incomeaccount", "deferred_account": "deferredrevenueaccount"}


def plant_not_mapped(ground: Ground, count: int) -> None:
    """PRD-MAP-01: what is sold was retired in one system, or stands there twice."""
    sold = _free(ground, _sold(ground))
    for variant, sku in ground.choose(count, dict.fromkeys(_VARIANTS, sold), str):
        how, _, role = variant.partition("_in_")
        system, kind = _TABLES[role]
        record = _record(ground, role, sku)
        at = ground.tick()
        if how == "retired":
            changed = ground.change(system, kind, _id(record), at, **_IS_RETIRED[role])
        else:
            made = {"Id" if role == "crm" else "id": ground.store.new_id(system, kind)}
            changed = ground.add(system, kind, record | made, at)
        ground.freeze(None, f"product:{sku}")
        billing = ground.facts.products[sku]["stripe"]
        ground.planted(("stripe", billing), (system, _id(changed)), variant=variant)


def plant_other_accounts(ground: Ground, count: int) -> None:
    """PRD-GL-01: an item of the ERP posts to an account that finance did not map."""
    mapped = _free(ground, list(ground.facts.products))
    pools = {"other_revenue": mapped, "other_deferral": mapped, "not_deferred": mapped}
    for variant, sku in ground.choose(count, pools, str):
        attribute = "revenue_account" if variant == "other_revenue" else "deferred_account"
        item = _record(ground, "erp", sku)
        field = _ACCOUNTS[attribute]
        to = None if variant == "not_deferred" else _other_account(ground, item[field])
        ground.change("netsuite", "item", item["id"], ground.tick(), **{field: to})
        ground.freeze(None, f"product:{sku}")
        ground.planted(("netsuite", item["id"]), attribute=attribute, variant=variant)


def _other_account(ground: Ground, own: str) -> str:
    """Another account of the same type, else of any."""
    accounts = ground.store.rows("netsuite", "account")
    (kind,) = {account["accttype"] for account in accounts if account["id"] == own}
    alike = [a["id"] for a in accounts if a["accttype"] == kind and a["id"] != own]
    return str(ground.rng.choice(alike or [a["id"] for a in accounts if a["id"] != own]))


def _sold(ground: Ground) -> list[str]:
    """What live subscriptions pay for."""
    skus = {ids["stripe"]: sku for sku, ids in ground.facts.products.items()}
    live = [
        subscription
        for subscription in ground.store.rows("stripe", "subscription")
        if subscription["status"] in {"active", "past_due"} and not subscription["pause_collection"]
    ]
    return sorted({skus[i["price"]["product"]] for sub in live for i in sub["items"]["data"]})


def _free(ground: Ground, skus: list[str]) -> list[str]:
    return [sku for sku in skus if ground.is_free(f"product:{sku}")]


def _record(ground: Ground, role: str, sku: str) -> Record:
    """The system's record of a product."""
    if role == "erp":
        (record,) = ground.store.rows("netsuite", "item", itemid=sku)
        return record
    system, kind = _TABLES[role]
    found = ground.store.get(system, kind, ground.facts.products[sku][system])
    assert found is not None
    return found


def _id(record: Record) -> str:
    return str(record.get("Id") or record["id"])
