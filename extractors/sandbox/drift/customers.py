"""CUS: customers that a system has lost, links that were lost, and master data that disagrees."""

from extractors.sandbox.drift.ground import Ground, Truth
from extractors.sandbox.reference import TERM_DAYS
from extractors.sandbox.schema import System
from extractors.sandbox.tables import Record
from extractors.sandbox.world.moments import DAY
from extractors.sandbox.world.state import Company

_FEW_INVOICES = 24
_NEIGHBOUR = {"US": "CA", "GB": "IE", "DE": "AT", "JP": "SG"}


def number_of(who: Company) -> str:
    return f"{who.number:06d}"


def customer_of(ground: Ground, who: Company) -> Record:
    found = ground.store.get("stripe", "customer", customer_id_of(who))
    assert found is not None
    return found


def customer_id_of(who: Company) -> str:
    return next(iter(who.customers.values()))


def known(ground: Ground) -> list[Company]:
    """Companies with one billing customer and an ERP customer, all of it days old and untouched."""
    found = []
    for who in ground.facts.companies:
        if len(who.customers) != 1 or who.erp_id is None or customer_id_of(who) in ground.busy:
            continue
        if not ground.is_free(f"company:{who.number}", f"attributes:{who.number}"):
            continue
        if _is_days_old(ground, who):
            found.append(who)
    return found


def _is_days_old(ground: Ground, who: Company) -> bool:
    customer = customer_of(ground, who)
    erp = ground.store.get("netsuite", "customer", who.erp_id or "")
    if erp is None or not ground.is_settled(erp["lastmodifieddate"]):
        return False
    if who.account_id:
        account = ground.store.get("salesforce", "Account", who.account_id)
        if account is None or not ground.is_settled(account["LastModifiedDate"]):
            return False
    return bool(customer["created"] < ground.now - 4 * DAY)


def plant_missing_in_crm(ground: Ground, count: int) -> None:
    """CUS-MISS-01: a customer is really sales-led, or the link to its account is lost."""
    found = known(ground)
    led = [who for who in found if who.account_id and who.channel == "sales_led"]
    pools = {
        "account_missing": [who for who in found if who.channel == "self_serve"],
        "link_lost_tax_id": [who for who in led if who.tax_id],
        "link_lost_domain": [who for who in led if not who.tax_id],
    }
    for variant, who in ground.choose(count, pools, number_of):
        at = ground.tick()
        if variant == "account_missing":
            _lead_by_sales(ground, who, at)
            _tell_missing_paper(ground, who, variant)
            replica: tuple[System, str] | None = None
        else:
            _lose_link(ground, who, at)
            replica = ("salesforce", who.account_id or "")
        ground.freeze(who, f"attributes:{who.number}")
        ground.planted(("stripe", customer_id_of(who)), replica, variant=variant)


def _lead_by_sales(ground: Ground, who: Company, at: int) -> None:
    customer = customer_of(ground, who)
    led = {"channel": "sales_led"}
    ground.change("stripe", "customer", customer["id"], at, metadata=customer["metadata"] | led)
    for sold in ground.store.rows("stripe", "subscription", customer=customer["id"]):
        ground.change("stripe", "subscription", sold["id"], at, metadata=sold["metadata"] | led)


def _tell_missing_paper(ground: Ground, who: Company, variant: str) -> None:
    """Without an account there is no contract either, of what it pays for."""
    customer = customer_id_of(who)
    for sold in ground.store.rows("stripe", "subscription", customer=customer):
        if sold["status"] in {"active", "past_due"} and not sold["pause_collection"]:
            owner: tuple[System, str] = ("stripe", sold["id"])
            ground.follows("CON-MISS-02", owner, variant=variant, caused_by=customer)
            ground.freeze(who, f"subscription:{sold['id']}")


def _lose_link(ground: Ground, who: Company, at: int) -> None:
    """No record names the CRM account any more; tax id or domain still tell whose it is."""
    customer = customer_of(ground, who)
    metadata = {k: v for k, v in customer["metadata"].items() if k != "crm_account_id"}
    ground.change("stripe", "customer", customer["id"], at, metadata=metadata)
    links = {"Stripe_Customer_Id__c": None, "NetSuite_Customer_Id__c": None}
    ground.change("salesforce", "Account", who.account_id or "", at, **links)
    ground.change("netsuite", "customer", who.erp_id or "", at, custentity_sfdc_id=None)


def plant_missing_in_erp(ground: Ground, count: int) -> None:
    """CUS-MISS-02: the ERP customer was never made, and so none of its documents."""
    pools: dict[str, list[Company]] = {"sales_led": [], "self_serve": []}
    for who in known(ground):
        if ground.is_free(f"touched:{who.number}") and _has_only_old_documents(ground, who):
            pools[who.channel].append(who)
    for variant, who in ground.choose(count, pools, number_of):
        customer = customer_id_of(who)
        _remove_from_erp(ground, who)
        ground.freeze(who, f"company:{who.number}", f"attributes:{who.number}")
        ground.planted(("stripe", customer), variant=variant)
        _tell_missing_documents(ground, customer, variant)


def _has_only_old_documents(ground: Ground, who: Company) -> bool:
    customer = customer_id_of(who)
    invoices = ground.store.rows("stripe", "invoice", customer=customer)
    charges = ground.store.rows("stripe", "charge", customer=customer)
    subscriptions = ground.store.rows("stripe", "subscription", customer=customer)
    records = [row["id"] for row in (*invoices, *charges, *subscriptions)]
    is_quiet = ground.busy.isdisjoint(records)
    has_pending = any(charge["status"] == "pending" for charge in charges)
    has_any = any(_is_document(invoice) for invoice in invoices)
    return is_quiet and has_any and not has_pending and len(invoices) <= _FEW_INVOICES


