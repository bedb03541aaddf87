"""ERP documents as planters see and change them; every change keeps the ledger balanced."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from extractors.sandbox.amounts import decimal_text, netsuite_time
from extractors.sandbox.drift.ground import SETTLED_DAYS, Ground, minor_of, text_of
from extractors.sandbox.ledger import base_minor
from extractors.sandbox.reference import CURRENCIES, ENTITY_BY_SUBSIDIARY, month_end, period_id
from extractors.sandbox.schema import NETSUITE_DATETIME
from extractors.sandbox.tables import Record
from extractors.sandbox.world.moments import DAY, HOUR, moment
from extractors.sandbox.world.state import Company


@dataclass(frozen=True)
class Posted:
    """A billing invoice with its one living ERP copy."""

    who: Company
    invoice: Record
    transaction: Record

    @property
    def id(self) -> str:
        return str(self.invoice["id"])

    @property
    def internal(self) -> str:
        return str(self.transaction["id"])

    @property
    def is_open(self) -> bool:
        """Nothing of it is paid yet, on either side."""
        return self.invoice["status"] == "open" and self.invoice["amount_paid"] == 0

    @property
    def is_paid(self) -> bool:
        return self.invoice["status"] == "paid" and self.transaction["status"] == "B"

    @property
    def subject(self) -> str:
        return f"invoice:{self.id}"


def posted_invoices(ground: Ground, *, in_closed_too: bool = False) -> list[Posted]:
    """Invoices that stand in both systems since days, in an open period, with nothing under way."""
    copies: dict[str, list[Record]] = {}
    for transaction in ground.store.rows("netsuite", "transaction", type="CustInvc"):
        source = transaction["custbody_stripe_invoice_id"]
        if source:
            copies.setdefault(source, []).append(transaction)
    is_open = {
        period["id"]: period["closed"] == "F"
        for period in ground.store.rows("netsuite", "accountingperiod")
    }
    found = []
    for invoice in ground.store.rows("stripe", "invoice"):
        known = copies.get(invoice["id"], [])
        if len(known) == 1 and (in_closed_too or is_open[known[0]["postingperiod"]]):
            posted = Posted(ground.company_by_customer[invoice["customer"]], invoice, known[0])
            if _may_plant(ground, posted):
                found.append(posted)
    return found


def _may_plant(ground: Ground, posted: Posted) -> bool:
    reached = posted.invoice["status_transitions"]
    limit = ground.now - (SETTLED_DAYS + 1) * DAY
    return (
        (posted.is_open or posted.is_paid)
        and not _is_credited(posted.invoice)
        and posted.invoice["total"] > 0
        and posted.id not in ground.busy
        and all(at is None or at < limit for at in reached.values())
        and ground.is_settled(posted.transaction["lastmodifieddate"])
        and ground.is_free(posted.subject)
        and ground.is_free_company(posted.who)
    )


def other_month(ground: Ground, transaction: Record) -> date | None:
    """The first of its next month where that is open and has begun, else the end of its last."""
    day = date.fromisoformat(transaction["trandate"])
    for other in (month_end(day) + timedelta(days=1), day.replace(day=1) - timedelta(days=1)):
        period = ground.store.get("netsuite", "accountingperiod", period_id(other))
        if period and period["closed"] == "F" and other <= moment(ground.now).date():
            return other
    return None


def _is_credited(invoice: Record) -> bool:
    """Whether a credit note, or a customer's balance, settled some of it."""
    noted = ("pre_payment_credit_notes_amount", "post_payment_credit_notes_amount")
    return any(invoice.get(name) for name in (*noted, "starting_balance"))


def applications(ground: Ground, internal: str) -> list[Record]:
    """Links from an ERP invoice to its payments."""
    return ground.store.rows("netsuite", "previoustransactionlinelink", previousdoc=internal)


def unlink(ground: Ground, link: Record) -> None:
    """Take an application away; its payment stays, unapplied."""
    names = ("previousdoc", "previousline", "nextdoc", "nextline", "linktype")
    key = tuple(link[name] for name in names)
    ground.store.delete("netsuite", "previoustransactionlinelink", key)


def lines_of(ground: Ground, internal: str) -> list[Record]:
    return ground.store.rows("netsuite", "transactionline", transaction=internal)


def postings_of(ground: Ground, internal: str) -> list[Record]:
    return ground.store.rows("netsuite", "transactionaccountingline", transaction=internal)


def item_lines(lines: list[Record]) -> Iterator[Record]:
    return (line for line in lines if line["item"])


