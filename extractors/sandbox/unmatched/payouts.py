"""Payouts of a payment provider, and what bank or ledger show of them days later."""

from datetime import date, timedelta
from random import Random

from extractors.sandbox.unmatched.grid import (
    FIRST_DAY,
    Labelled,
    Row,
    customers,
    days_later,
    record,
)

_CURRENCIES = ("USD", "EUR", "GBP")
_NAMED, _TOGETHER, _LOST, _FOREIGN = 0.6, 0.04, 0.03, 0.05
_FEE_PERCENT = 3


def payouts_to_deposits(seed: int, size: int) -> Labelled:
    """About `size` payouts (left) and deposits (right); some deposits are of other money."""
    return _payouts(Random(f"deposits|{seed}"), size, "d")


def payouts_to_bank(seed: int, size: int) -> Labelled:
    """About `size` payouts (left) and lines of a bank statement (right)."""
    return _payouts(Random(f"bank|{seed}"), size, "b")


def _payouts(rng: Random, size: int, letter: str) -> Labelled:
    made = Labelled()
    prices = [customer.amount_minor for customer in customers(rng, 200)]
    for number in range(size):
        currency = _CURRENCIES[number % len(_CURRENCIES)]
        on = FIRST_DAY + timedelta(days=number // len(_CURRENCIES))
        charges = sum(rng.choices(prices, k=rng.randint(1, 12)))
        net = charges - charges * _FEE_PERCENT // 100
        made.left.append(_of_day(f"po_{number:06d}", currency, net, on))
    together: dict[str, list[Row]] = {}
    for payout in made.left:
        chance = rng.random()
        waiting = together.setdefault(payout["currency"], [])
        waiting.append(payout)
        if chance < _LOST:
            waiting.remove(payout)
        elif chance >= _LOST + _TOGETHER:
            _bank(rng, made, waiting, letter)
            together[payout["currency"]] = []
    for number in range(int(size * _FOREIGN)):
        on = FIRST_DAY + timedelta(days=rng.randrange(size // len(_CURRENCIES) + 1))
        amount = rng.choice(prices)
        made.right.append(_of_day(f"x{number:06d}", rng.choice(_CURRENCIES), amount, on))
    return made


def _bank(rng: Random, made: Labelled, payouts: list[Row], letter: str) -> None:
    last = payouts[-1]
    names = [payout["item_id"] for payout in payouts] if rng.random() < _NAMED else []
    line = _of_day(
        f"{letter}{len(made.right):06d}",
        last["currency"],
        sum(payout["amount_minor"] for payout in payouts),
        days_later(rng, last["item_date"], 0, 3),
        names=names,
    )
    made.right.append(line)
    made.truth |= {(payout["item_id"], line["item_id"]) for payout in payouts}


def _of_day(
    item_id: str, currency: str, amount: int, on: date, names: list[str] | None = None
) -> Row:
    named = [item_id] if names is None and item_id.startswith("po_") else names or []
    return record(
        item_id,
        currency,
        amount,
        on,
        party="stripe",
        reference_keys=named,
        group_keys=[on.isoformat()],
    )
