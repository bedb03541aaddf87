"""Workbenches on the sandbox: Salesforce, Stripe and NetSuite."""

import secrets
from collections import Counter
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any, ClassVar

from extractors.contracts import check
from extractors.protocol import WriteIntent
from extractors.registry import CONNECTORS
from extractors.sandbox import credentials
from extractors.sandbox.fidelity import truth_rows
from extractors.sandbox.ids import salesforce_id
from extractors.sandbox.netsuite_account import set_up_account
from extractors.sandbox.salesforce_records import VIEW_ONLY
from extractors.sandbox.stripe_caller import RESOURCES, RESTRICTED_KEYS
from extractors.sandbox.volume import fill
from extractors.systems import SYSTEMS
from tests.conformance.wire import Wire
from tests.conformance.workbench import Writing
from tests.wire.vendors import LONG_AGO, Vendors

RECORDS = 1_500
END = date(2026, 6, 30)
FIRST = 900_001


@dataclass
class SandboxBench:
    """What the three have in common: the store is the truth, and the hands."""

    vendors: Vendors
    wire: Wire
    system: ClassVar[str]
    probe: ClassVar[str]
    kind: ClassVar[str]
    key: ClassVar[str] = "id"
    size: ClassVar[int]
    wrong: ClassVar[Mapping[str, str]]
    deletions: ClassVar[str] = "tombstones"
    has_sessions: ClassVar[bool] = True
    has_version_lock: ClassVar[bool] = False

    @classmethod
    def fill(cls, store):
        """A company with some of everything, and more of the probe than fits on three pages."""
        fill(store, RECORDS, end=END)
        records = [cls.record(FIRST + at, LONG_AGO) for at in range(cls.size)]
        store.put_many(cls.system, cls.kind, records)

    def __post_init__(self):
        # What the company did last is older than any overlap.
        self.vendors.store.set_clock(datetime.combine(END, time(2), UTC) + timedelta(days=2))
        self.vendors.day = END + timedelta(days=1)
        self._numbers = count(FIRST + self.size)

    @property
    def settings(self) -> Mapping[str, Any]:
        return self.vendors.settings[self.system] | {"base_url": self.wire.url}

    @property
    def secrets(self):
        return [str(self.settings[name]) for name in self.wrong]

    def config(self, **changed):
        return SYSTEMS[self.system].config(**{**self.settings, **changed})

    def day(self):
        return self.vendors.day

    def next_night(self):
        self.vendors.next_night(2)

    def add(self, count):
        now = self.vendors.store.now()
        made = [self.record(next(self._numbers), now) for _ in range(count)]
        for record in made:
            self.vendors.store.put(self.system, self.kind, record)
        return [record[self.key] for record in made]

    def change(self, key):
        self.vendors.store.put(self.system, self.kind, self.changed(key))

    def delete(self, key):
        self.vendors.store.delete(self.system, self.kind, key)

    @contextmanager
    def spoiled(self, key):
        before = self.vendors.store.get(self.system, self.kind, key)
        self.vendors.store.put(self.system, self.kind, self.spoil(key), stamp=False)
        yield
        self.vendors.store.put(self.system, self.kind, before, stamp=False)

    def end_session(self):
        credentials.revoke_tokens(self.vendors.store)

    def sums(self):
        return {}

    def rows(self, name):
        spec = CONNECTORS[self.system].objects[name]
        records = list(truth_rows(self.vendors.store, self.system, spec.vendor_name))
        return check(spec, records).rows.select(list(spec.columns)).to_dicts()


class SalesforceBench(SandboxBench):
    system = "salesforce"
    probe, kind = "account", "Account"
    key = "Id"
    size = 4_300
    wrong: ClassVar = {"client_secret": "another-secret-of-its-length"}

    @staticmethod
    def record(number, at):
        stamps = dict.fromkeys(("CreatedDate", "LastModifiedDate", "SystemModstamp"), at)
        base = {"Id": salesforce_id("Account", number), "Name": f"Company {number}"}
        return {**base, **stamps, "IsDeleted": False, "CurrencyIsoCode": "USD"}

    def viewing(self):
        self.vendors.store.set_meta(VIEW_ONLY, value=True)
        return {}

    def changed(self, key):
        return {"Id": key, "Name": f"Renamed {next(self._numbers)}"}

    def spoil(self, key):
        return {"Id": key, "Name": None}

    @property
    def writing(self):
        key = salesforce_id("Account", FIRST)

        def update():
            name = f"Corrected {next(self._numbers)}"
            return {"Name": name}, "Name", name

        def create():
            number = next(self._numbers)
            return "Account", f"ext-{number}", {"Name": f"Upserted {number}"}

        refused = WriteIntent("update", "Account", key, {"Nope__c": "x"}, "key", "q2c_refused")
        return Writing("Account", key, update, create, refused, "PATCH")


