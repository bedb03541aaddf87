"""What the company's bank booked: payouts, wires, refunds of wires, and what any company pays.

It follows from the records of the three systems and from the faults that were planted at the bank,
so that the bank agrees with them by construction. One account per currency; the bank is closed on
Saturdays and Sundays and books what comes then on Monday.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from hashlib import sha256
from random import Random
from types import MappingProxyType
from typing import Any

from extractors.sandbox.reference import CURRENCY_BY_ID
from extractors.sandbox.store import Store
from extractors.sandbox.tables import Record
from extractors.sandbox.world.erp_amounts import minor_of
from extractors.sandbox.world.moments import day_of, moment

ACCOUNTS: Mapping[str, str] = MappingProxyType(
    {
        "USD": "0210000214417",
        "GBP": "GB29NWBK60161331926819",
        "EUR": "DE89370400440532013000",
        "JPY": "00010042123456",
    }
)
FAULTS = "bank_faults"
"""Key of the store's meta: payout -> what the bank does otherwise (see `_faulty`)."""
PROCESSOR = "STRIPE PAYMENTS"
_SATURDAY = 5
_LATER, _CHARGED, _TOGETHER = 0.15, 0.05, 0.5
"""Shares of payouts booked a day late, less a fee of the bank (in EUR), and of those that come
together with another one of the same day."""
FEE_MINOR = 150


@dataclass(frozen=True)
class Entry:
    """A line of an account: minor units, + came in. `payouts` are those that it pays."""

    key: str
    currency: str
    booked: date
    valued: date
    minor: int
    counterparty: str
    text: str
    reference: str = ""
    payouts: tuple[str, ...] = ()

    @property
    def statement(self) -> str:
        """Number of the statement that holds it: one a day."""
        return self.booked.isoformat()

    @property
    def line_id(self) -> str:
        """How whoever reads the statement names the line."""
        return f"{ACCOUNTS[self.currency]}|{self.statement}|{self.key}"


def banking_day(day: date, later: int = 0) -> date:
    """The day itself or the next one on which the bank is open, and so many of those later."""
    while day.weekday() >= _SATURDAY:
        day += timedelta(days=1)
    return banking_day(day + timedelta(days=1), later - 1) if later else day


def entries(store: Store) -> list[Entry]:
    """Every line of every account, in the order of booking."""
    faults: Mapping[str, Mapping[str, Any]] = store.meta(FAULTS, {})
    made: list[Entry] = []
    for credit in credits_of(store):
        fault = next((faults[key] for key in credit.payouts if key in faults), None)
        made.extend([credit] if fault is None else _faulty(credit, fault))
    made += [*_wires(store), *_refunds(store)]
    if made:
        first, last = min(e.booked for e in made), max(e.booked for e in made)
        made += _household(first, last)
    return sorted(made, key=lambda entry: (entry.currency, entry.booked, entry.key))


def credits_of(store: Store) -> list[Entry]:
    """What the processor pays in as it should: some payouts together, some less a fee."""
    by_day: dict[tuple[str, date], list[Entry]] = defaultdict(list)
    for payout in store.rows("stripe", "payout", status="paid"):
        credit = _credit(payout)
        by_day[credit.currency, credit.booked].append(credit)
    return [credit for day in by_day.values() for credit in _together(day)]


def _credit(payout: Record) -> Entry:
    rng = _rng("credit", payout["id"])
    arrives = moment(payout["arrival_date"]).date()
    currency = payout["currency"].upper()
    trace = (payout["trace_id"] or {}).get("value") or ""
    fee = FEE_MINOR if rng.random() < _CHARGED and currency == "EUR" and trace else 0
    return Entry(
        key=f"P{_short(payout['id'])}",
        currency=currency,
        booked=banking_day(arrives, 1 if rng.random() < _LATER else 0),
        valued=arrives,
        minor=payout["amount"] - fee,
        counterparty=PROCESSOR,
        text=f"PAYOUT {trace}".strip(),
        reference=trace,
        payouts=(payout["id"],),
    )


