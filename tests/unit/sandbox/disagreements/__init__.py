"""A second opinion: all disagreements of the three systems, by plain comparison over the store.

Written from the definitions of the drift codes, sharing nothing with the product or the planters.
"""

from tests.unit.sandbox.books import Books, Clusters
from tests.unit.sandbox.disagreements.add_ons import add_ons
from tests.unit.sandbox.disagreements.annual_values import annual_values
from tests.unit.sandbox.disagreements.catalogue import item_accounts, list_prices, products
from tests.unit.sandbox.disagreements.changes import changes
from tests.unit.sandbox.disagreements.common import (
    HOURS_BILLING,
    HOURS_SYNC,
    Row,
    billing_state,
)
from tests.unit.sandbox.disagreements.contracts import (
    billed_twice,
    contract_lines,
    contracts,
    papers,
    subscriptions,
    terms,
)
from tests.unit.sandbox.disagreements.controls import controls
from tests.unit.sandbox.disagreements.credits import applications, credit_notes
from tests.unit.sandbox.disagreements.customers import attributes, customers, duplicates, links
from tests.unit.sandbox.disagreements.entities import other_books
from tests.unit.sandbox.disagreements.invoices import erp_state, invoice_state, invoices, schedule
from tests.unit.sandbox.disagreements.ledger import (
    accounts,
    after_close,
    by_hand,
    exchange,
    flapping,
    journals,
    journals_twice,
    periods,
    unposted,
    unrecognised,
)
from tests.unit.sandbox.disagreements.parents import parents
from tests.unit.sandbox.disagreements.parties import parties
from tests.unit.sandbox.disagreements.payments import payments_applied, recorded_payments
from tests.unit.sandbox.disagreements.payouts import bank, clearing, payouts
from tests.unit.sandbox.disagreements.ramps import steps
from tests.unit.sandbox.disagreements.refunds import disputes, refunds
from tests.unit.sandbox.disagreements.renewals import renewals
from tests.unit.sandbox.disagreements.revenue import (
    deferred,
    lone_plans,
    modifications,
    months_lost,
    plans,
    usage,
)
from tests.unit.sandbox.disagreements.standing import out_of_use


def disagreements(store) -> set[Row]:
    books = Books(store)
    clusters = Clusters(books)
    found: set[Row] = set()
    for check in (
        customers, links, duplicates, parents, parties, out_of_use, attributes, contracts, contract_lines, changes, renewals, steps, add_ons, papers, billed_twice, terms, list_prices, products, item_accounts, subscriptions, invoices, schedule, credit_notes, applications,
        recorded_payments, payments_applied, refunds, disputes, payouts, bank, clearing, journals, controls,
        unposted, unrecognised, journals_twice, periods, accounts, by_hand, after_close, flapping, plans, modifications, lone_plans, deferred, exchange, months_lost, usage, other_books, annual_values,
    ):  # fmt: skip
        found |= set(check(books, clusters))
    return found


__all__ = [
    "HOURS_BILLING",
    "HOURS_SYNC",
    "Row",
    "billing_state",
    "disagreements",
    "erp_state",
    "invoice_state",
]
