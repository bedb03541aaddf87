"""What happens to an invoice that was too high: a credit note, and where its money goes.

On an open invoice a note lowers what is due. On a paid one it is refunded, or stands on the
customer's balance until the next invoice takes it, or is paid back beside Stripe.
"""

from typing import Any

from extractors.sandbox.reference import CURRENCIES, exchange_rate, period_id
from extractors.sandbox.settlement_ledger import Header, credit_rows
from extractors.sandbox.stripe_credit_lines import lines_of, tax_entry
from extractors.sandbox.tables import Record
from extractors.sandbox.world.credited_lines import credited_lines
from extractors.sandbox.world.erp_amounts import lower_invoice, minor_of
from extractors.sandbox.world.moments import DAY, MINUTE, copy_lag, daytime, local_date, moment
from extractors.sandbox.world.refunds import refund_charge, schedule_refund
from extractors.sandbox.world.state import Company, World

_CREDITED = 0.03
_IN_FULL = 0.2
_TO_BALANCE = 0.4
_REASONS = ("order_change", "product_unsatisfactory", "duplicate")


def consider_credit(world: World, at: int, invoice: str, who: Company) -> None:
    """Whether a clerk will credit a finalized invoice, days later."""
    rng = world.rng("credit", invoice)
    if rng.random() < _CREDITED and not who.is_scripted:
        world.schedule(daytime(at + rng.randrange(2, 20) * DAY, rng), "credit", invoice=invoice)


def credit(world: World, at: int, invoice: str) -> None:
    """Credit part of an invoice or all of it, as far as it is open or was paid."""
    record = world.records.need("stripe", "invoice", invoice)
    if world.is_frozen_invoice(record):
        return
    if record["status"] == "open" and _may_lower(world, record):
        _lower(world, at, record)
    elif record["status"] == "paid" and record["amount_paid"]:
        _give_back(world, at, record)


def _may_lower(world: World, invoice: Record) -> bool:
    """Whether nothing is paid or under way, and the ERP asks for the same amount."""
    internal = world.facts.erp_invoices.get(invoice["id"])
    if internal is None or invoice["amount_remaining"] != invoice["total"]:
        return False
    posted = world.records.need("netsuite", "transaction", internal)
    is_same = minor_of(posted["foreignamountunpaid"], posted["currency"]) == invoice["total"]
    intents = world.records.rows("stripe", "payment_intent", invoice=invoice["id"])
    return is_same and next(intents, None) is None


def _lower(world: World, at: int, invoice: Record) -> None:
    note = _draft(world, at, invoice, _amount(world, invoice, invoice["amount_remaining"]))
    left = invoice["amount_remaining"] - note["total"]
    fields: dict[str, Any] = {
        "amount_due": invoice["amount_due"] - note["total"],
        "amount_remaining": left,
        "pre_payment_credit_notes_amount": note["total"],
    }
    if not left:
        reached = invoice["status_transitions"] | {"paid_at": at}
        fields |= {"status": "paid", "status_transitions": reached}
    world.records.change("stripe", "invoice", invoice["id"], at, **fields)
    _issue(world, at, note | {"pre_payment_amount": note["total"], "type": "pre_payment"})


def _give_back(world: World, at: int, invoice: Record) -> None:
    records = world.records
    payments = list(records.rows("stripe", "invoice_payment", invoice=invoice["id"]))
    intents = [p["payment"].get("payment_intent") for p in payments]
    if intents == [None] * len(intents):
        amount = _amount(world, invoice, invoice["amount_paid"])
        note = _draft(world, at, invoice, amount)
        _issue(world, at, note | {"out_of_band_amount": note["total"]} | _after_payment(note))
        _note_on(world, at, invoice, note)
        return
    intent = records.need("stripe", "payment_intent", str(intents[-1]))
    charge = records.need("stripe", "charge", intent["latest_charge"])
    if len(intents) > 1 or charge.get("disputed") or charge["amount_refunded"]:
        return
    note = _draft(world, at, invoice, _amount(world, invoice, charge["amount"]))
    if _goes_to_balance(world, invoice):
        customer = records.need("stripe", "customer", invoice["customer"])
        records.change(
            "stripe", "customer", customer["id"], at,
            balance=customer.get("balance", 0) - note["total"],
        )  # fmt: skip
        _issue(world, at, note | _after_payment(note))
    else:
        refund = refund_charge(world, at, charge, note["total"])
        link = {"amount_refunded": note["total"], "payment_record_refund": None}
        link |= {"refund": refund, "type": "refund"}
        _issue(world, at, note | {"refunds": [link]} | _after_payment(note))
    _note_on(world, at, invoice, note)


def _after_payment(note: Record) -> Record:
    return {"post_payment_amount": note["total"], "type": "post_payment"}


def _note_on(world: World, at: int, invoice: Record, note: Record) -> None:
    fields = {"post_payment_credit_notes_amount": note["total"]}
    world.records.change("stripe", "invoice", invoice["id"], at, **fields)


