"""INV-MISS, INV-DUP and INV-AMT: ERP invoices that are not there, there twice, or not the same."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from extractors.sandbox.amounts import netsuite_time, rounded
from extractors.sandbox.drift.documents import (
    Posted,
    applications,
    delete_invoice,
    item_lines,
    lines_of,
    posted_invoices,
    remove_line,
    retotal,
    set_line,
)
from extractors.sandbox.drift.ground import Ground, minor_of, text_of
from extractors.sandbox.ledger import InvoiceLine, invoice_rows
from extractors.sandbox.reference import (
    CURRENCIES,
    PRODUCTS,
    exchange_rate,
    month_end,
    period_id,
)
from extractors.sandbox.world.moments import DAY, HOUR, epoch, moment
from extractors.sandbox.world.state import Company

LEAST_TOTAL = 2_000


def _subject(posted: Posted) -> str:
    return posted.id


def plant_not_posted(ground: Ground, count: int) -> None:
    """INV-MISS-01: the ERP never got a finalized invoice, or lost it after it was paid."""
    posted = posted_invoices(ground)
    unpaid = [p for p in posted if p.is_open]
    pools = {"never_posted": unpaid, "deleted_after_payment": [p for p in posted if p.is_paid]}
    for variant, chosen in ground.choose(count, pools, _subject):
        delete_invoice(ground, chosen.internal)
        ground.freeze(chosen.who, chosen.subject)
        ground.planted(("stripe", chosen.id), variant=variant)


def plant_without_source(ground: Ground, count: int) -> None:
    """INV-MISS-02: somebody entered a subscription invoice that billing never issued."""
    hosts = [w for w in ground.facts.companies if w.erp_id and ground.is_free_company(w)]
    pools = {"dangling_id": hosts, "no_id": hosts}
    for variant, who in ground.choose(count, pools, lambda who: f"{who.number:06d}"):
        internal = _enter(ground, who, ground.tick(), has_id=variant == "dangling_id")
        ground.claim(who, f"transaction:{internal}")
        ground.planted(("netsuite", internal), variant=variant)


def _enter(ground: Ground, who: Company, at: int, *, has_id: bool) -> str:
    store = ground.store
    entered = ground.days_ago(4, 25)
    trandate = moment(entered).date()
    # from this month on: what an earlier month should have recognised would be a drift of its own
    served = max(trandate, moment(ground.now).date().replace(day=1))
    currency = next(iter(who.customers))
    entity = who.legal_entity
    source = store.new_id("stripe", "invoice") if has_id else None
    internal = store.new_id("netsuite", "transaction")
    amount = ground.rng.randrange(12_001, 90_000)
    product = ground.rng.choice(PRODUCTS)
    line = InvoiceLine(
        item_id=product.item_id,
        quantity=1,
        amount_minor=amount,
        tax_minor=rounded(amount * entity.tax_rate / 100),
        tax_code_id=entity.tax_code_id,
        rev_start=served,
        rev_end=served + timedelta(days=27),
        stripe_line_id=None,
    )
    rows = invoice_rows(
        internal_id=internal,
        tranid=f"INV-X{internal}",
        entity_id=who.erp_id or "",
        subsidiary=entity.subsidiary_id,
        currency=CURRENCIES[currency].id,
        exchange_rate=exchange_rate(currency, entity.currency, trandate),
        trandate=trandate,
        duedate=trandate + timedelta(days=30),
        period_id=period_id(trandate),
        externalid=source,
        customform="subscription",
        lines=[line],
        custbody={"custbody_stripe_invoice_id": source} if source else {},
        at=moment(entered),
    )
    ground.add_rows(rows, at)
    return internal


def plant_twice(ground: Ground, count: int) -> None:
    """INV-DUP-01: an invoice was posted again, with the billing id or with the same content."""
    fresh = [p for p in posted_invoices(ground) if _is_recent(ground, p)]
    pools = {"same_billing_id": fresh, "same_content": fresh}
    for variant, chosen in ground.choose(count, pools, _subject):
        internal = _copy(ground, chosen, ground.tick(), has_id=variant == "same_billing_id")
        ground.freeze(chosen.who, chosen.subject)
        ground.claim(chosen.who, f"transaction:{internal}")
        ground.planted(("netsuite", internal), variant=variant)


def _is_recent(ground: Ground, posted: Posted) -> bool:
    return bool(posted.invoice["status_transitions"]["finalized_at"] > ground.now - 45 * DAY)


def _copy(ground: Ground, posted: Posted, at: int, *, has_id: bool) -> str:
    """A second, unpaid copy, made two days after the first."""
    store = ground.store
    original = posted.transaction
    internal = store.new_id("netsuite", "transaction")
    made = epoch_of(original["createddate"]) + 2 * DAY
    created = netsuite_time(moment(min(made, ground.now - 9 * HOUR)))
    on = _near(date.fromisoformat(original["trandate"]), has_id=has_id)
    header = original | {
        "id": internal,
        "tranid": f"{original['tranid']}-1",
        "status": "A",
        "trandate": on.isoformat(),
        "postingperiod": period_id(on),
        "foreignamountunpaid": original["foreigntotal"],
        "externalid": None,
        "createddate": created,
        "custbody_status_changed_at": created,
    }
    if not has_id:
        header |= {"custbody_stripe_invoice_id": None, "custbody_q2c_correlation_id": None}
    rows = {
        "transactionline": lines_of(ground, posted.internal),
        "transactionaccountingline": store.rows(
            "netsuite", "transactionaccountingline", transaction=posted.internal
        ),
    }
    ground.add("netsuite", "transaction", header, at)
    for table, records in rows.items():
        for record in records:
            copied = record | {"transaction": internal}
            if not has_id and "custcol_stripe_line_id" in record:
                copied["custcol_stripe_line_id"] = None
            ground.add("netsuite", table, copied, at)
    return internal


def epoch_of(stamp: str) -> int:
    """NetSuite's UTC text as unix seconds."""
    return epoch(datetime.strptime(stamp, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC))


