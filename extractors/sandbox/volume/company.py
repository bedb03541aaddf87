"""Writes a whole company."""

from datetime import UTC, date, datetime
from random import Random

from extractors.sandbox.store import Store
from extractors.sandbox.volume.books import post
from extractors.sandbox.volume.catalogue import set_up
from extractors.sandbox.volume.customers import MONTH, MONTHS, sized
from extractors.sandbox.volume.invoices import invoiced
from extractors.sandbox.volume.money import bill
from extractors.sandbox.volume.sales import sell
from extractors.sandbox.volume.writer import Writer
from extractors.sandbox.world.moments import DAY, moment

END = date(2026, 6, 30)


def fill(
    store: Store, records: int, seed: int = 1, *, end: date = END, months: int = MONTHS
) -> dict[str, int]:
    """Write a company of about `records` records; returns how many of each 'system.object'.

    The same arguments give the same records. The clock is set to 02:00 UTC of the day after `end`.
    The store must be empty.
    """
    if store.query("SELECT 1 FROM netsuite_customer LIMIT 1"):
        raise ValueError(f"{store.path} holds a company already")
    until = int(datetime(end.year, end.month, end.day, 2, tzinfo=UTC).timestamp()) + DAY
    since = until - int(months * MONTH)
    with store.transaction():
        store.set_clock(moment(until))
        into = Writer(store, until)
        set_up(into, since, end)
        customers = sized(records - sum(into.counts.values()), seed, since, until)
        sell(into, customers, Random(f"{seed}:crm"), until)
        invoices = invoiced(customers)
        bill(into, invoices, until)
        post(into, invoices, Random(f"{seed}:erp"))
        into.close()
    return dict(sorted(into.counts.items()))
