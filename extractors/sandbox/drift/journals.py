"""JE-BAL-01: ledger entries whose debits and credits differ."""

from decimal import Decimal

from extractors.sandbox.drift.documents import (
    base_precision,
    lines_of,
    posted_invoices,
    postings_of,
    set_posting,
)
from extractors.sandbox.drift.ground import Ground
from extractors.sandbox.tables import Record
from extractors.sandbox.world.state import Company

Entry = tuple[Record, Company | None]


def plant_unbalanced(ground: Ground, count: int) -> None:
    """One ledger line of a journal or of an invoice carries another amount than it should."""
    journals: list[Entry] = [
        (journal, None)
        for journal in ground.store.rows("netsuite", "transaction", type="Journal")
        if ground.is_free(f"transaction:{journal['id']}")
    ]
    posted = posted_invoices(ground)
    documents: list[Entry] = [(p.transaction, p.who) for p in posted]
    pools = {"journal": journals, "invoice": documents}
    for variant, (entry, who) in ground.choose(count, pools, lambda entry: str(entry[0]["id"])):
        _unbalance(ground, entry["id"])
        ground.freeze(who, f"transaction:{entry['id']}")
        if who is not None:
            ground.freeze(who, f"invoice:{entry['custbody_stripe_invoice_id']}")
        ground.planted(("netsuite", entry["id"]), variant=variant)


def _unbalance(ground: Ground, internal: str) -> None:
    at = ground.tick()
    subsidiary = lines_of(ground, internal)[0]["subsidiary"]
    posting = next(
        posting
        for posting in postings_of(ground, internal)
        if posting["accountingbook"] == "1" and posting["posting"] == "T"
    )
    base = int(Decimal(posting["amount"]).scaleb(base_precision(subsidiary)))
    set_posting(ground, posting, base + ground.rng.randrange(150, 9_000), subsidiary, at)
    ground.change("netsuite", "transaction", internal, at)
