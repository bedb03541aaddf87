"""What moves Stripe's balance: the entries of charges, refunds, disputes and payouts.

Every entry has a currency of its own; nothing is exchanged. Only what is worked out is here: the
simulation and the API keep it, each in its way.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from hashlib import sha256
from typing import Any

from extractors.sandbox.amounts import rounded
from extractors.sandbox.stripe_shapes import Document

DAY = 86_400
FEE_PERCENT = Decimal("2.9")
FEE_FIXED = 30
DISPUTE_FEE = 1_500
BANK = "ba_1NorthwindCloudBank"
_AVAILABLE_DAYS = 2
_EVIDENCE_DAYS = 14
_ARRIVAL_DAYS = 2
_SATURDAY = 5
_EPOCH_WEEKDAY = 3  # 1 January 1970 was a Thursday
_FRIDAY = 4
_KEYLESS_OF = 25
"""Of so many payouts one comes without a trace id."""
DAILY = frozenset({"usd", "gbp"})
"""Currencies that are paid out every working day; others are on Fridays."""


def fee_of(amount: int) -> int:
    return rounded(Decimal(amount) * FEE_PERCENT / 100) + FEE_FIXED


def midnight(at: int, days: int = 0) -> int:
    """The midnight (UTC) that begins the day some days later."""
    return at - at % DAY + days * DAY


def charge_entry(key: str, charge: Mapping[str, Any], at: int) -> Document:
    """What a charge brings in once it succeeded, less the fee; it is available days later."""
    fee = fee_of(charge["amount"])
    detail = {
        "amount": fee,
        "application": None,
        "currency": charge["currency"],
        "description": "Stripe processing fees",
        "type": "stripe_fee",
    }
    entry = _entry(key, "charge", charge, charge["amount"], at)
    return entry | {
        "available_on": midnight(at, _AVAILABLE_DAYS),
        "description": charge.get("description"),
        "fee": fee,
        "fee_details": [detail],
        "net": charge["amount"] - fee,
        "status": "pending",
    }


def refund_of(key: str, entry_key: str, charge: Mapping[str, Any], amount: int) -> Document:
    """What gives back part of a charge or all of it."""
    return {
        "id": key,
        "amount": amount,
        "balance_transaction": entry_key,
        "charge": charge["id"],
        "currency": charge["currency"],
        "customer": charge.get("customer"),
        "destination_details": {"card": {"type": "refund"}, "type": "card"},
        "payment_intent": charge.get("payment_intent"),
    }


def refund_entry(key: str, refund: Mapping[str, Any], at: int) -> Document:
    """What a refund takes back; the fee of the charge is not returned."""
    return _entry(key, "refund", refund, -refund["amount"], at)


def failure_entry(key: str, charge: Mapping[str, Any], at: int) -> Document:
    """What a charge takes back that had succeeded and failed after all; its fee is kept."""
    return _entry(key, "payment_failure_refund", charge, -charge["amount"], at)


def dispute_of(key: str, charge: Mapping[str, Any], amount: int, at: int) -> Document:
    """A dispute that waits for our evidence."""
    return {
        "id": key,
        "amount": amount,
        "charge": charge["id"],
        "created": at,
        "currency": charge["currency"],
        "evidence_details": {
            "due_by": at + _EVIDENCE_DAYS * DAY,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
            "submission_method": "not_submitted",
        },
        "payment_intent": charge.get("payment_intent"),
    }


def shown(entry: Mapping[str, Any]) -> Document:
    """A balance transaction as a dispute shows it."""
    return {name: value for name, value in entry.items() if name != "payout"}


def dispute_entry(key: str, dispute: Mapping[str, Any], at: int) -> Document:
    """What a dispute withdraws at once, with the fee for it."""
    entry = _entry(key, "adjustment", dispute, -dispute["amount"], at)
    detail = {
        "amount": DISPUTE_FEE,
        "application": None,
        "currency": dispute["currency"],
        "description": "Dispute fee",
        "type": "stripe_fee",
    }
    return entry | {
        "description": f"Chargeback withdrawal for {dispute['charge']}",
        "fee": DISPUTE_FEE,
        "fee_details": [detail],
        "net": -dispute["amount"] - DISPUTE_FEE,
        "reporting_category": "dispute",
    }


def reversal_entry(key: str, dispute: Mapping[str, Any], at: int) -> Document:
    """What comes back when a dispute is won; its fee does not."""
    entry = _entry(key, "adjustment", dispute, dispute["amount"], at)
    return entry | {
        "description": f"Chargeback reversal for {dispute['charge']}",
        "reporting_category": "dispute_reversal",
    }


def payout_of(key: str, entry_key: str, swept: Iterable[Mapping[str, Any]], at: int) -> Document:
    """The automatic payout of entries of one currency; it arrives two working days later."""
    entries = list(swept)
    return {
        "id": key,
        "object": "payout",
        "amount": sum(entry["net"] for entry in entries),
        "arrival_date": _working_day(midnight(at, _ARRIVAL_DAYS)),
        "balance_transaction": entry_key,
        "created": at,
        "currency": entries[0]["currency"],
        "destination": BANK,
        "status": "in_transit",
    }


def payout_entry(key: str, payout: Mapping[str, Any], at: int) -> Document:
    entry = _entry(key, "payout", payout, -payout["amount"], at)
    return entry | {"description": "STRIPE PAYOUT", "payout": payout["id"]}


def trace_of(payout: str) -> Document:
    """The trace id of a payout, once it came; some banks pass none on."""
    told = sha256(payout.encode()).hexdigest()[:10].upper()
    is_told = int(told, 16) % _KEYLESS_OF
    return {
        "status": "supported" if is_told else "unsupported",
        "value": f"TR{told}" if is_told else None,
    }


def is_payday(currency: str, at: int) -> bool:
    weekday = _weekday(at)
    return weekday < _SATURDAY if currency in DAILY else weekday == _FRIDAY


def _weekday(at: int) -> int:
    return (at // DAY + _EPOCH_WEEKDAY) % 7


def _working_day(at: int) -> int:
    return at + max(0, 7 - _weekday(at)) * DAY if _weekday(at) >= _SATURDAY else at


def _entry(key: str, kind: str, source: Mapping[str, Any], amount: int, at: int) -> Document:
    return {
        "id": key,
        "object": "balance_transaction",
        "amount": amount,
        "available_on": at,
        "created": at,
        "currency": source["currency"],
        "net": amount,
        "payout": None,
        "reporting_category": kind,
        "source": source["id"],
        "status": "available",
        "type": kind,
    }
