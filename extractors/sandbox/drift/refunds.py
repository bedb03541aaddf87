"""RFD: refunds that one side alone has, that no credit note stands behind, or that went twice."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from extractors.sandbox.drift.documents import copy_document, postings_of
from extractors.sandbox.drift.ground import SETTLED_DAYS, Ground, Truth, minor_of, text_of
from extractors.sandbox.drift.settlement import charged
from extractors.sandbox.ledger import Application
from extractors.sandbox.reference import BANK, CURRENCIES, exchange_rate, period_id
from extractors.sandbox.settlement_ledger import Header, refund_rows
from extractors.sandbox.stripe_balance import refund_entry, refund_of
from extractors.sandbox.tables import Record
from extractors.sandbox.world.moments import local_date, moment
from extractors.sandbox.world.state import Company


@dataclass(frozen=True)
class Charged:
    """A charge of a company for one invoice; what the ERP paid back of it where there is any."""

    who: Company
    charge: Record
    invoice_id: str
    payout: Record | None = None  # the ERP's customer refund

    @property
    def id(self) -> str:
        return str(self.charge["id"])


def _subject(case: Charged) -> str:
    return case.id


def plant_refund_missing(ground: Ground, count: int) -> None:
    """RFD-MISS-01: a refund that one side lacks, or that no credit note stands behind."""
    paid = _paid_once(ground)
    pools = {"not_in_erp": _refunded(ground), "no_credit_note": paid, "unknown_to_provider": paid}
    _plant(ground, count, pools, _MISSING)


def plant_refund_twice(ground: Ground, count: int) -> None:
    """RFD-DUP-01: the ERP entered a refund again, the bank paid it too, or a dispute took it."""
    refunded = _refunded(ground)
    pools = {
        "entered_twice": refunded,
        "paid_by_bank_too": refunded,
        "above_the_payment": _lost(ground),
    }
    _plant(ground, count, pools, _TWICE)


def _plant(
    ground: Ground,
    count: int,
    pools: dict[str, list[Charged]],
    ways: Mapping[str, Callable[[Ground, Charged, int, str], None]],
) -> None:
    for variant, case in ground.choose(count, pools, _subject):
        ground.freeze(case.who, f"invoice:{case.invoice_id}", f"charge:{case.id}")
        ways[variant](ground, case, ground.tick(), variant)


# who can be planted on


def _paid_once(ground: Ground) -> list[Charged]:
    cases = []
    for posted, payment in charged(ground):
        charge = ground.store.get("stripe", "charge", payment["custbody_stripe_charge_id"])
        if charge is not None and not charge["disputed"] and not charge["amount_refunded"]:
            cases.append(Charged(posted.who, charge, posted.id))
    return cases


def _refunded(ground: Ground) -> list[Charged]:
    """Refunds that both sides have since days."""
    cases = []
    for payout in ground.store.rows("netsuite", "transaction", type="CustRfnd"):
        refund = payout["custbody_stripe_refund_id"]
        if refund and ground.is_settled(payout["lastmodifieddate"]):
            case = _case(ground, payout["custbody_stripe_charge_id"], payout)
            if case is not None:
                cases.append(case)
    return cases


def _lost(ground: Ground) -> list[Charged]:
    """Charges that disputes took back for good, days ago."""
    lost = ground.store.rows("stripe", "dispute", status="lost")
    cases = [_case(ground, each["charge"]) for each in lost if each["id"] not in ground.busy]
    return [case for case in cases if case is not None and not case.charge["amount_refunded"]]


def _case(ground: Ground, charge_id: str, payout: Record | None = None) -> Charged | None:
    """The charge, if nothing happens to it and nobody else has it."""
    charge = ground.store.get("stripe", "charge", charge_id)
    if charge is None or charge_id in ground.busy:
        return None
    intent = ground.store.get("stripe", "payment_intent", charge["payment_intent"])
    who = ground.company_by_customer[charge["customer"]]
    if intent is None or intent["invoice"] in ground.busy or not who.erp_id:
        return None
    is_free = ground.is_free(f"invoice:{intent['invoice']}", f"charge:{charge_id}")
    if not is_free or not ground.is_free_company(who):
        return None
    return Charged(who, charge, intent["invoice"], payout)


# ways to lack a refund


def _lose(ground: Ground, case: Charged, at: int, variant: str) -> None:
    """The ERP's refund is gone; the credit memo waits to be paid out again."""
    assert case.payout is not None
    refund = case.payout["custbody_stripe_refund_id"]
    (link,) = _links(ground, case.payout)
    memo = ground.store.get("netsuite", "transaction", link["previousdoc"])
    assert memo is not None
    currency = memo["currency"]
    left = minor_of(memo["foreignamountunpaid"], currency) - minor_of(
        link["foreignamount"], currency
    )
    ground.store.delete("netsuite", "transaction", case.payout["id"])
    waiting = {"status": "A", "foreignamountunpaid": text_of(left, currency)}
    waiting["custbody_status_changed_at"] = memo["createddate"]
    ground.change("netsuite", "transaction", memo["id"], at, **waiting)
    ground.planted(("stripe", refund), variant=variant)


