"""CRN: credit notes that one system lacks, and memos that credit another amount."""

from collections.abc import Callable
from decimal import Decimal

from extractors.sandbox.drift.credited import (
    Credited,
    ask_more,
    credited,
    delete_memo,
    tell_reopened,
    void_memo,
)
from extractors.sandbox.drift.documents import (
    Posted,
    lines_of,
    posted_invoices,
    postings_of,
    retotal,
    set_line,
)
from extractors.sandbox.drift.ground import Ground, minor_of, text_of
from extractors.sandbox.ledger import Application
from extractors.sandbox.reference import period_id
from extractors.sandbox.settlement_ledger import Header, credit_rows
from extractors.sandbox.stripe_credit_lines import lines_of as lines_of_note
from extractors.sandbox.tables import Record
from extractors.sandbox.world.moments import HOUR, moment

_LEAST = 2_000


def plant_missing(ground: Ground, count: int) -> None:
    """CRN-MISS-01: a memo was never posted, deleted or voided; or it has no billing note."""
    lowering = [credit for credit in credited(ground) if credit.lowers_its_invoice]
    billed = [p for p in posted_invoices(ground) if p.is_open and p.invoice["total"] >= _LEAST]
    pools: dict[str, list[Credited | Posted]] = {
        "never_posted": list(lowering),
        "entered_by_hand": list(billed),
        "voided_in_erp": list(lowering),
        "unknown_to_billing": list(billed),
        "void_not_copied": list(billed),
    }
    for variant, chosen in ground.choose(count, pools, lambda each: each.subject):
        at = ground.tick()
        ground.freeze(chosen.who, chosen.subject)
        if isinstance(chosen, Posted):
            _credit_in_erp(ground, chosen, at, variant)
        else:
            _lose_memo(ground, chosen, at, variant)


def _lose_memo(ground: Ground, credit: Credited, at: int, variant: str) -> None:
    if variant == "voided_in_erp":
        void_memo(ground, credit, at)
    else:
        delete_memo(ground, credit)
    ask_more(ground, credit, credit.note["total"], at)
    ground.planted(("stripe", credit.id), variant=variant)
    tell_reopened(ground, credit, variant, credit.id)


def _credit_in_erp(ground: Ground, posted: Posted, at: int, variant: str) -> None:
    """A memo that billing has no issued note for: it names none, one that is void, or nobody's."""
    currency = posted.transaction["currency"]
    amount = minor_of(posted.transaction["foreigntotal"], currency) // 10
    source = None if variant == "entered_by_hand" else ground.store.new_id("stripe", "credit_note")
    part = Application(posted.internal, amount, Decimal(posted.transaction["exchangerate"]))
    is_applied = variant != "unknown_to_billing"
    if is_applied:
        unpaid = minor_of(posted.transaction["foreignamountunpaid"], currency) - amount
        text = text_of(unpaid, currency)
        ground.change("netsuite", "transaction", posted.internal, at, foreignamountunpaid=text)
    entered = ground.days_ago(4, 5)
    internal = _enter(ground, posted, part, source, entered, is_applied=is_applied)
    ground.claim(posted.who, f"transaction:{internal}")
    if variant == "void_not_copied":
        _add_void_note(ground, posted, str(source), amount, entered)
        ground.planted(
            ("stripe", str(source)), ("netsuite", internal), attribute="status", variant=variant
        )
    else:
        ground.planted(("netsuite", internal), variant=variant)


def _add_void_note(ground: Ground, posted: Posted, note: str, amount: int, at: int) -> None:
    """A note that billing issued and took back the same day."""
    invoice = posted.invoice
    (line,) = lines_of_note(invoice, {"amount": amount})
    taken = {"id": ground.store.new_id("stripe", "credit_note_line_item"), **line}
    taken |= {"amount": amount, "taxes": []}
    fields = {
        "id": note,
        "status": "void",
        "type": "pre_payment",
        "effective_at": at,
        "voided_at": at + HOUR,
        "number": f"{invoice['number']}-CN-01",
        "amount": amount,
        "subtotal": amount,
        "total": amount,
        "pre_payment_amount": amount,
        "post_payment_amount": 0,
        "lines": {"object": "list", "data": [taken], "has_more": False},
        "total_taxes": [],
        "refunds": [],
        "metadata": {"legal_entity": posted.who.entity},
        "created": at,
    }
    kept = {name: invoice[name] for name in ("currency", "customer")}
    ground.store.put("stripe", "credit_note", {**fields, **kept, "invoice": invoice["id"]})