def _together(credits_: list[Entry]) -> Iterator[Entry]:
    """Two payouts of a day are often one line that names both."""
    if len(credits_) == 2 and all(one.reference for one in credits_):  # noqa: PLR2004
        one, other = credits_
        if _rng("together", one.payouts[0]).random() < _TOGETHER:
            yield replace(
                one,
                minor=one.minor + other.minor,
                text=f"PAYOUTS {one.reference} {other.reference}",
                reference="",
                payouts=one.payouts + other.payouts,
            )
            return
    yield from credits_


def _faulty(credit: Entry, fault: Mapping[str, Any]) -> Iterator[Entry]:
    """Not booked, booked with `minor` more, sent back days later, or followed by another one."""
    kind = fault["kind"]
    if kind == "not_booked":
        return
    yield replace(credit, minor=credit.minor + fault.get("minor", 0))
    if kind == "returned":
        yield returned(credit)
    if kind == "unexpected":
        yield unexpected(credit, fault["extra"])


def returned(credit: Entry) -> Entry:
    day = banking_day(credit.booked, 2)
    text = f"RETURNED {credit.reference}"
    return replace(
        credit, key=f"R{credit.key[1:]}", booked=day, valued=day, minor=-credit.minor, text=text
    )


def unexpected(credit: Entry, minor: int) -> Entry:
    """Money of the processor that no payout stands for."""
    trace = f"TR{_short('unexpected ' + credit.key).upper()}"
    return replace(
        credit,
        key=f"U{credit.key[1:]}",
        minor=minor,
        text=f"PAYOUT {trace}",
        reference=trace,
        payouts=(),
    )


def _wires(store: Store) -> Iterator[Entry]:
    for payment in store.rows("stripe", "invoice_payment", status="paid"):
        if payment["payment"]["type"] == "payment_record":
            day = banking_day(day_of(payment["status_transitions"]["paid_at"]))
            currency, minor = payment["currency"].upper(), payment["amount_paid"]
            payer = f"CUSTOMER {_short(payment['invoice'])}"
            yield _entry("W", payment["id"], currency, day, minor, payer, "INVOICE PAYMENT")


def _refunds(store: Store) -> Iterator[Entry]:
    for refund in store.rows("netsuite", "transaction", type="CustRfnd"):
        if refund.get("custbody_stripe_refund_id") is None:
            currency = CURRENCY_BY_ID[refund["currency"]].code
            minor = -abs(minor_of(refund["foreigntotal"], refund["currency"]))
            day = banking_day(date.fromisoformat(refund["trandate"]))
            yield _entry("F", refund["id"], currency, day, minor, "CUSTOMER", "REFUND")


def _household(first: date, last: date) -> Iterator[Entry]:
    """Salaries, rent and the bank's own fees, each month and account."""
    month = date(first.year, first.month, 1)
    while month <= last:
        for currency in ACCOUNTS:
            rng = _rng("household", currency, month)
            for day, low, high, payee, text in (
                (1, 9_000, 9_001, "CITY ESTATES", "OFFICE RENT"),
                (25, 120_000, 180_000, "PAYROLL", "SALARIES"),
                (27, 20, 90, "THE BANK", "ACCOUNT FEES"),
            ):
                booked = banking_day(month.replace(day=day))
                minor = -100 * rng.randrange(low, high)
                yield _entry(
                    "H", f"{text} {currency} {month}", currency, booked, minor, payee, text
                )
        month = (month + timedelta(days=31)).replace(day=1)


def _entry(  # noqa: PLR0917
    kind: str, source: str, currency: str, day: date, minor: int, party: str, text: str
) -> Entry:
    return Entry(f"{kind}{_short(source)}", currency, day, day, minor, party, text)


def _short(source: str) -> str:
    return sha256(source.encode()).hexdigest()[:10]


def _rng(*about: object) -> Random:
    return Random("|".join(map(str, ("bank", *about))))
