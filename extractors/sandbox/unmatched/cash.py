"""Payments without application and the invoices that they pay, with the bank's usual accidents."""

from random import Random

from extractors.sandbox.unmatched.grid import (
    Customer,
    Labelled,
    Row,
    customers,
    days_later,
    months,
    record,
)

# Shares of what becomes of an invoice.
_FATES = {
    "charged": 0.38,  # billing knows which invoice the charge settled
    "named": 0.30,  # a wire that gives the invoice number
    "nameless": 0.08,  # a wire that says nothing
    "mistyped": 0.02,  # a wire with a number that nobody has
    "other_number": 0.001,  # a wire with the number of another invoice of the customer
    "instalments": 0.04,  # two wires that give the number
    "together": 0.12,  # one wire for this and the next invoices
    "unpaid": 0.059,
}
_GIVES_NUMBERS = 0.7
"""Share of wires for several invoices that say which."""
_PREPAYMENTS = 0.01


def cash_application(seed: int, size: int) -> Labelled:
    """About `size` open ERP invoices (right) and the payments for them (left)."""
    rng = Random(f"cash|{seed}")
    made = Labelled()
    for customer in customers(rng, max(size // 12, 1)):
        invoices = _invoices(rng, customer, len(made.right))
        made.right += invoices
        waiting: list[Row] = []
        for invoice in invoices:
            waiting.append(invoice)
            fate = rng.choices([*_FATES], [*_FATES.values()])[0]
            if fate == "together":
                continue
            if len(waiting) > 1:
                fate = "named" if rng.random() < _GIVES_NUMBERS else "nameless"
            if fate != "unpaid":
                _pay(rng, made, waiting, fate, invoices)
            waiting = []
        if rng.random() < _PREPAYMENTS * len(invoices):
            _add(rng, made, customer.amount_minor, [], invoices[-1])
    return made


def _invoices(rng: Random, customer: Customer, number: int) -> list[Row]:
    return [
        record(
            f"i{number + month:06d}",
            customer.currency,
            customer.amount_minor,
            on,
            party=customer.id,
            reference_keys=[f"in_{number + month:06d}"],
            document_numbers=[f"INV-{number + month:06d}"],
            group_keys=[f"q2c_{customer.id}"],
        )
        for month, on in enumerate(months(rng))
    ]


def _pay(rng: Random, made: Labelled, paid: list[Row], fate: str, invoices: list[Row]) -> None:
    total = sum(invoice["amount_minor"] for invoice in paid)
    numbers = [number for invoice in paid for number in invoice["document_numbers"]]
    if fate == "instalments":
        first = total * rng.randint(20, 80) // 100
        for part in (first, total - first):
            _add(rng, made, part, paid, paid[-1], document_numbers=numbers)
        return
    said = {
        "charged": {"reference_keys": [key for one in paid for key in one["reference_keys"]]},
        "named": {"document_numbers": ["WIRE", *numbers]},
        "nameless": {},
        "mistyped": {"document_numbers": [numbers[0][:-1] + "X"]},
        "other_number": {"document_numbers": rng.choice(invoices)["document_numbers"]},
    }[fate]
    _add(rng, made, total, paid, paid[-1], **said)


def _add(
    rng: Random,
    made: Labelled,
    amount_minor: int,
    paid: list[Row],
    like: Row,
    **said: list[str],
) -> None:
    payment = record(
        f"p{len(made.left):06d}",
        like["currency"],
        amount_minor,
        days_later(rng, like["item_date"], 0, 45),
        party=like["party"],
        **said,
    )
    made.left.append(payment)
    made.truth |= {(payment["item_id"], invoice["item_id"]) for invoice in paid}