class StripeBench(SandboxBench):
    system = "stripe"
    probe, kind = "customer", "customer"
    size = 330
    wrong: ClassVar = {"api_key": "rk_live_another_key_of_its_length"}
    has_sessions = False

    @staticmethod
    def record(number, at):
        base = {
            "id": f"cus_{number}",
            "name": f"Company {number}",
            "created": int(at.timestamp()) + number % 60,
        }
        return {**base, "metadata": {"channel": "sales_led"}, "currency": "usd"}

    def sums(self):
        sums = Counter()
        for row in truth_rows(self.vendors.store, "stripe", "balance_transaction"):
            if row["balance_type"] == "payments":
                sums[row["currency"].upper()] += row["net"]
        return {"balance_transaction": dict(sums)}

    def viewing(self):
        key = f"rk_live_looks_on{secrets.token_hex(8)}"
        kinds = {spec.vendor_name for spec in CONNECTORS["stripe"].objects.values()}
        every = dict.fromkeys({*kinds, *RESOURCES.values(), "event"}, "read")
        self.vendors.store.set_meta(RESTRICTED_KEYS, {key: every})
        return {"api_key": key}

    def changed(self, key):
        return {"id": key, "name": f"Renamed {next(self._numbers)}"}

    def spoil(self, key):
        return {"id": key, "name": {"not": "a text"}}

    @property
    def writing(self):
        def update():
            value = f"sales_{next(self._numbers)}"
            return {"metadata": {"channel": value}}, "metadata", {"channel": value}

        refused = WriteIntent(
            "update", "customer", f"cus_{FIRST}", {"nope": "x"}, "key", "q2c_refused"
        )
        return Writing(
            "customer", f"cus_{FIRST}", update, None, refused, "POST", has_idempotency_key=True
        )


# Object -> what is totalled, and where its currency stands: of the row itself, or of its parent.
_OWNERS = ("transaction", "revenue_plan")
_SUMMED = {
    "transaction": ("foreigntotal", None, None),
    "transaction_line": ("foreignamount", "transaction", "transaction"),
    "transaction_link": ("foreignamount", "transaction", "nextdoc"),
    "revenue_plan": ("amount", None, None),
    "revenue_plan_line": ("amount", "revenue_plan", "revenueplan"),
}


class NetSuiteBench(SandboxBench):
    system = "netsuite"
    probe, kind = "customer", "customer"
    size = 3_300
    wrong: ClassVar = {"certificate_id": "another-certificate"}

    def sums(self):
        currencies = {row["id"]: row for row in self.rows("currency")}
        owners = {name: {row["id"]: row for row in self.rows(name)} for name in _OWNERS}
        sums = {name: Counter() for name in _SUMMED}
        for name, (amount, parent, key) in _SUMMED.items():
            for row in self.rows(name):
                owner = row if parent is None else owners[parent][row[key]]
                currency = currencies[owner["currency"]]
                minor = Decimal(row[amount]).scaleb(int(currency["currencyprecision"]))
                sums[name][currency["symbol"]] += int(minor)
        return {name: dict(found) for name, found in sums.items()}

    @property
    def secrets(self):
        """Lines of the key; the certificate's name is none."""
        return Path(self.settings["private_key_path"]).read_text().splitlines()[1:-1]

    @staticmethod
    def record(number, at):
        base = {"id": str(number), "entityid": f"CUST{number}", "companyname": f"Company {number}"}
        flags = {"isinactive": "F", "subsidiary": "1", "currency": "1"}
        return {**base, **flags, "datecreated": at, "lastmodifieddate": at}

    def viewing(self):
        set_up_account(self.vendors.store, view_only=True)
        return {}

    def changed(self, key):
        return {"id": key, "companyname": f"Renamed {next(self._numbers)}"}

    def spoil(self, key):
        return {"id": key, "lastmodifieddate": None}

    @property
    def writing(self):
        def update():
            name = f"Corrected {next(self._numbers)}"
            return {"companyName": name}, "companyName", name

        def create():
            number = next(self._numbers)
            body = {"companyName": f"Upserted {number}", "subsidiary": {"id": "1"}}
            return "customer", f"ext-{number}", body

        refused = WriteIntent(
            "update", "customer", str(FIRST), {"currency": {"id": "999"}}, "key", "q2c_refused"
        )
        return Writing("customer", str(FIRST), update, create, refused, "PATCH")


BENCHES = {bench.system: bench for bench in (SalesforceBench, StripeBench, NetSuiteBench)}
