"""What happens to Stripe invoices: drafted, finalized, voided, overdue."""

from decimal import Decimal

from extractors.sandbox.amounts import rounded
from extractors.sandbox.tables import Record
from extractors.sandbox.world.credit_notes import consider_credit
from extractors.sandbox.world.customer_balance import take_balance
from extractors.sandbox.world.metered import billable, is_metered
from extractors.sandbox.world.moments import DAY, MINUTE, copy_lag, daytime
from extractors.sandbox.world.payments import collect
from extractors.sandbox.world.state import Company, Subscribed, World, subscription_of

_VOIDED_AT_ONCE = 0.003
_VOIDED_LATER = 0.006
_UNSET = {"finalized_at": None, "paid_at": None, "voided_at": None, "marked_uncollectible_at": None}


def begin_invoice(
    world: World, course: Subscribed, at: int, *, is_free: bool = False, is_last: bool = False
) -> str:
    """A draft for the period that begins now, and for the usage of the one that ends.

    Nothing is due while a trial lasts (`is_free`); a subscription that ends owes usage alone
    (`is_last`). Its id is the one that the subscription already names as its latest invoice.
    """
    subscription = world.records.need("stripe", "subscription", course.id)
    items = [i for i in subscription["items"]["data"] if is_metered(i) or not is_last]
    parts = [part for item in items for part in billable(world, course, item, at)]
    lines = [line_of(world, course.id, part, is_free=is_free) for part in parts]
    is_first = subscription["start_date"] == at
    reason = "subscription_create" if is_first else "subscription_cycle"
    return add_draft(world, course, at, lines, reason)


def add_draft(world: World, course: Subscribed, at: int, lines: list[Record], reason: str) -> str:
    """A draft of these lines with their tax, by the id that the subscription names; its id."""
    records = world.records
    subscription = records.need("stripe", "subscription", course.id)
    customer = records.need("stripe", "customer", subscription["customer"])
    who = world.company(course.company)
    rate = who.legal_entity.tax_rate
    _tax(lines, rate)
    subtotal = sum(line["amount"] for line in lines)
    discounts = [entry for line in lines for entry in line["discount_amounts"]]
    discount = _sum(discounts)
    tax = sum(_sum(line["taxes"]) for line in lines)
    total = subtotal - discount + tax
    contract = {"crm_contract_id": course.contract_id} if course.contract_id else {}
    correlation = subscription["metadata"].get("q2c_correlation_id")
    thread = {"q2c_correlation_id": correlation} if correlation else {}
    details = {"metadata": subscription["metadata"], "subscription": course.id}
    parent = {"type": "subscription_details", "subscription_details": details}
    invoice = str(subscription["latest_invoice"])
    fields = {
        "id": invoice,
        "number": None,
        "auto_advance": True,
        "billing_reason": reason,
        "customer": subscription["customer"],
        "customer_address": customer["address"],
        "customer_email": customer["email"],
        "customer_name": customer["name"],
        "currency": subscription["currency"],
        "status": "draft",
        "collection_method": subscription["collection_method"],
        "status_transitions": dict(_UNSET),
        "due_date": None,
        "subtotal": subtotal,
        "total_discount_amounts": discounts,
        "total_taxes": [_tax_entry(tax, total - tax)] if tax else [],
        "total": total,
        "amount_due": total,
        "amount_paid": 0,
        "amount_remaining": total,
        "parent": parent,
        "lines": {"object": "list", "data": lines, "has_more": False},
        "metadata": {"legal_entity": who.entity, **thread, **contract},
    }
    records.add("stripe", "invoice", fields, at)
    return invoice


def line_of(world: World, subscription: str, item: Record, *, is_free: bool) -> Record:
    """What an item costs for the whole of its current period, discounts beside, before tax."""
    price = item["price"]
    unit = Decimal(price["unit_amount_decimal"])
    amount = 0 if is_free else rounded(unit * item["quantity"])
    discounts = [
        {"amount": rounded(amount * Decimal(d["source"]["coupon"]["percent_off"]) / 100)}
        | {"discount": d["id"]}
        for d in item["discounts"]
    ]
    details = {
        "invoice_item": None,
        "proration": False,
        "proration_details": {"credited_items": None},
        "subscription": subscription,
        "subscription_item": item["id"],
    }
    return {
        "id": world.records.new_id("stripe", "line_item"),
        "object": "line_item",
        "amount": amount,
        "currency": price["currency"],
        "quantity": item["quantity"],
        "description": f"{'Trial period' if is_free else 'Subscription'} x {item['quantity']}",
        "period": {"start": item["current_period_start"], "end": item["current_period_end"]},
        "pricing": {
            "type": "price_details",
            "price_details": {"price": price["id"], "product": price["product"]},
            "unit_amount_decimal": price["unit_amount_decimal"],
        },
        "discount_amounts": [entry for entry in discounts if entry["amount"]],
        "discounts": [entry["discount"] for entry in discounts],
        "parent": {
            "type": "subscription_item_details",
            "subscription_item_details": details,
        },
        "taxes": [],
        "metadata": dict(item["metadata"]),
    }