def remove_line(ground: Ground, internal: str, line: Record) -> None:
    """Delete a line with its ledger line."""
    ground.store.delete("netsuite", "transactionaccountingline", (internal, line["id"], "1"))
    ground.store.delete("netsuite", "transactionline", (internal, line["id"]))


def set_line(ground: Ground, transaction: Record, line: Record, minor: int, at: int) -> None:
    """Give a line (and its ledger line) another amount, credit positive, minor units."""
    base = base_minor(
        minor, transaction["currency"], line["subsidiary"], Decimal(transaction["exchangerate"])
    )
    changed = line | {
        "foreignamount": text_of(-minor, transaction["currency"]),
        "netamount": base_text(-base, line["subsidiary"]),
    }
    ground.add("netsuite", "transactionline", changed, at)
    key = (transaction["id"], line["id"], "1")
    posting = ground.store.get("netsuite", "transactionaccountingline", key)
    assert posting is not None
    set_posting(ground, posting, -base, line["subsidiary"], at)


def set_posting(ground: Ground, posting: Record, base: int, subsidiary: str, at: int) -> None:
    """Give a ledger line another amount, debit positive, minor units of the base currency."""
    text = base_text(abs(base), subsidiary)
    changed = posting | {
        "amount": base_text(base, subsidiary),
        "debit": text if base > 0 else None,
        "credit": text if base < 0 else None,
    }
    ground.add("netsuite", "transactionaccountingline", changed, at)


def base_text(minor: int, subsidiary: str) -> str:
    return decimal_text(minor, base_precision(subsidiary))


def base_precision(subsidiary: str) -> int:
    return CURRENCIES[ENTITY_BY_SUBSIDIARY[subsidiary].currency].precision


def retotal(ground: Ground, internal: str, at: int) -> int:
    """Make the receivable what the other lines add up to; returns the new total, minor units."""
    transaction = ground.store.get("netsuite", "transaction", internal)
    assert transaction is not None
    main, *others = lines_of(ground, internal)
    total = -sum(minor_of(line["foreignamount"], transaction["currency"]) for line in others)
    receivable, *rest = postings_of(ground, internal)
    precision = base_precision(main["subsidiary"])
    base = -sum(int(Decimal(posting["amount"]).scaleb(precision)) for posting in rest)
    text = text_of(total, transaction["currency"])
    changed = main | {"foreignamount": text, "netamount": base_text(base, main["subsidiary"])}
    ground.add("netsuite", "transactionline", changed, at)
    set_posting(ground, receivable, base, main["subsidiary"], at)
    ground.change("netsuite", "transaction", internal, at, foreigntotal=text)
    return total


def copy_document(ground: Ground, original: Record, at: int, **header: Any) -> str:
    """Enter a document again, two days later, with all its lines; it settles nothing."""
    store = ground.store
    internal = store.new_id("netsuite", "transaction")
    first = datetime.strptime(original["createddate"], NETSUITE_DATETIME).replace(tzinfo=UTC)
    created = netsuite_time(min(first + timedelta(days=2), moment(ground.now - 9 * HOUR)))
    again = {"id": internal, "tranid": f"{original['tranid']}-1", "externalid": None}
    stamps = {"createddate": created, "custbody_status_changed_at": created}
    ground.add("netsuite", "transaction", original | again | stamps | header, at)
    for table in ("transactionline", "transactionaccountingline"):
        for record in store.rows("netsuite", table, transaction=original["id"]):
            ground.add("netsuite", table, record | {"transaction": internal}, at)
    return internal


def leave_open(ground: Ground, posted: Posted, minor: int, at: int) -> None:
    """A part of the ERP invoice stays unpaid, since the payment came."""
    currency = posted.transaction["currency"]
    (link,) = applications(ground, posted.internal)
    applied = text_of(minor_of(link["foreignamount"], currency) - minor, currency)
    ground.add("netsuite", "previoustransactionlinelink", link | {"foreignamount": applied}, at)
    ground.change(
        "netsuite",
        "transaction",
        posted.internal,
        at,
        status="A",
        foreignamountunpaid=text_of(minor, currency),
    )


def delete_invoice(ground: Ground, internal: str) -> None:
    """Remove an ERP invoice with its plans; payments that it was settled by stay unapplied."""
    for link in applications(ground, internal):
        unlink(ground, link)
    plans = ground.store.rows("netsuite", "revenueplan", sourcetransaction=internal)
    for plan in plans:
        ground.store.delete("netsuite", "revenueplan", plan["id"])
    ground.store.delete("netsuite", "transaction", internal)