def _is_document(invoice: Record) -> bool:
    return invoice["status"] in {"open", "paid"} and invoice["total"] != 0


def _remove_from_erp(ground: Ground, who: Company) -> None:
    store = ground.store
    assert who.erp_id is not None
    for transaction in store.rows("netsuite", "transaction", entity=who.erp_id):
        for plan in store.rows("netsuite", "revenueplan", sourcetransaction=transaction["id"]):
            store.delete("netsuite", "revenueplan", plan["id"])
        store.delete("netsuite", "transaction", transaction["id"])
    store.delete("netsuite", "customer", who.erp_id)
    at = ground.tick()
    customer = customer_of(ground, who)
    metadata = {k: v for k, v in customer["metadata"].items() if k != "netsuite_customer_id"}
    ground.change("stripe", "customer", customer["id"], at, metadata=metadata)
    if who.account_id:
        ground.change("salesforce", "Account", who.account_id, at, NetSuite_Customer_Id__c=None)


def _tell_missing_documents(ground: Ground, customer: str, variant: str) -> None:
    for invoice in ground.store.rows("stripe", "invoice", customer=customer):
        if _is_document(invoice):
            _tell_consequence(ground, "INV-MISS-01", invoice["id"], customer, variant)
    for note in ground.store.rows("stripe", "credit_note", customer=customer, status="issued"):
        _tell_consequence(ground, "CRN-MISS-01", note["id"], customer, variant)
    for charge in ground.store.rows("stripe", "charge", customer=customer):
        if charge["status"] == "succeeded":
            _tell_consequence(ground, "PAY-MISS-01", charge["id"], customer, variant)
    for refund in ground.store.rows("stripe", "refund", customer=customer):
        _tell_consequence(ground, "RFD-MISS-01", refund["id"], customer, variant)


def _tell_consequence(
    ground: Ground, code: str, document: str, customer: str, variant: str
) -> None:
    ground.tell(
        Truth(code, "", "stripe", document, None, None, variant, planted=False, caused_by=customer)
    )


def plant_attribute(ground: Ground, count: int) -> None:
    """CUS-ATTR-01: a copy of one attribute went its own way; the owner's value stands for days."""
    found = known(ground)
    led = [who for who in found if who.account_id]
    taxed = [who for who in found if who.tax_id]
    pools = {
        "legal_name_billing": led,
        "tax_id_crm": [who for who in led if who.tax_id],
        "invoice_email_erp": found,
        "payment_terms_crm": led,
        "country_code_crm": led,
        "legal_name_erp": led,
        "tax_id_erp": taxed,
        "invoice_email_crm": led,
        "country_code_erp": found,
    }
    for variant, who in ground.choose(count, pools, number_of):
        _ATTRIBUTES[variant](ground, who, ground.tick(), variant)
        ground.freeze(who, f"attributes:{who.number}")


def _change_name(ground: Ground, who: Company, at: int, variant: str) -> None:
    account = ground.store.get("salesforce", "Account", who.account_id or "")
    assert account is not None
    first, second, *rest = account["Name"].split(" ")
    wrong = " ".join([first, second, "Trading", *rest])
    replica: tuple[System, str] = ("stripe", customer_id_of(who))
    if variant == "legal_name_erp":
        replica = ("netsuite", who.erp_id or "")
    field = "name" if replica[0] == "stripe" else "companyname"
    ground.change(replica[0], "customer", replica[1], at, **{field: wrong})
    owner: tuple[System, str] = ("salesforce", who.account_id or "")
    ground.planted(owner, replica, attribute="legal_name", variant=variant)


def _change_copy(ground: Ground, who: Company, at: int, variant: str) -> None:
    """Change what the CRM or the ERP keeps of an attribute that billing owns."""
    attribute, _, role = variant.rpartition("_")
    if role == "crm":
        replica: tuple[System, str, str] = ("salesforce", "Account", who.account_id or "")
    else:
        replica = ("netsuite", "customer", who.erp_id or "")
    system, kind, key = replica
    field = _COPIES[attribute][role]
    record = ground.store.get(system, kind, key)
    assert record is not None
    ground.change(system, kind, key, at, **{field: _wrong(attribute, record[field])})
    owner: tuple[System, str] = ("stripe", customer_id_of(who))
    ground.planted(owner, (system, key), attribute=attribute, variant=variant)


_COPIES = {
    "tax_id": {"crm": "Tax_Id__c", "erp": "vatregnumber"},
    "invoice_email": {"crm": "Invoice_Email__c", "erp": "email"},
    "country_code": {"crm": "BillingCountryCode", "erp": "billcountry"},
}


def _wrong(attribute: str, value: str) -> str:
    if attribute == "tax_id":
        return value[:-1] + str((int(value[-1]) + 5) % 10)
    return f"former.{value}" if attribute == "invoice_email" else _NEIGHBOUR[value]


def _change_terms(ground: Ground, who: Company, at: int, variant: str) -> None:
    account = ground.store.get("salesforce", "Account", who.account_id or "")
    assert account is not None
    told = int(account["Payment_Terms__c"].removeprefix("Net "))
    wrong = ground.rng.choice([days for days in TERM_DAYS if days not in {0, told}])
    ground.change("salesforce", "Account", account["Id"], at, Payment_Terms__c=f"Net {wrong}")
    ground.planted(
        ("netsuite", who.erp_id or ""),
        ("salesforce", account["Id"]),
        attribute="payment_terms_days",
        variant=variant,
    )


_ATTRIBUTES = {
    "legal_name_billing": _change_name,
    "legal_name_erp": _change_name,
    "payment_terms_crm": _change_terms,
    **{f"{name}_{role}": _change_copy for name in _COPIES for role in ("crm", "erp")},
}