def _tax(lines: list[Record], rate: Decimal) -> None:
    """Tax the sum, and give each line its part of it, rounded cumulatively."""
    taxable = given = 0
    for line in lines:
        net = line["amount"] - _sum(line["discount_amounts"])
        taxable += net
        until_now = rounded(taxable * rate / 100)
        if until_now - given:
            line["taxes"] = [_tax_entry(until_now - given, net)]
        given = until_now


def _tax_entry(amount: int, taxable: int) -> Record:
    return {"amount": amount, "tax_behavior": "exclusive", "taxable_amount": taxable}


def _sum(entries: list[Record]) -> int:
    return sum(entry["amount"] for entry in entries)


def finalize(world: World, at: int, invoice: str) -> None:
    """The draft becomes a document: numbered, due, and on its way to the ERP and to payment."""
    record = world.records.need("stripe", "invoice", invoice)
    course = world.course_of(record)
    if record["status"] != "draft" or world.is_frozen_invoice(record):
        return
    subscription = world.records.need("stripe", "subscription", course.id)
    number = f"NWC-{world.count('invoice'):06d}"
    reached = {"finalized_at": at}
    if subscription["pause_collection"]:
        _move(world, invoice, at, "void", reached | {"voided_at": at}, number=number)
        return
    if record["total"] == 0:
        _move(world, invoice, at, "paid", reached | {"paid_at": at}, number=number)
        return
    who = world.company(course.company)
    by_mail = record["collection_method"] == "send_invoice"
    due = at + who.terms * DAY if by_mail else None
    _move(world, invoice, at, "open", reached, number=number, due_date=due)
    rng = world.rng("posting", invoice)
    world.facts.posting_at[invoice] = at + max(copy_lag(at, rng), 20 * MINUTE)
    world.schedule(world.facts.posting_at[invoice], "post_invoice", invoice=invoice)
    voids_at = _voids_at(world, who, course, at, invoice)
    if voids_at is not None and by_mail:
        world.schedule(voids_at, "void", invoice=invoice)
        return
    if due is not None:
        world.schedule(daytime(due + DAY, rng), "overdue", invoice=invoice)
    take_balance(world, at, invoice)
    collect(world, at, invoice, who)
    consider_credit(world, at, invoice, who)


def _voids_at(world: World, who: Company, course: Subscribed, at: int, invoice: str) -> int | None:
    """When a clerk will void the invoice: minutes later (before the ERP has it) or after days."""
    chance = 1.0 if who.is_scripted else world.rng("void", invoice).random()
    if who.quirks.get("voids_cycle") == course.cycle:
        chance = 0 if who.quirks.get("voids_at_once") else _VOIDED_AT_ONCE
    if chance < _VOIDED_AT_ONCE:
        return at + 5 * MINUTE
    return at + 4 * DAY if chance < _VOIDED_AT_ONCE + _VOIDED_LATER else None


def void(world: World, at: int, invoice: str) -> None:
    """The invoice was a mistake; the ERP follows if it has it."""
    record = world.records.need("stripe", "invoice", invoice)
    if record["status"] != "open" or record["amount_paid"] or world.is_frozen_invoice(record):
        return
    _move(world, invoice, at, "void", {"voided_at": at})
    if invoice in world.facts.erp_invoices:
        lag = copy_lag(at, world.rng("post_void", invoice))
        world.schedule(at + lag, "post_void", invoice=invoice)


def overdue(world: World, at: int, invoice: str) -> None:
    """The due day has passed: the subscription counts as past due until the money comes."""
    record = world.records.need("stripe", "invoice", invoice)
    if record["status"] == "open" and not world.is_frozen_invoice(record):
        subscription = subscription_of(record)
        world.facts.late.setdefault(subscription, []).append(invoice)
        world.schedule(at, "set_standing", subscription=subscription, status="past_due")


def _move(
    world: World, invoice: str, at: int, status: str, reached: dict[str, int], **fields: object
) -> None:
    """Give an invoice a status, with the transitions that it went through."""
    before = world.records.need("stripe", "invoice", invoice)
    transitions = before["status_transitions"] | reached
    left = 0 if status == "paid" else before["amount_remaining"]
    if status == "paid":
        fields["attempted"] = True
    world.records.change(
        "stripe",
        "invoice",
        invoice,
        at,
        status=status,
        status_transitions=transitions,
        amount_remaining=left,
        **fields,
    )
