"""Corrects Tryton records: update under its optimistic lock, upsert by our reference, lookups.

There is no idempotency key, and most references may be taken twice: whoever repeats looks first.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from functools import cached_property
from typing import Any

from extractors.calls import Reply
from extractors.door_target import DoorTarget
from extractors.erp.tryton.client import SYSTEM, WINDOW_ROWS, Database, as_declared
from extractors.erp.tryton.objects import OBJECTS, REFERENCES
from extractors.errors import Conflict, NotFound, Rejected
from extractors.protocol import ObjectSpec, WriteIntent, WriteReceipt

_MODELS = {spec.vendor_name: spec for spec in OBJECTS.values()}
_VERSION = "_timestamp"


def _utc(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _truth(text: str) -> bool:
    return {"true": True, "false": False}[text.lower()]


# By the server's type: how a value given as text is sent. A float is sent as the shortest
# number that means the same, which is what was written.
_FROM_TEXT: Mapping[str, Callable[[str], Any]] = {
    "boolean": _truth,
    "integer": int,
    "many2one": int,
    "numeric": Decimal,
    "float": float,
    "date": date.fromisoformat,
    "datetime": _utc,
    "timestamp": _utc,
}


@dataclass(frozen=True)
class TrytonTarget(DoorTarget):
    """The database as a `Target`; objects are named by model.

    A record is written as the version that was last read here, by `read`, `find` or `lookup`:
    if it is another one by then the server refuses, so that nobody's change is overwritten.
    """

    system: str = SYSTEM
    _types: dict[str, Mapping[str, str]] = field(default_factory=dict, repr=False)
    _versions: dict[tuple[str, str], str] = field(default_factory=dict, repr=False)
    _locks: defaultdict[tuple[str, str], asyncio.Lock] = field(
        default_factory=lambda: defaultdict(asyncio.Lock), repr=False
    )

    @cached_property
    def _database(self) -> Database:
        return Database(self.door)

    async def read(self, object: str, record_id: str) -> Mapping[str, Any] | None:  # noqa: A002
        """The declared fields of the record."""
        rows = await self.lookup(object, id=record_id)
        return rows[0] if rows else None

    async def find(self, object: str, external_id: str) -> Mapping[str, Any] | None:  # noqa: A002
        """The one record that carries our reference."""
        rows = await self.lookup(object, **{_reference(object): external_id})
        if len(rows) > 1:
            keys = ", ".join(row["id"] for row in rows)
            raise Conflict(
                SYSTEM, f"{len(rows)} records of {object} carry the reference {external_id}: {keys}"
            )
        return rows[0] if rows else None

    async def lookup(self, object: str, **equals: str) -> list[Mapping[str, Any]]:  # noqa: A002
        """Records of a declared model, with its declared fields, inactive ones too."""
        spec = _declared(object)
        unknown = sorted(set(equals) - set(spec.columns))
        if unknown:
            raise Rejected(SYSTEM, f"{object} has no declared fields {unknown}")
        values = await self._typed(object, equals)
        domain = [[name, "=", value] for name, value in values.items()]
        if "active" in spec.columns and "active" not in equals:
            domain.append(["active", "in", [True, False]])
        rows: list[Mapping[str, Any]] = []
        after = 0
        while True:
            reply = await self._database.call(
                object,
                "search_read",
                [*domain, ["id", ">", after]],
                0,
                WINDOW_ROWS,
                [["id", "ASC"]],
                [*spec.columns, _VERSION],
            )
            window = as_declared(spec, reply.member("result"))
            rows.extend(self._seen(object, row) for row in window)
            if len(window) < WINDOW_ROWS:
                return rows
            after = int(window[-1]["id"])

    async def write(self, intent: WriteIntent) -> WriteReceipt:
        """Update or create. What the server wants confirmed by a person is `Rejected`."""
        if intent.operation == "create":
            raise Rejected(SYSTEM, "a record without a reference of ours could not be found again")
        values = await self._typed(intent.object, intent.body)
        if intent.operation == "update":
            return await self._update(intent, intent.record_id, values)
        # Two creates of one reference side by side would both find nothing.
        async with self._locks[intent.object, intent.record_id]:
            found = await self.find(intent.object, intent.record_id)
            if found is not None:
                return await self._update(intent, found["id"], values)
            values = {_reference(intent.object): intent.record_id, **values}
            reply = await self._call(intent, "create", [values])
            return _receipt(reply, str(reply.member("result")[0]))

    async def _update(
        self, intent: WriteIntent, record_id: str, values: Mapping[str, Any]
    ) -> WriteReceipt:
        version = self._versions.get((intent.object, record_id))
        if version is None:
            if await self.read(intent.object, record_id) is None:
                raise NotFound(SYSTEM, f"there is no record {record_id} of {intent.object}")
            version = self._versions[intent.object, record_id]
        lock = {_VERSION: {f"{intent.object},{record_id}": version}}
        reply = await self._call(intent, "write", [int(record_id)], values, context=lock)
        return _receipt(reply, record_id)

    async def _call(
        self,
        intent: WriteIntent,
        method: str,
        *params: Any,
        context: Mapping[str, Any] | None = None,
    ) -> Reply:
        return await self._database.call(
            intent.object,
            method,
            *params,
            kind="write",
            context=context,
            correlation_id=intent.correlation_id,
        )

    def _seen(self, model: str, row: dict[str, Any]) -> Mapping[str, Any]:
        self._versions[model, row["id"]] = row.pop(_VERSION)
        return row

    async def _typed(self, model: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """Text as the server's types; a name that it does not know would end in a server error."""
        if model not in self._types:
            reply = await self._database.call(model, "fields_get", [])
            told = reply.member("result")
            self._types[model] = {name: item["type"] for name, item in told.items()}
        types = self._types[model]
        unknown = sorted(set(values) - set(types))
        if unknown:
            raise Rejected(SYSTEM, f"{model} has no fields {unknown} for this user")
        try:
            return {
                name: _FROM_TEXT.get(types[name], str)(value) if isinstance(value, str) else value
                for name, value in values.items()
            }
        except (ValueError, KeyError, InvalidOperation) as error:
            raise Rejected(SYSTEM, f"{model}: a value has not the type of its field") from error


def _declared(model: str) -> ObjectSpec:
    if model not in _MODELS:
        raise Rejected(SYSTEM, f"{model} is not declared; known are {sorted(_MODELS)}")
    return _MODELS[model]


def _reference(model: str) -> str:
    if model not in REFERENCES:
        raise Rejected(SYSTEM, f"{model} carries no reference of ours")
    return REFERENCES[model]


def _receipt(reply: Reply, record_id: str) -> WriteReceipt:
    return WriteReceipt(record_id, reply.request_id, reply.status, reply.excerpt)
