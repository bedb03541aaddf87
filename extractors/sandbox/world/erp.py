"""What happens in the ERP: customers, posted invoices, voids, applied payments, manual invoices."""

from datetime import date, timedelta
from decimal import Decimal
from itertools import count

from extractors.sandbox.amounts import netsuite_time, rounded
from extractors.sandbox.ledger import (
    PRIMARY_BOOK,
    Application,
    InvoiceLine,
    invoice_rows,
    payment_rows,
)
from extractors.sandbox.reference import (
    BANK,
    CALLS,
    CLEARING,
    CURRENCIES,
    CURRENCY_BY_ID,
    PRODUCT_BY_SKU,
    SERVICES,
    TERM_DAYS,
    TIERED_BY_SKU,
    exchange_rate,
    period_id,
)
from extractors.sandbox.tables import Record
from extractors.sandbox.world.families import join_family
from extractors.sandbox.world.metered import used_between
from extractors.sandbox.world.moments import DAY, MINUTE, local_date, moment
from extractors.sandbox.world.names import spelled
from extractors.sandbox.world.state import Company, World

_OWN_TAX_EVERY = 3
_REPOSTED_EVERY = 3
_LINE_TOLERANCE = 5


def erp_customer(world: World, at: int, company: int) -> None:
    """Finance has the customer, under its own spelling of the name."""
    who = world.company(company)
    if who.erp_id is not None or world.is_frozen("company", company):
        return
    records = world.records
    who.erp_id = records.new_id("netsuite", "customer")
    first = next(iter(who.customers.values()))
    style = 5 if "wide_name" in who.quirks else (who.number // 5) % 5
    fields = {
        "id": who.erp_id,
        "entityid": f"C{10_000 + who.number}",
        "companyname": spelled(who.name, style),
        "externalid": f"C{10_000 + who.number}",
        "email": who.email,
        "url": f"https://{who.domain}",
        "subsidiary": who.legal_entity.subsidiary_id,
        "currency": CURRENCIES[who.currency].id,
        "terms": TERM_DAYS[who.terms],
        "isinactive": "F",
        "vatregnumber": who.tax_id,
        "billcountry": who.country,
        "billzip": who.postal_code,
        "custentity_stripe_id": first,
        "custentity_sfdc_id": who.account_id,
        "datecreated": netsuite_time(moment(at)),
    }
    records.add("netsuite", "customer", fields, at)
    world.schedule(at + 4 * MINUTE, "link_erp", company=company)


def link_account(world: World, at: int, company: int) -> None:
    """The CRM account learns of its billing customer."""
    who = world.company(company)
    if who.account_id and not world.is_frozen("company", company):
        first = next(iter(who.customers.values()))
        world.records.change(
            "salesforce", "Account", who.account_id, at, Stripe_Customer_Id__c=first
        )


def link_erp(world: World, at: int, company: int) -> None:
    """The other systems learn of the ERP customer."""
    who = world.company(company)
    if world.is_frozen("company", company):
        return
    if who.account_id:
        world.records.change(
            "salesforce", "Account", who.account_id, at, NetSuite_Customer_Id__c=who.erp_id
        )
    for customer in who.customers.values():
        metadata = world.records.need("stripe", "customer", customer)["metadata"]
        linked = metadata | {"netsuite_customer_id": who.erp_id}
        world.records.change("stripe", "customer", customer, at, metadata=linked)
    join_family(world, at, who)


def post_invoice(world: World, at: int, invoice: str) -> None:
    """The finalized billing invoice is posted, unless it was voided first or is there already."""
    record = world.records.need("stripe", "invoice", invoice)
    if record["status"] == "void" or world.is_frozen_invoice(record):
        return
    posted = world.records.stored(
        "netsuite", "transaction", custbody_stripe_invoice_id=invoice, voided="F"
    )
    known = next(posted, None)
    if known is not None:
        world.facts.erp_invoices[invoice] = known["id"]
        return
    who = world.company_of(record)
    _post(world, at, record, who)
    if "reposted" in who.quirks and world.course_of(record).cycle % _REPOSTED_EVERY == 0:
        world.schedule(at + 10 * MINUTE, "repost", invoice=invoice)


def _post(world: World, at: int, invoice: Record, who: Company) -> None:
    entity = who.legal_entity
    finalized = invoice["status_transitions"]["finalized_at"]
    trandate = local_date(finalized, entity.timezone)
    currency = invoice["currency"].upper()
    due = invoice["due_date"]
    internal = world.records.new_id("netsuite", "transaction")
    assert who.erp_id is not None
    custbody = {"custbody_stripe_invoice_id": invoice["id"]}
    thread = invoice["metadata"].get("q2c_correlation_id")
    rows = invoice_rows(
        internal_id=internal,
        tranid=invoice["number"],
        entity_id=who.erp_id,
        subsidiary=entity.subsidiary_id,
        currency=CURRENCIES[currency].id,
        exchange_rate=exchange_rate(currency, entity.currency, trandate),
        trandate=trandate,
        duedate=local_date(due, entity.timezone) if due else trandate,
        period_id=period_id(trandate),
        externalid=invoice["id"],
        customform="subscription",
        lines=_erp_lines(world, invoice, who),
        custbody=custbody | ({"custbody_q2c_correlation_id": thread} if thread else {}),
        at=moment(at),
    )
    world.records.add_rows(rows, at)
    world.facts.erp_invoices[invoice["id"]] = internal


def _erp_lines(world: World, invoice: Record, who: Company) -> list[InvoiceLine]:
    skus = {ids["stripe"]: sku for sku, ids in world.facts.products.items()}
    items = {
        product: (PRODUCT_BY_SKU.get(sku) or TIERED_BY_SKU.get(sku) or CALLS).item_id
        for product, sku in skus.items()
    }
    timezone = who.legal_entity.timezone
    lines = []
    for line in invoice["lines"]["data"]:
        net = line["amount"] - sum(d["amount"] for d in line["discount_amounts"])
        start = local_date(line["period"]["start"], timezone)
        end = local_date(line["period"]["end"], timezone) - timedelta(days=1)
        item = items[line["pricing"]["price_details"]["product"]]
        made = InvoiceLine(
            item_id=item,
            quantity=line["quantity"],
            amount_minor=net,
            tax_minor=sum(tax["amount"] for tax in line["taxes"]),
            tax_code_id=who.legal_entity.tax_code_id,
            rev_start=start,
            rev_end=max(start, end),
            stripe_line_id=line["id"],
            used=_used(world, invoice, line) if item == CALLS.item_id else (),
        )
        lines.append(made)
    return _own_tax(lines, who)


def _used(world: World, invoice: Record, line: Record) -> tuple[tuple[date, int], ...]:
    """What the line bills, day by day (UTC)."""
    period = line["period"]
    used = used_between(world, world.course_of(invoice), period["start"], period["end"])
    return tuple((moment(at).date(), calls) for at, calls in used.items())


def _own_tax(lines: list[InvoiceLine], who: Company) -> list[InvoiceLine]:
    """Some customers' tax is worked out again line by line; kept where it is a trifle lower.

    A trifle higher would leave the invoice open by it after the customer has paid in full.
    """
    if "erp_rounds_tax_by_line" not in who.quirks and who.number % _OWN_TAX_EVERY:
        return lines
    rate = who.legal_entity.tax_rate
    own = [
        InvoiceLine(**(vars(line) | {"tax_minor": rounded(line.amount_minor * rate / 100)}))
        for line in lines
    ]
    difference = sum(line.tax_minor for line in own) - sum(line.tax_minor for line in lines)
    return own if -min(len(lines), _LINE_TOLERANCE) <= difference < 0 else lines


def repost(world: World, at: int, invoice: str) -> None:
    """The first copy went wrong: void it and post the invoice again."""
    record = world.records.need("stripe", "invoice", invoice)
    first = world.facts.erp_invoices.get(invoice)
    if first is None or record["status"] != "open" or world.is_frozen_invoice(record):
        return
    renamed = {"tranid": f"{record['number']}-VOID", "externalid": f"{invoice}-void"}
    _void(world, at, first, **renamed)
    _post(world, at, record, world.company_of(record))


def post_void(world: World, at: int, invoice: str) -> None:
    if world.is_frozen_invoice(world.records.need("stripe", "invoice", invoice)):
        return
    internal = world.facts.erp_invoices.pop(invoice, None)
    if internal is not None:
        _void(world, at, internal)


def _void(world: World, at: int, internal: str, **fields: str) -> None:
    """The document stays with its amounts, out of the ledger."""
    records = world.records
    records.change(
        "netsuite",
        "transaction",
        internal,
        at,
        status="V",
        voided="T",
        posting="F",
        foreignamountunpaid="0",
        custbody_status_changed_at=netsuite_time(moment(at)),
        **fields,
    )
    for number in count():
        key = (internal, str(number), PRIMARY_BOOK)
        if records.get("netsuite", "transactionaccountingline", key) is None:
            break
        records.change("netsuite", "transactionaccountingline", key, at, posting="F")


def post_payment(
    world: World, at: int, *, invoice: str, amount: int, charge: str | None, paid_at: int
) -> None:
    """The money is booked and applied; wires carry no reference of billing."""
    record = world.records.need("stripe", "invoice", invoice)
    internal = world.facts.erp_invoices.get(invoice)
    if internal is None or world.is_frozen_invoice(record):
        return
    posted = world.records.get("netsuite", "transaction", internal)
    if posted is None:
        return
    unpaid = _minor(posted["foreignamountunpaid"], posted["currency"])
    applied = min(amount, unpaid)
    who = world.company_of(record)
    add_payment(
        world, at, who, posted, amount=amount, applied=applied, charge=charge, paid_at=paid_at
    )
    fields = {"foreignamountunpaid": _text(unpaid - applied, posted["currency"])}
    if unpaid == applied:
        fields["status"] = "B"
        del world.facts.erp_invoices[invoice]
    fields["custbody_status_changed_at"] = netsuite_time(moment(at))
    world.records.change("netsuite", "transaction", internal, at, **fields)


def add_payment(
    world: World,
    at: int,
    who: Company,
    invoice: Record,
    *,
    amount: int,
    applied: int,
    charge: str | None,
    paid_at: int,
) -> None:
    entity = who.legal_entity
    currency = CURRENCY_BY_ID[invoice["currency"]].code
    trandate = local_date(paid_at, entity.timezone)
    part = Application(invoice["id"], applied, Decimal(invoice["exchangerate"]))
    internal = world.records.new_id("netsuite", "transaction")
    if charge:
        world.facts.undeposited[charge] = internal
    rows = payment_rows(
        internal_id=internal,
        tranid=f"PYMT{world.count('payment'):06d}",
        entity_id=invoice["entity"],
        subsidiary=entity.subsidiary_id,
        currency=invoice["currency"],
        exchange_rate=exchange_rate(currency, entity.currency, trandate),
        trandate=trandate,
        period_id=period_id(trandate),
        externalid=charge,
        amount_minor=amount,
        applied=[part] if applied else [],
        custbody={"custbody_stripe_charge_id": charge} if charge else {"memo": "Wire transfer"},
        at=moment(at),
        bank_account=CLEARING.id if charge else BANK.id,
    )
    world.records.add_rows(rows, at)


def _minor(text: str, currency_id: str) -> int:
    return int(Decimal(text).scaleb(CURRENCY_BY_ID[currency_id].precision))


def _text(minor: int, currency_id: str) -> str:
    return format(Decimal(minor).scaleb(-CURRENCY_BY_ID[currency_id].precision), "f")


def bill_services(world: World, at: int, company: int, amount: int) -> None:
    """Finance bills consulting by hand; billing never hears of it. A wire pays it weeks later."""
    who = world.company(company)
    if who.erp_id is None or world.is_frozen("company", company):
        return
    entity = who.legal_entity
    trandate = local_date(at, entity.timezone)
    tax = rounded(amount * entity.tax_rate / 100)
    internal = world.records.new_id("netsuite", "transaction")
    line = InvoiceLine(SERVICES.item_id, 1, amount, tax, entity.tax_code_id, None, None, None)
    rows = invoice_rows(
        internal_id=internal,
        tranid=f"SRV-{world.count('services'):05d}",
        entity_id=who.erp_id,
        subsidiary=entity.subsidiary_id,
        currency=CURRENCIES[who.currency].id,
        exchange_rate=exchange_rate(who.currency, entity.currency, trandate),
        trandate=trandate,
        duedate=trandate + timedelta(days=30),
        period_id=period_id(trandate),
        externalid=None,
        customform="manual services",
        lines=[line],
        custbody={"memo": "Consulting"},
        at=moment(at),
    )
    world.records.add_rows(rows, at)
    pays_at = at + world.rng("services", internal).randrange(10, 45) * DAY
    world.schedule(pays_at, "pay_services", company=company, internal=internal)


def pay_services(world: World, at: int, company: int, internal: str) -> None:
    posted = world.records.get("netsuite", "transaction", internal)
    if posted is None or posted["status"] != "A" or world.is_frozen("company", company):
        return
    due = _minor(posted["foreignamountunpaid"], posted["currency"])
    add_payment(
        world, at, world.company(company), posted, amount=due, applied=due, charge=None, paid_at=at
    )
    stamp = netsuite_time(moment(at))
    world.records.change(
        "netsuite", "transaction", internal, at, status="B", foreignamountunpaid="0",
        custbody_status_changed_at=stamp,
    )  # fmt: skip