def _goes_to_balance(world: World, invoice: Record) -> bool:
    """Whether the next invoice is to take the credit; cards only, since mailed ones may be void."""
    who = world.company_of(invoice)
    is_next = who.pay_by == "card" and world.course_of(invoice).is_live
    # where the ERP works out tax itself, an invoice may be a trifle lower than what it would take
    is_same_tax = not who.legal_entity.tax_rate or who.number % 3 != 0
    return is_next and is_same_tax and world.rng("way", invoice["id"]).random() < _TO_BALANCE


def _amount(world: World, invoice: Record, most: int) -> int:
    rng = world.rng("credited", invoice["id"])
    if rng.random() < _IN_FULL:
        return most
    return max(1, most * rng.randrange(10, 60) // 100)


def _draft(world: World, at: int, invoice: Record, amount: int) -> Record:
    """A note on one line of its own, taxed as the invoice is on the whole."""
    lines = lines_of(invoice, {"amount": amount})
    tax = sum(entry["amount"] for line in lines for entry in line["taxes"])
    new = world.records.new_id
    thread = invoice["metadata"].get("q2c_correlation_id")
    return {
        "id": new("stripe", "credit_note"),
        "amount": amount,
        "currency": invoice["currency"],
        "customer": invoice["customer"],
        "effective_at": at,
        "invoice": invoice["id"],
        "lines": {
            "object": "list",
            "data": [
                {
                    "id": new("stripe", "credit_note_line_item"),
                    "object": "credit_note_line_item",
                    **line,
                }
                for line in lines
            ],
            "has_more": False,
        },
        "memo": None,
        "metadata": {"legal_entity": invoice["metadata"]["legal_entity"]}
        | ({"q2c_correlation_id": thread} if thread else {}),
        "number": f"{invoice['number']}-CN-01",
        "out_of_band_amount": None,
        "pdf": f"https://pay.stripe.com/credit_notes/{invoice['id']}/pdf",
        "post_payment_amount": 0,
        "pre_payment_amount": 0,
        "reason": world.rng("reason", invoice["id"]).choice(_REASONS),
        "refunds": [],
        "status": "issued",
        "subtotal": amount - tax,
        "total": amount,
        "total_taxes": [tax_entry(tax, amount - tax)] if tax else [],
    }


def _issue(world: World, at: int, note: Record) -> None:
    world.records.add("stripe", "credit_note", note, at)
    lag = copy_lag(at, world.rng("post_credit", note["id"]))
    posts_at = max(at + lag, world.facts.posting_at[note["invoice"]] + 5 * MINUTE)
    world.schedule(posts_at, "post_credit", note=note["id"], invoice=note["invoice"])


def post_credit(world: World, at: int, note: str, invoice: str) -> None:
    """The ERP has the credit memo, on the invoice where that was still open."""
    billed = world.records.need("stripe", "invoice", invoice)
    if world.is_frozen_invoice(billed):
        return
    record = world.records.need("stripe", "credit_note", note)
    internal = world.facts.erp_invoices.get(invoice)
    is_before = record["type"] == "pre_payment"
    if is_before and internal is None:
        return
    applied = []
    if is_before and internal is not None:
        applied = [lower_invoice(world, at, invoice, internal, record["total"])]
    header = _header(world, at, record, billed)
    tax = sum(entry["amount"] for entry in record["total_taxes"])
    rows = credit_rows(
        header,
        net_minor=record["total"] - tax,
        tax_minor=tax,
        tax_code_id=world.company_of(billed).legal_entity.tax_code_id,
        applied=applied,
        credited=credited_lines(world, invoice, record["total"] - tax, header.trandate),
    )
    world.records.add_rows(rows, at)
    _go_on(world, at, record, header)


def _go_on(world: World, at: int, note: Record, header: Header) -> None:
    """What the memo waits for: a refund, or the customer's next invoice."""
    if note["type"] == "pre_payment":
        return
    if note["refunds"] or note["out_of_band_amount"]:
        schedule_refund(world, at, note, header.internal_id)
        return
    world.facts.open_credits.setdefault(note["customer"], []).append(header.internal_id)


def _header(world: World, at: int, note: Record, invoice: Record) -> Header:
    who = world.company_of(invoice)
    entity = who.legal_entity
    currency = note["currency"].upper()
    trandate = local_date(note["effective_at"], entity.timezone)
    thread = note["metadata"].get("q2c_correlation_id")
    assert who.erp_id is not None
    return Header(
        internal_id=world.records.new_id("netsuite", "transaction"),
        tranid=note["number"],
        entity_id=who.erp_id,
        subsidiary=entity.subsidiary_id,
        currency=CURRENCIES[currency].id,
        exchange_rate=exchange_rate(currency, entity.currency, trandate),
        trandate=trandate,
        period_id=period_id(trandate),
        externalid=note["id"],
        custbody={"custbody_stripe_credit_note_id": note["id"]}
        | ({"custbody_q2c_correlation_id": thread} if thread else {}),
        at=moment(at),
    )
