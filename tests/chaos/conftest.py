"""The sandbox's real servers with something to correct in them, and every effect counted."""

import multiprocessing
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from extractors.sandbox import reference, salesforce_records
from extractors.sandbox.ids import salesforce_id
from extractors.sandbox.servers import connections, create_apps
from extractors.sandbox.store import Store
from reconcilers.corrections.approval import approve
from reconcilers.corrections.outbox import store_plan
from reconcilers.corrections.plan import plan
from reconcilers.corrections.policy import load_policy
from reconcilers.life import NightFact, Sighting, fold
from reconcilers.state import State, open_state
from reconcilers.state.views import list_corrections
from tests.chaos import dying
from tests.drift_samples import DAY, drift, lost_link, missing_invoice, stale_status
from tests.plan_facts import FACTS, context
from tests.wire.sandbox import serving

NOW = datetime(2026, 7, 1, 2, tzinfo=UTC)
LONG_AGO = datetime(2026, 1, 10, 8, tzinfo=UTC)
CHANGED_AT = "2026-01-31T10:00:00.000+0000"
WRITES = ("PATCH", "PUT", "POST")


class Counting:
    """An ASGI app that notes which writes the app inside took: answered well, or not at all."""

    def __init__(self, app, taken):
        self.app = app
        self.taken = taken

    async def __call__(self, scope, receive, send):
        statuses = []

        async def noting(message):
            if message["type"] == "http.response.start":
                statuses.append(message["status"])
            await send(message)

        try:
            await self.app(scope, receive, noting)
        finally:
            is_write = scope["type"] == "http" and scope["method"] in WRITES
            if (
                is_write
                and "/record/" in scope["path"]
                and all(status < 300 for status in statuses)
            ):
                self.taken[scope["path"].rpartition("/")[2]] += 1


def counting(update, taken):
    """A change of a Salesforce record, alone or among others, that is noted when it is made."""

    def noting(store, table, record_id, *args, **how):
        update(store, table, record_id, *args, **how)
        taken[record_id] += 1

    return noting


@dataclass
class Company:
    """The other side of the wire and an outbox with three corrections for each case."""

    store: Store
    settings: dict
    home: Path
    taken: Counter = field(default_factory=Counter)
    cases: int = 0

    def new_case(self):
        """Three records that drift, and a fresh outbox in which their corrections are approved."""
        self.cases += 1
        n = self.cases
        ids = {
            "account": salesforce_id("Account", n),
            "record": salesforce_id("Subscription__c", n),
            "invoice": f"in_{n}",
            "customer": f"cus_{n}",
            "subscription": f"sub_{n}",
        }
        _drift_in(self.store, ids)
        url = f"sqlite:///{self.home}/state-{n}.db"
        state = open_state(url)
        _approve_all(state, ids, n)
        return Case(self, state, url, ids)

    def fault(self, system, times=1, **what):
        faults = self.store.meta("request_faults", []) or []
        self.store.set_meta("request_faults", [*faults, {"system": system, "times": times, **what}])

    def clear_faults(self):
        self.store.set_meta("request_faults", None)


@dataclass
class Case:
    """One outbox, and what became of its records."""

    company: Company
    state: State
    url: str
    ids: dict

    def dispatcher(self, die_after=None, seed=0):
        """A dispatcher process, started."""
        processes = multiprocessing.get_context("forkserver")
        process = processes.Process(
            target=dying.run, args=(self.url, self.company.settings, die_after, seed)
        )
        process.start()
        return process

    def dispatch(self, die_after=None, seed=0):
        """Whether a dispatcher came to its end."""
        process = self.dispatcher(die_after, seed)
        process.join(60)
        assert process.exitcode in (dying.FINISHED, -9)
        return process.exitcode == dying.FINISHED

    def effects(self):
        """How often each record was written, as the servers saw it."""
        names = [self.ids["account"], self.ids["record"], f"eid:{self.ids['invoice']}"]
        return [self.company.taken[name] for name in names]

    def states(self):
        return [view.state for view in list_corrections(self.state)]

    def is_corrected(self):
        store, ids = self.company.store, self.ids
        account = store.get("salesforce", "Account", ids["account"])
        record = store.get("salesforce", "Subscription__c", ids["record"])
        posted = store.rows("netsuite", "transaction", externalid=ids["invoice"])
        return (
            account["Stripe_Customer_Id__c"] == ids["customer"]
            and record["Status__c"] == "Cancelled"
            and [Decimal(str(row["foreigntotal"])) for row in posted] == [120]
        )


