"""Workbenches on the sandbox: Salesforce, Stripe and NetSuite."""

from collections.abc import Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from typing import Any, ClassVar

from extractors.protocol import WriteIntent
from extractors.registry import CONNECTORS
from extractors.sandbox import credentials, reference
from extractors.sandbox.ids import salesforce_id
from tests.conformance.wire import Wire
from tests.conformance.workbench import Writing
from tests.wire.vendors import LONG_AGO, Vendors


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
    secret_names: ClassVar[tuple[str, ...]]
    deletions: ClassVar[str] = "tombstones"
    has_sessions: ClassVar[bool] = True
    has_version_lock: ClassVar[bool] = False

    def __post_init__(self):
        self._numbers = count(1)
        self.prepare()
        records = [self.record(next(self._numbers), LONG_AGO) for _ in range(self.size)]
        self.vendors.store.put_many(self.system, self.kind, records)

    def prepare(self):
        """What records of the probe point at."""

    @property
    def settings(self) -> Mapping[str, Any]:
        return self.vendors.settings[self.system] | {"base_url": self.wire.url}

    @property
    def secrets(self):
        return [str(self.settings[name]) for name in self.secret_names]

    def config(self, **changed):
        return CONNECTORS[self.system].config(**{**self.settings, **changed})

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

    def rows(self, name):
        if name != self.probe:
            return None
        spec = CONNECTORS[self.system].objects[name]
        stored = self.vendors.store.rows(self.system, self.kind)
        return [
            {item.column: self.landed(item, record) for item in spec.fields} for record in stored
        ]

    def landed(self, item, record):
        value = record
        for name in item.path:
            value = value.get(name) if isinstance(value, Mapping) else None
        return value if value is None or isinstance(value, bool | str) else self.text(item, value)

    def text(self, item, value):
        return value if item.kind == "integer" else str(value)


class SalesforceBench(SandboxBench):
    system = "salesforce"
    probe, kind = "account", "Account"
    key = "Id"
    size = 4_300
    secret_names = ("client_secret",)

    def record(self, number, at):
        stamps = dict.fromkeys(("CreatedDate", "LastModifiedDate", "SystemModstamp"), at)
        base = {"Id": salesforce_id("Account", number), "Name": f"Company {number}"}
        return {**base, **stamps, "IsDeleted": False, "CurrencyIsoCode": "USD"}

    def changed(self, key):
        return {"Id": key, "Name": f"Renamed {next(self._numbers)}"}

    def spoil(self, key):
        return {"Id": key, "Name": None}

    @property
    def writing(self):
        key = salesforce_id("Account", 1)

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
    secret_names = ("api_key",)
    has_sessions = False

    def record(self, number, at):
        base = {
            "id": f"cus_{number}",
            "name": f"Company {number}",
            "created": int(at.timestamp()) + number % 60,
        }
        return {**base, "metadata": {"channel": "sales_led"}, "currency": "usd"}

    def changed(self, key):
        return {"id": key, "name": f"Renamed {next(self._numbers)}"}

    def spoil(self, key):
        return {"id": key, "balance": "a lot"}

    @property
    def writing(self):
        def update():
            value = f"sales_{next(self._numbers)}"
            return {"metadata": {"channel": value}}, "metadata", {"channel": value}

        refused = WriteIntent("update", "customer", "cus_1", {"nope": "x"}, "key", "q2c_refused")
        return Writing("customer", "cus_1", update, None, refused, "POST", has_idempotency_key=True)


class NetSuiteBench(SandboxBench):
    system = "netsuite"
    probe, kind = "customer", "customer"
    size = 3_300
    secret_names = ()

    def prepare(self):
        with suppress(KeyError):
            for table, rows in reference.netsuite_rows("2026-01-01 00:00:00").items():
                self.vendors.store.put_many("netsuite", table, rows)

    def record(self, number, at):
        base = {"id": str(number), "entityid": f"CUST{number}", "companyname": f"Company {number}"}
        flags = {"isinactive": "F", "subsidiary": "1", "currency": "1"}
        return {**base, **flags, "datecreated": at, "lastmodifieddate": at}

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
            "update", "customer", "1", {"currency": {"id": "999"}}, "key", "q2c_refused"
        )
        return Writing("customer", "1", update, create, refused, "PATCH")


BENCHES = {bench.system: bench for bench in (SalesforceBench, StripeBench, NetSuiteBench)}
