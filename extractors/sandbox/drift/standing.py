"""CUS-STAT-01: finance takes a customer out of use whom billing serves, or who still owes."""

from extractors.sandbox.drift.customers import customer_id_of, known, number_of
from extractors.sandbox.drift.ground import Ground
from extractors.sandbox.schema import System
from extractors.sandbox.tables import Record
from extractors.sandbox.world.moments import DAY
from extractors.sandbox.world.state import Company

_SOON = 3 * DAY
_MARGIN = DAY // 4
_LIVE = {"active", "past_due", "trialing"}


def plant_out_of_use(ground: Ground, count: int) -> None:
    """The ERP customer is made inactive; every link to it then leads to nothing that is in use."""
    served: list[Company] = []
    soon: list[Company] = []
    owing: list[Company] = []
    for who in known(ground):
        ends = [_next(each) for each in _subscriptions(ground, who) if each["status"] in _LIVE]
        if any(ground.now < end <= ground.now + _SOON - _MARGIN for end in ends):
            soon.append(who)
        elif ends and all(end > ground.now + _SOON + _MARGIN for end in ends):
            served.append(who)
        elif not ends and _open_invoices(ground, who):
            owing.append(who)
    pools = {"still_served": served, "next_invoice_will_fail": soon, "still_owes": owing}
    for variant, who in ground.choose(count, pools, number_of):
        ground.change("netsuite", "customer", who.erp_id or "", ground.tick(), isinactive="T")
        ground.freeze(who, f"attributes:{who.number}")
        if variant == "still_owes":  # what is open stays so
            ground.claim(who, *(f"invoice:{key}" for key in _open_invoices(ground, who)))
        _close(ground, who, variant)


def _subscriptions(ground: Ground, who: Company) -> list[Record]:
    return ground.store.rows("stripe", "subscription", customer=customer_id_of(who))


def _open_invoices(ground: Ground, who: Company) -> list[str]:
    customer = customer_id_of(who)
    return [
        row["id"]
        for row in ground.store.rows("stripe", "invoice", customer=customer, status="open")
    ]


def _next(subscription: Record) -> int:
    return min(int(item["current_period_end"]) for item in subscription["items"]["data"])


def _close(ground: Ground, who: Company, variant: str) -> None:
    erp: tuple[System, str] = ("netsuite", who.erp_id or "")
    ground.planted(erp, ("stripe", customer_id_of(who)), attribute="is_active", variant=variant)
    for copy in _naming(ground, who):
        ground.follows(
            "CUS-LINK-01", copy, attribute="erp_customer_ref", variant=variant, caused_by=erp[1]
        )


def _naming(ground: Ground, who: Company) -> list[tuple[System, str]]:
    """The records whose link leads to the ERP customer."""
    named: list[tuple[System, str]] = []
    customer = ground.store.get("stripe", "customer", customer_id_of(who))
    account = ground.store.get("salesforce", "Account", who.account_id) if who.account_id else None
    if account and account["NetSuite_Customer_Id__c"] == who.erp_id:
        named.append(("salesforce", account["Id"]))
    if customer and customer["metadata"].get("netsuite_customer_id") == who.erp_id:
        named.append(("stripe", customer["id"]))
    return named