def _near(day: date, *, has_id: bool) -> date:
    """A copy without the id is dated a day later, within the month."""
    return day if has_id or day == month_end(day) else day + timedelta(days=1)


def plant_other_total(ground: Ground, count: int) -> None:
    """INV-AMT-01: a clerk changed the ERP invoice by more than cents."""
    posted = [p for p in posted_invoices(ground) if p.invoice["total"] >= LEAST_TOTAL]
    unpaid = [p for p in posted if p.is_open]
    pools = {
        "line_raised": unpaid,
        "short_and_paid": [p for p in posted if is_paid_once(ground, p)],
        "line_missing": [p for p in unpaid if len(p.invoice["lines"]["data"]) > 1],
    }
    for variant, chosen in ground.choose(count, pools, _subject):
        _AMOUNTS[variant](ground, chosen, ground.tick())
        ground.freeze(chosen.who, chosen.subject)
        ground.planted(
            ("stripe", chosen.id),
            ("netsuite", chosen.internal),
            attribute="total",
            variant=variant,
        )


def is_paid_once(ground: Ground, posted: Posted) -> bool:
    """Whether one payment settles it."""
    return posted.is_paid and len(applications(ground, posted.internal)) == 1


def _raise_line(ground: Ground, posted: Posted, at: int) -> None:
    _move_largest_line(ground, posted, at, Decimal("1.07"))
    _leave_open(ground, posted, retotal(ground, posted.internal, at), at)


def _move_largest_line(ground: Ground, posted: Posted, at: int, factor: Decimal) -> None:
    transaction = posted.transaction
    currency = transaction["currency"]
    line = max(
        item_lines(lines_of(ground, posted.internal)),
        key=lambda line: abs(minor_of(line["foreignamount"], currency)),
    )
    minor = -minor_of(line["foreignamount"], currency)
    set_line(ground, transaction, line, rounded(minor * factor), at)


def _leave_open(ground: Ground, posted: Posted, total: int, at: int) -> None:
    text = text_of(total, posted.transaction["currency"])
    ground.change("netsuite", "transaction", posted.internal, at, foreignamountunpaid=text)


def shorten(ground: Ground, posted: Posted, at: int) -> None:
    """The ERP invoice is lower; a part of the payment is left unapplied."""
    _move_largest_line(ground, posted, at, Decimal("0.93"))
    total = retotal(ground, posted.internal, at)
    (link,) = applications(ground, posted.internal)
    text = text_of(total, posted.transaction["currency"])
    ground.add("netsuite", "previoustransactionlinelink", link | {"foreignamount": text}, at)
    ground.change("netsuite", "transaction", link["nextdoc"], at)


def _drop_line(ground: Ground, posted: Posted, at: int) -> None:
    last = list(item_lines(lines_of(ground, posted.internal)))[-1]
    remove_line(ground, posted.internal, last)
    _leave_open(ground, posted, retotal(ground, posted.internal, at), at)


_AMOUNTS = {
    "line_raised": _raise_line,
    "short_and_paid": shorten,
    "line_missing": _drop_line,
}
