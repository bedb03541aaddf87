"""What a connector is: a Source that reads declared objects, a Target that corrects records.

Vendor details (addresses, query languages, authentication) do not belong here.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, Literal, Protocol

import polars as pl

Kind = Literal["text", "decimal", "integer", "boolean", "date", "datetime", "flag", "json"]
Mode = Literal["full", "incremental"]

LANDING_COLUMNS: Mapping[str, pl.DataType] = MappingProxyType(
    {"_deleted": pl.Boolean(), "_ordinal": pl.Int64(), "_changed_at": pl.String()}
)


@dataclass(frozen=True)
class Field:
    """One value of a wire record and the column that it lands in.

    `path` leads to the value through nested objects; the column is the path in lower case joined
    by `_`. Kinds `decimal` (exact decimal text), `date`, `datetime`, `flag` ('T'/'F') and `json`
    land as text, exactly as sent; a `json` value that is a list object lands as its bare array.
    """

    path: tuple[str, ...]
    kind: Kind = "text"
    required: bool = False
    allowed: frozenset[str] | None = None

    @property
    def column(self) -> str:
        return "_".join(self.path).lower()

    @property
    def dtype(self) -> pl.DataType:
        if self.kind == "integer":
            return pl.Int64()
        return pl.Boolean() if self.kind == "boolean" else pl.String()


@dataclass(frozen=True)
class ParentLink:
    """A child object is replaced as a whole per parent: `column` holds the key of `object`."""

    object: str
    column: str


@dataclass(frozen=True)
class ControlSum:
    """An amount that the source can total itself: `column` per `currency`, over rows `where`."""

    column: str
    currency: str
    where: str


@dataclass(frozen=True)
class ObjectSpec:
    """One object of a source: what is asked for, and the table that it becomes.

    `cursor` is the column (or feed) by which changes are found; None means that every read is a
    full read (or, for a child, that its parent's cursor decides).
    """

    name: str
    vendor_name: str
    fields: tuple[Field, ...]
    key: tuple[str, ...] = ("id",)
    cursor: str | None = None
    parent: ParentLink | None = None
    control_sum: ControlSum | None = None

    @property
    def columns(self) -> dict[str, pl.DataType]:
        """Column name to type, in the order of declaration, without the landing columns."""
        return {item.column: item.dtype for item in self.fields}

    @property
    def landing_schema(self) -> dict[str, pl.DataType]:
        return {**self.columns, **LANDING_COLUMNS}


@dataclass(frozen=True)
class Page:
    """Records as the vendor sent them, in one answer.

    `tombstones` maps columns to values: the key of a deleted record, or, for a child object, the
    key of a parent whose children are all replaced by this extraction. `changed_at` gives the
    ISO time of the last change per key where the vendor tells it outside of the record.
    `served_at` is the source's own clock (UTC) when it answered.
    """

    mode: Mode
    served_at: datetime
    records: Sequence[Mapping[str, Any]]
    tombstones: Sequence[Mapping[str, str]] = ()
    changed_at: Mapping[str, str] = field(default_factory=dict)


class Source(Protocol):
    """Reads declared objects. The first page always comes, even when it is empty."""

    @property
    def system(self) -> str: ...

    @property
    def api_version(self) -> str: ...

    @property
    def objects(self) -> Mapping[str, ObjectSpec]: ...

    def read(self, spec: ObjectSpec, cursor_from: datetime | None) -> AsyncIterator[Page]:
        """Everything (None) or what changed since `cursor_from`, overlap included."""
        ...

    async def count(self, spec: ObjectSpec) -> int | None:
        """How many live records the source says it has now; None when it cannot say.

        Asked before and after the pages, so that what comes and goes meanwhile is not taken for
        a loss.
        """
        ...

    async def control_sums(self, spec: ObjectSpec) -> dict[str, int] | None:
        """Minor units per ISO currency as totalled by the source; None when it cannot say."""
        ...


@dataclass(frozen=True)
class WriteIntent:
    """One correction as it goes over the wire.

    `record_id` is the vendor's id for an update and the external id for an upsert.
    `idempotency_key` is sent where the vendor honours one.
    """

    operation: Literal["update", "upsert"]
    object: str
    record_id: str
    body: Mapping[str, Any]
    idempotency_key: str
    correlation_id: str


@dataclass(frozen=True)
class WriteReceipt:
    """What the vendor said about a write that it accepted."""

    record_id: str | None
    request_id: str | None
    status: int
    body_excerpt: str


class Target(Protocol):
    """Reads and corrects single records; object names are the vendor's own."""

    @property
    def system(self) -> str: ...

    async def read(self, object: str, record_id: str) -> Mapping[str, Any] | None:  # noqa: A002
        """The record by the vendor's id, or None when there is none."""
        ...

    async def find(self, object: str, external_id: str) -> Mapping[str, Any] | None:  # noqa: A002
        """The record by our external id, or None when there is none."""
        ...

    async def lookup(self, object: str, **equals: str) -> list[Mapping[str, Any]]:  # noqa: A002
        """All records whose fields equal the values given."""
        ...

    async def write(self, intent: WriteIntent) -> WriteReceipt:
        """Send one write; failures are raised as the tree in `extractors.errors`."""
        ...


def declare(
    *paths: str, kind: Kind = "text", required: bool = False, allowed: Sequence[str] = ()
) -> tuple[Field, ...]:
    """Fields of one kind from dotted paths: `declare("metadata.sku", "name")`."""
    values = frozenset(allowed) or None
    return tuple(Field(tuple(path.split(".")), kind, required, values) for path in paths)
