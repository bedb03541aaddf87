"""CTL-XREF: ERP invoices that are billing's, and no longer say so."""

from collections.abc import Iterable

from extractors.sandbox.drift.documents import Posted, lines_of, posted_invoices
from extractors.sandbox.drift.ground import Ground

_HEADER = {"custbody_stripe_invoice_id": None, "externalid": None}


def plant_lost_key(ground: Ground, count: int) -> None:
    """CTL-XREF-01: an edit or a migration dropped the billing id, then the number, then all ids.

    Of each company and set of service days one invoice at most, so that the days tell which it is.
    """
    pool = list(_one_of_each_term(ground, posted_invoices(ground)))
    pools = dict.fromkeys(("header_only", "renumbered", "renumbered_lines_too"), pool)
    for variant, chosen in ground.choose(count, pools, lambda posted: posted.id):
        _lose(ground, chosen, ground.tick(), variant)
        ground.freeze(chosen.who, chosen.subject, f"transaction:{chosen.internal}")
        ground.planted(
            ("stripe", chosen.id),
            ("netsuite", chosen.internal),
            attribute="invoice_id",
            variant=variant,
        )


def _one_of_each_term(ground: Ground, posted: Iterable[Posted]) -> Iterable[Posted]:
    seen = set()
    for each in posted:
        days = [
            (line["custcol_rev_start"], line["custcol_rev_end"])
            for line in lines_of(ground, each.internal)
            if line["item"]
        ]
        if not all(start and end for start, end in days):
            continue
        term = (each.who.number, min(start for start, _ in days), max(end for _, end in days))
        if term not in seen:
            seen.add(term)
            yield each


def _lose(ground: Ground, posted: Posted, at: int, variant: str) -> None:
    number = {} if variant == "header_only" else {"tranid": f"MIG-{posted.internal}"}
    ground.change("netsuite", "transaction", posted.internal, at, **_HEADER, **number)
    if variant != "renumbered_lines_too":
        return
    for line in lines_of(ground, posted.internal):
        ground.add("netsuite", "transactionline", line | {"custcol_stripe_line_id": None}, at)
