"""Invoices whose billing id was lost on the way to the ledger."""

from datetime import timedelta
from random import Random

from extractors.sandbox.unmatched.grid import Labelled, customers, days_later, months, record

# What survived: the number, the line ids, the service days, or nothing but amount and date.
_KEPT = {"number": 0.6, "lines": 0.15, "service": 0.15, "nothing": 0.1}
_NOT_POSTED, _NOT_BILLED, _ROUNDED = 0.05, 0.03, 0.1


def lost_invoice_keys(seed: int, size: int) -> Labelled:
    """About `size` billing invoices (left) and ERP invoices without billing id (right)."""
    rng = Random(f"keys|{seed}")
    made = Labelled()
    for customer in customers(rng, max(size // 12, 1)):
        for on in months(rng):
            number = len(made.left)
            days = f"service {on} {on + timedelta(days=29)}"
            invoice = record(
                f"in_{number:06d}",
                customer.currency,
                customer.amount_minor,
                on,
                party=customer.id,
                reference_keys=[f"il_{number:06d}", days],
                document_numbers=[f"INV-{number:06d}"],
            )
            made.left.append(invoice)
            if rng.random() < _NOT_POSTED:
                continue
            kept = rng.choices([*_KEPT], [*_KEPT.values()])[0]
            keys = {"lines": [f"il_{number:06d}"], "service": [days]}
            copy = record(
                f"t{len(made.right):06d}",
                customer.currency,
                customer.amount_minor - (rng.randint(1, 5) if rng.random() < _ROUNDED else 0),
                days_later(rng, on, 0, 1),
                party=customer.id,
                reference_keys=keys.get(kept, []),
                document_numbers=invoice["document_numbers"] if kept == "number" else ["T1"],
            )
            made.right.append(copy)
            made.truth.add((invoice["item_id"], copy["item_id"]))
            if rng.random() < _NOT_BILLED:
                made.right.append({**copy, "item_id": f"x{number:06d}", "reference_keys": [],
                                   "document_numbers": [f"X{number}"]})  # fmt: skip
    return made
