"""PAY-APPL: money that came and pays no invoice in the ERP, a part of one, or another one."""

from decimal import Decimal

from extractors.sandbox.drift.documents import Posted, applications, leave_open, posted_invoices
from extractors.sandbox.drift.ground import Ground, minor_of, text_of
from extractors.sandbox.drift.settlement import has_one_payment, payment_of, unapply, wrong_status
from extractors.sandbox.schema import System
from extractors.sandbox.tables import Record

Case = tuple[Posted, Record, Posted | None]
"""A paid invoice, the one ERP payment that settles it, and an open invoice for as much or more."""


def plant_unapplied(ground: Ground, count: int) -> None:
    """PAY-APPL-01: the ERP applied nothing of a payment, a part, or all of it to another invoice.

    Invoices are left open, or paid, of which billing says otherwise (INV-STAT-01). Wires are in the
    currency of the books: each takes all invoices like its own, and few are left in another one.
    """
    posted = posted_invoices(ground)
    used: set[str] = set()
    cases = [case for each in posted if (case := _case(ground, each, posted, used)) is not None]
    charged = [case for case in cases if case[1]["custbody_stripe_charge_id"]]
    pools = {
        "charge_unapplied": charged,
        "wire_unapplied": [
            case
            for case in cases
            if not case[1]["custbody_stripe_charge_id"]
            and Decimal(case[1]["exchangerate"]) == 1
            and ground.is_free(*_like(ground, case[0]))
        ],
        "part_applied": charged,
        "other_invoice": [case for case in charged if case[2] is not None],
    }
    for variant, case in ground.choose(count, pools, lambda case: case[0].id):
        _plant(ground, case, variant)


def _case(ground: Ground, paid: Posted, posted: list[Posted], used: set[str]) -> Case | None:
    """The invoice with its payment, and an open invoice that no other case has."""
    if not has_one_payment(ground, paid):
        return None
    payment = payment_of(ground, paid)
    takes = (other for other in posted if other.id not in used and _takes(other, paid))
    other = next(takes, None) if payment["custbody_stripe_charge_id"] else None
    if other is not None:
        used.add(other.id)
    return paid, payment, other


def _takes(other: Posted, paid: Posted) -> bool:
    """Whether an open invoice of the same customer could take all that paid another one."""
    currency = paid.transaction["currency"]
    if not other.is_open or other.who is not paid.who or other.transaction["currency"] != currency:
        return False
    totals = (minor_of(each.transaction["foreigntotal"], currency) for each in (paid, other))
    return next(totals) <= next(totals)


def _plant(ground: Ground, case: Case, variant: str) -> None:
    posted, payment, other = case
    at = ground.tick()
    charge, currency = payment["custbody_stripe_charge_id"], payment["currency"]
    ground.freeze(posted.who, posted.subject, f"transaction:{payment['id']}")
    if charge:
        ground.freeze(posted.who, f"charge:{charge}")
    else:
        # once another invoice for as much is missing, the wire may wait for that one
        ground.claim(posted.who, *_like(ground, posted))
    (link,) = applications(ground, posted.internal)
    if variant == "part_applied":
        leave_open(ground, posted, minor_of(link["foreignamount"], currency) * 2 // 5, at)
    else:
        unapply(ground, posted, at)
    if variant == "other_invoice":
        assert other is not None
        _apply(ground, link, other, at)
        ground.freeze(other.who, other.subject)
        ground.tell(wrong_status(other, variant, caused_by=charge))
    entered: tuple[System, str] = ("netsuite", payment["id"])
    owner: tuple[System, str] = ("stripe", charge) if charge else entered
    replica = entered if charge else None
    ground.planted(owner, replica, attribute="application", variant=variant)
    ground.tell(wrong_status(posted, variant, caused_by=owner[1]))


def _like(ground: Ground, posted: Posted) -> list[str]:
    """The invoices of the same customer for the same money."""
    invoices = ground.store.rows("stripe", "invoice", customer=posted.invoice["customer"])
    total = posted.invoice["total"]
    return [f"invoice:{invoice['id']}" for invoice in invoices if invoice["total"] == total]


def _apply(ground: Ground, link: Record, other: Posted, at: int) -> None:
    """The payment pays another invoice instead."""
    currency = other.transaction["currency"]
    ground.add(
        "netsuite", "previoustransactionlinelink", link | {"previousdoc": other.internal}, at
    )
    total = minor_of(other.transaction["foreigntotal"], currency)
    left = total - minor_of(link["foreignamount"], currency)
    ground.change(
        "netsuite",
        "transaction",
        other.internal,
        at,
        status="A" if left else "B",
        foreignamountunpaid=text_of(left, currency),
    )
