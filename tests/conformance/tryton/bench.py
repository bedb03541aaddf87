"""The workbench on a real Tryton: its users' hands speak XML-RPC, the other protocol it has."""

import base64
import xmlrpc.client
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import ClassVar

from extractors.erp.tryton.config import TrytonConfig
from extractors.erp.tryton.objects import OBJECTS
from extractors.protocol import WriteIntent
from tests.conformance.tryton.server import DATABASE, LOGIN, PASSWORD, TrytonServer
from tests.conformance.wire import Wire
from tests.conformance.workbench import Writing

# A little more than three windows.
SIZE = 3_200


class Hands:
    """A user of Tryton, logged in; what they do is a transaction each."""

    def __init__(self, base_url):
        url = f"{base_url}/{DATABASE}/rpc/"
        anyone = xmlrpc.client.ServerProxy(url, allow_none=True)
        user, self.session, _ = anyone.common.db.login(LOGIN, {"password": PASSWORD})
        token = base64.b64encode(f"{LOGIN}:{user}:{self.session}".encode()).decode()
        headers = [("Authorization", f"Session {token}")]
        self._proxy = xmlrpc.client.ServerProxy(
            url, allow_none=True, use_builtin_types=True, headers=headers
        )
        self._context = {"company": 1}

    def call(self, model, method, *params):
        return getattr(self._proxy, f"model.{model}.{method}")(*params, self._context)


@dataclass
class TrytonBench:
    """One server serves all tests; each finds what the others left, and asks what is there."""

    server: TrytonServer
    wire: Wire
    system: ClassVar[str] = "tryton"
    probe: ClassVar[str] = "party"
    deletions: ClassVar[str] = "key scan"
    has_sessions: ClassVar[bool] = True
    has_version_lock: ClassVar[bool] = True
    secrets: ClassVar[tuple[str, ...]] = (PASSWORD,)
    wrong: ClassVar = {"password": "another-password"}
    numbers: ClassVar = count(1)

    def __post_init__(self):
        self.hands = Hands(self.server.base_url)
        self._day = datetime.now(UTC).date() - timedelta(days=2)
        ((there,),) = self.server.execute("SELECT COUNT(*) FROM party_party")
        self.server.execute(
            "WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < ?) "
            "INSERT INTO party_party (name, code, active, create_uid, create_date, write_date) "
            "SELECT 'Company ' || n, 'bulk-' || n, 1, 1, '2026-01-10 08:00:00.000001', NULL "
            "FROM number WHERE ? < 100",
            SIZE,
            there,
        )
        self._age()

    def viewing(self):
        return None

    def config(self, **changed):
        whole = {"base_url": self.wire.url, "database": DATABASE, "user": LOGIN}
        return TrytonConfig(**{**whole, "password": PASSWORD, **changed})

    def day(self) -> date:
        return self._day

    def next_night(self):
        """The server's clock is that of the machine: only the day that is asked for moves on."""
        self._day += timedelta(days=1)

    def add(self, count):
        made = [{"name": f"New {next(self.numbers)}"} for _ in range(count)]
        return [str(key) for key in self.hands.call("party.party", "create", made)]

    def change(self, key):
        name = f"Renamed {next(self.numbers)}"
        self.hands.call("party.party", "write", [int(key)], {"name": name})

    def delete(self, key):
        self.hands.call("party.party", "delete", [int(key)])

    @contextmanager
    def spoiled(self, key):
        ((before,),) = self.server.execute(
            "SELECT create_date FROM party_party WHERE id = ?", int(key)
        )
        update = "UPDATE party_party SET create_date = ?, write_date = ? WHERE id = ?"
        now = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S.%f}"
        self.server.execute(update, None, now, int(key))
        yield
        self.server.execute(update, before, now, int(key))

    def end_session(self):
        self.server.execute("DELETE FROM ir_session WHERE key <> ?", self.hands.session)

    def rows(self, name):
        """What is kept as it is comes from the file, the rest over XML-RPC."""
        spec = OBJECTS[name]
        table = spec.vendor_name.replace(".", "_")
        kept = {row[1] for row in self.server.execute(f"PRAGMA table_info({table})")}
        plain = [
            f for f in spec.fields if f.column in kept and f.kind not in {"decimal", "datetime"}
        ]
        columns = ", ".join(f'"{one.column}"' for one in plain)
        query = f"SELECT {columns}, create_date, COALESCE(write_date, create_date) FROM {table}"
        rows = [
            {
                **{
                    one.column: _kept(one, value) for one, value in zip(plain, values, strict=False)
                },
                "create_date": _utc(values[-2]),
                "last_modified_at": _utc(values[-1]),
            }
            for values in self.server.execute(query)
        ]
        asked = [one.column for one in spec.fields if one.column not in {*rows[0]}] if rows else []
        if asked:
            keys = [int(row["id"]) for row in rows]
            told = self.hands.call(spec.vendor_name, "read", keys, asked)
            by_key = {str(row["id"]): row for row in told}
            for row in rows:
                row.update({name: _told(by_key[row["id"]][name]) for name in asked})
        return rows

    def sums(self):
        return {}

    @property
    def writing(self):
        ((key,),) = self.server.execute("SELECT MIN(id) FROM party_party WHERE code = 'bulk-1'")
        ((posted,),) = self.server.execute(
            "SELECT MIN(id) FROM account_invoice WHERE state = 'posted'"
        )

        def update():
            name = f"Corrected {next(self.numbers)}"
            return {"name": name}, "name", name

        def create():
            number = next(self.numbers)
            return "party.party", f"ext-{number}", {"name": f"Upserted {number}"}

        refused = WriteIntent(
            "update", "account.invoice", str(posted), {"reference": "other"}, "key", "q2c_refused"
        )
        return Writing("party.party", str(key), update, create, refused, "model.party.party.write")

    def _age(self):
        """Move what there is into the past, so that no overlap reaches it."""
        for spec in OBJECTS.values():
            table = spec.vendor_name.replace(".", "_")
            past = ", ".join(
                f"{name} = datetime({name}, '-2 days') || substr({name}, 20)"
                for name in ("create_date", "write_date")
            )
            self.server.execute(f"UPDATE {table} SET {past}")


def _kept(field, value):
    if value is None:
        return None
    return bool(value) if field.kind == "boolean" else str(value)


def _told(value):
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, dict):
        return date(*(value[name] for name in ("year", "month", "day"))).isoformat()
    assert isinstance(value, int | float | Decimal), value
    return str(value)


def _utc(text):
    return None if text is None else text.replace(" ", "T") + "Z"