def _links(ground: Ground, payout: Record) -> list[Record]:
    return ground.store.rows("netsuite", "previoustransactionlinelink", nextdoc=payout["id"])


def _uncredited(ground: Ground, case: Charged, _at: int, variant: str) -> None:
    refund = _refund(ground, case)
    ground.planted(("stripe", refund), attribute="credit_note", variant=variant)


def _unknown(ground: Ground, case: Charged, _at: int, variant: str) -> None:
    """The ERP paid a refund that the provider never heard of."""
    when = ground.days_ago(4, 9)
    refund = ground.store.new_id("stripe", "refund")
    internal = _post(ground, case, refund, _part_of(ground, case), when)
    ground.planted(("netsuite", internal), variant=variant)


_MISSING = {"not_in_erp": _lose, "no_credit_note": _uncredited, "unknown_to_provider": _unknown}


# ways to pay back twice


def _enter_again(ground: Ground, case: Charged, at: int, variant: str) -> None:
    assert case.payout is not None
    internal = copy_document(ground, case.payout, at)
    ground.planted(("netsuite", internal), variant=variant)


def _pay_by_bank(ground: Ground, case: Charged, at: int, variant: str) -> None:
    """A clerk sends the money of a credit memo to the customer's bank as well."""
    assert case.payout is not None
    by_hand: dict[str, Any] = {"custbody_stripe_refund_id": None, "memo": "Wire transfer"}
    by_hand["custbody_stripe_charge_id"] = None
    internal = copy_document(ground, case.payout, at, **by_hand)
    for link in _links(ground, case.payout):
        ground.add("netsuite", "previoustransactionlinelink", link | {"nextdoc": internal}, at)
    paid_from = postings_of(ground, internal)[0]
    ground.add("netsuite", "transactionaccountingline", paid_from | {"account": BANK.id}, at)
    ground.planted(("netsuite", internal), variant=variant)


def _refund_lost(ground: Ground, case: Charged, _at: int, variant: str) -> None:
    """A charge that a dispute took back is refunded too, and nobody credits it (RFD-MISS-01)."""
    refund = _refund(ground, case)
    ground.planted(("stripe", refund), variant=variant)
    ground.tell(
        Truth(
            "RFD-MISS-01",
            "credit_note",
            "stripe",
            refund,
            None,
            None,
            variant,
            planted=False,
            caused_by=refund,
        )
    )


_TWICE = {
    "entered_twice": _enter_again,
    "paid_by_bank_too": _pay_by_bank,
    "above_the_payment": _refund_lost,
}


# writing


def _part_of(ground: Ground, case: Charged) -> int:
    return max(1, case.charge["amount"] * ground.rng.randrange(10, 60) // 100)


def _refund(ground: Ground, case: Charged) -> str:
    """Pay back a part of a charge, days ago, on both sides."""
    store, when = ground.store, ground.days_ago(SETTLED_DAYS + 1, 9)
    entry = store.new_id("stripe", "balance_transaction")
    amount = _part_of(ground, case)
    made = refund_of(store.new_id("stripe", "refund"), entry, case.charge, amount)
    refund = store.put("stripe", "refund", made | {"created": when})
    store.put("stripe", "balance_transaction", refund_entry(entry, refund, when))
    store.put("stripe", "charge", {"id": case.id, "amount_refunded": amount})
    _post(ground, case, refund["id"], amount, when)
    return str(refund["id"])


def _post(ground: Ground, case: Charged, refund: str, amount: int, when: int) -> str:
    """The ERP's customer refund; it pays out no credit memo."""
    entity = case.who.legal_entity
    currency = case.charge["currency"].upper()
    trandate = local_date(when, entity.timezone)
    header = Header(
        internal_id=ground.store.new_id("netsuite", "transaction"),
        tranid=f"RFND-{refund[-8:]}",
        entity_id=case.who.erp_id,
        subsidiary=entity.subsidiary_id,
        currency=CURRENCIES[currency].id,
        exchange_rate=exchange_rate(currency, entity.currency, trandate),
        trandate=trandate,
        period_id=period_id(trandate),
        externalid=refund,
        custbody={"custbody_stripe_refund_id": refund, "custbody_stripe_charge_id": case.id},
        at=moment(when),
    )
    rows = refund_rows(header, Application("", amount, header.exchange_rate))
    del rows["previoustransactionlinelink"]
    ground.add_rows(rows, ground.tick())
    return header.internal_id