def _enter(
    ground: Ground,
    posted: Posted,
    part: Application,
    source: str | None,
    entered: int,
    *,
    is_applied: bool,
) -> str:
    day = moment(entered).date()
    internal = ground.store.new_id("netsuite", "transaction")
    entity = posted.who.legal_entity
    header = Header(
        internal_id=internal,
        tranid=f"CM-X{internal}",
        entity_id=posted.transaction["entity"],
        subsidiary=entity.subsidiary_id,
        currency=posted.transaction["currency"],
        exchange_rate=part.exchange_rate,
        trandate=day,
        period_id=period_id(day),
        externalid=source,
        custbody={"custbody_stripe_credit_note_id": source} if source else {"memo": "Goodwill"},
        at=moment(entered),
    )
    code = entity.tax_code_id
    rows = credit_rows(
        header,
        net_minor=part.amount_minor,
        tax_minor=0,
        tax_code_id=code,
        applied=[part] if is_applied else [],
    )
    ground.add_rows(rows, ground.now)
    return internal


def plant_other_amount(ground: Ground, count: int) -> None:
    """CRN-AMT-01: a memo credits more, less, its tax otherwise, or twice."""
    found = list(credited(ground))
    pools = {
        "lowered": [c for c in found if c.lowers_its_invoice and c.note["total"] >= _LEAST],
        "raised": [c for c in found if c.note["total"] >= _LEAST],
        "tax_moved": [c for c in found if _tax(c) >= _LEAST // 10],
        "posted_twice": found,
    }
    for variant, chosen in ground.choose(count, pools, lambda each: each.subject):
        ground.freeze(chosen.who, chosen.subject)
        _AMOUNTS[variant](ground, chosen, ground.tick())


def _tax(credit: Credited) -> int:
    return sum(int(entry["amount"]) for entry in credit.note["total_taxes"])


def _lines(ground: Ground, credit: Credited) -> tuple[Record, Record | None]:
    """The line that takes back most, and the tax line."""
    _, *others = lines_of(ground, credit.internal)
    sold = [line for line in others if line["taxline"] == "F"]
    tax = next((line for line in others if line["taxline"] == "T"), None)
    return max(sold, key=lambda line: Decimal(line["foreignamount"])), tax


def _move_line(ground: Ground, credit: Credited, line: Record, by: int, at: int) -> None:
    """A line of the memo credits so much more (less, below zero)."""
    minor = minor_of(line["foreignamount"], credit.memo["currency"]) + by
    set_line(ground, credit.memo, line, -minor, at)


def _raise(ground: Ground, credit: Credited, at: int) -> None:
    """What is credited beyond the note settles nothing."""
    more = credit.note["total"] // 5
    _move_line(ground, credit, _lines(ground, credit)[0], more, at)
    retotal(ground, credit.internal, at)
    currency = credit.memo["currency"]
    left = minor_of(credit.memo["foreignamountunpaid"], currency) - more
    text = text_of(left, currency)
    fields = {"foreignamountunpaid": text, "status": "A"}
    ground.change("netsuite", "transaction", credit.internal, at, **fields)
    _plant_amount(ground, credit, "total", "raised")


def _lower(ground: Ground, credit: Credited, at: int) -> None:
    """The invoice is settled by less, and asks for the rest."""
    less = credit.note["total"] // 5
    _move_line(ground, credit, _lines(ground, credit)[0], -less, at)
    total = -retotal(ground, credit.internal, at)
    (link,) = credit.links
    text = text_of(total, credit.memo["currency"])
    ground.add("netsuite", "previoustransactionlinelink", link | {"foreignamount": text}, at)
    ask_more(ground, credit, less, at)
    _plant_amount(ground, credit, "total", "lowered")
    tell_reopened(ground, credit, "lowered", credit.id)


def _move_tax(ground: Ground, credit: Credited, at: int) -> None:
    sold, tax = _lines(ground, credit)
    assert tax is not None
    moved = _tax(credit) // 2
    _move_line(ground, credit, tax, -moved, at)
    _move_line(ground, credit, sold, moved, at)
    retotal(ground, credit.internal, at)
    _plant_amount(ground, credit, "tax", "tax_moved")


def _plant_amount(ground: Ground, credit: Credited, attribute: str, variant: str) -> None:
    ground.planted(
        ("stripe", credit.id), ("netsuite", credit.internal), attribute=attribute, variant=variant
    )


def _post_again(ground: Ground, credit: Credited, at: int) -> None:
    """A second memo for the same note, which settles nothing."""
    internal = ground.store.new_id("netsuite", "transaction")
    changed = {"id": internal, "tranid": f"{credit.memo['tranid']}-1", "externalid": None}
    unapplied = {"status": "A", "foreignamountunpaid": credit.memo["foreigntotal"]}
    ground.add("netsuite", "transaction", credit.memo | changed | unapplied, at)
    rows = {
        "transactionline": lines_of(ground, credit.internal),
        "transactionaccountingline": postings_of(ground, credit.internal),
    }
    for table, records in rows.items():
        for record in records:
            ground.add("netsuite", table, record | {"transaction": internal}, at)
    ground.claim(credit.who, f"transaction:{internal}")
    ground.planted(("netsuite", internal), variant="posted_twice")


_AMOUNTS: dict[str, Callable[[Ground, Credited, int], None]] = {
    "lowered": _lower,
    "raised": _raise,
    "tax_moved": _move_tax,
    "posted_twice": _post_again,
}