@pytest.fixture
def company(tmp_path, monkeypatch):
    multiprocessing.set_forkserver_preload(["tests.chaos.dying"])
    store, served = Store(tmp_path / "sandbox.db"), Store(tmp_path / "sandbox.db")
    store.set_clock(NOW)
    for table, rows in reference.netsuite_rows("2026-01-01 00:00:00").items():
        store.put_many("netsuite", table, rows)
    store.put_many("netsuite", "accountingperiod", reference.accounting_periods(2026, 2026))
    customer = {"id": "501", "companyname": "Acme", "subsidiary": "2", "currency": "2"}
    stamps = {"datecreated": LONG_AGO, "lastmodifieddate": LONG_AGO, "isinactive": "F"}
    store.put_many("netsuite", "customer", [customer | stamps])
    taken = Counter()
    update = counting(salesforce_records.update, taken)
    monkeypatch.setattr(salesforce_records, "update", update)
    with ExitStack() as stack:
        ports = {
            system: stack.enter_context(serving(Counting(app, taken)))
            for system, app in create_apps(served).items()
        }
        yield Company(store, connections(store, ports), tmp_path, taken)
    served.close()
    store.close()


def _drift_in(store, ids):
    stamps = dict.fromkeys(("CreatedDate", "LastModifiedDate", "SystemModstamp"), LONG_AGO)
    account = {"Id": ids["account"], "Name": "Acme", "Type": "Customer", "IsDeleted": False}
    store.put_many("salesforce", "Account", [account | stamps])
    record = {
        "Id": ids["record"],
        "Account__c": ids["account"],
        "Stripe_Subscription_Id__c": ids["subscription"],
        "Status__c": "Active",
        "Status_Changed_At__c": datetime(2026, 1, 31, 10, tzinfo=UTC),
        "IsDeleted": False,
    }
    store.put_many("salesforce", "Subscription__c", [record | stamps])
    invoice = {"id": ids["invoice"], "status": "open", "total": 12000, "currency": "gbp"}
    customer = {"id": ids["customer"], "name": "Acme", "created": int(LONG_AGO.timestamp())}
    store.put_many("stripe", "customer", [customer])
    invoice |= {"customer": ids["customer"], "created": int(LONG_AGO.timestamp())}
    store.put_many("stripe", "invoice", [invoice])


def _approve_all(state, ids, n):
    facts = {
        "crm_accounts": {"account_id": ids["account"]},
        "crm_subscriptions": {
            "subscription_id": ids["record"],
            "stripe_subscription_id": ids["subscription"],
            "status_changed_at": CHANGED_AT,
        },
        "billing_subscriptions": {"subscription_id": ids["subscription"]},
        "billing_invoices": {"invoice_id": ids["invoice"], "number": f"UK-{n:04d}"},
    }
    changes = {name: [FACTS[name][0] | values] for name, values in facts.items()}
    lines = [
        row | {"invoice_id": ids["invoice"]}
        for row in FACTS["billing_invoice_lines"]
        if row["invoice_id"] == "in_1"
    ]
    found = drift(
        lost_link(ids["customer"], ids["account"]),
        stale_status(ids["subscription"], ids["record"]),
        missing_invoice(ids["invoice"]),
    )
    life = fold([NightFact(DAY)], [Sighting(DAY, "exception", "cmp")])
    lives = dict.fromkeys(found["exception_key"].cast(pl.String), life)
    corrections = plan(
        found, (), lives, context(**changes, billing_invoice_lines=lines), load_policy()
    )
    store_plan(state, corrections, lives, DAY)
    proposed = [view.correction_id for view in list_corrections(state, states=["proposed"])]
    approve(state, proposed, "ann", "")
