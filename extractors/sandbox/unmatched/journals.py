"""Journals by hand for documents that no connector posted."""

from random import Random

from extractors.sandbox.unmatched.grid import Labelled, customers, days_later, months, record

# What the bookkeeper wrote down.
_SAID = {"source": 0.4, "number": 0.3, "thread": 0.15, "customer": 0.1, "nothing": 0.05}
_WITHOUT_DOCUMENT, _WITHOUT_JOURNAL = 0.03, 0.1


def journals_to_documents(seed: int, size: int) -> Labelled:
    """About `size` documents without posting (right) and journals without document (left)."""
    rng = Random(f"journals|{seed}")
    made = Labelled()
    for customer in customers(rng, max(size // 12, 1)):
        for on in months(rng):
            number = len(made.right)
            document = record(
                f"invoice:in_{number:06d}",
                customer.currency,
                customer.amount_minor,
                on,
                party=customer.id,
                reference_keys=[f"in_{number:06d}"],
                document_numbers=[f"INV-{number:06d}"],
                group_keys=[f"q2c_{customer.id}"],
            )
            made.right.append(document)
            if rng.random() < _WITHOUT_JOURNAL:
                continue
            said = rng.choices([*_SAID], [*_SAID.values()])[0]
            journal = record(
                f"j{len(made.left):06d}",
                customer.currency,
                customer.amount_minor,
                days_later(rng, on, 0, 5),
                party=customer.id if said in {"customer", "thread"} else None,
                reference_keys=document["reference_keys"] if said == "source" else [],
                document_numbers=document["document_numbers"] if said == "number" else ["ACCRUAL"],
                group_keys=document["group_keys"] if said == "thread" else [],
            )
            made.left.append(journal)
            made.truth.add((journal["item_id"], document["item_id"]))
            if rng.random() < _WITHOUT_DOCUMENT:
                made.left.append({**journal, "item_id": f"x{number:06d}", "reference_keys": [],
                                  "document_numbers": ["CORRECTION"]})  # fmt: skip
    return made
