"""What a connector is: a Reader or Source of declared objects, a Target that corrects records.

Vendor details (addresses, query languages, authentication) do not belong here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, Literal, Protocol, runtime_checkable

import polars as pl

from extractors.http import HttpDoor

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
    """An amount that the source can total itself: `column` per `currency`, over rows `where`.

    With `parent`, the vendor's name of the object that the rows belong to, the currency is a
    column of that.
    """

    column: str
    currency: str
    where: str | None = None
    parent: str | None = None


@dataclass(frozen=True)
class ObjectSpec:
    """One object of a source: what is asked for, and the table that it becomes.

    `cursor` is the column (or feed) by which changes are found; None means that every read is a
    full read (or, for a child, that its parent's cursor decides). Without `is_listed` no read tells
    all keys, so what is missing from one has not vanished. `merged_into` is the column in
    which the tombstone of a merged record names the one that survived. With `keeps_versions` the
    nights' earlier versions of its records are a table too, where the vendor has no history.
    `where` narrows the vendor's table to the rows that belong to the object.
    """

    name: str
    vendor_name: str
    fields: tuple[Field, ...]
    key: tuple[str, ...] = ("id",)
    cursor: str | None = None
    parent: ParentLink | None = None
    control_sum: ControlSum | None = None
    merged_into: str | None = None
    keeps_versions: bool = False
    is_listed: bool = True
    where: str | None = None

    @property
    def columns(self) -> dict[str, pl.DataType]:
        """Column name to type, in the order of declaration, without the landing columns."""
        return {item.column: item.dtype for item in self.fields}

    @property
    def landing_schema(self) -> dict[str, pl.DataType]:
        return {**self.columns, **LANDING_COLUMNS}


# Where reading goes on: JSON of the source's own making, opaque to everybody else. It stays good
# when the process dies: bounds of a key, or a locator that the vendor keeps.
Bookmark = Mapping[str, Any]


@dataclass(frozen=True)
class Page:
    """One answer of the vendor: its records, and what is left to be read behind it.

    `records` are wire records as sent, or a frame of text columns named as the fields' columns.
    `tombstones` maps columns to values: the key of a deleted record (and what else is known of
    it), or, for a child object, the key of a parent whose children are all replaced by this
    extraction. `changed_at` gives the ISO time of the last change per key where the vendor tells
    it outside of the record. `served_at` is the source's own clock (UTC) when it answered.

    `rest` is what remains of the bookmark that this page answers: nothing where it is read to its
    end, one bookmark where it goes on, several where the parts can be read side by side. Parts may
    overlap: of a record that is read twice the version read last lands.
    """

    served_at: datetime
    records: Sequence[Mapping[str, Any]] | pl.DataFrame = ()
    tombstones: Sequence[Mapping[str, str]] = ()
    changed_at: Mapping[str, str] = field(default_factory=dict)
    rest: Sequence[Bookmark] = ()


@dataclass(frozen=True)
class Start:
    """How a read begins. The time of its first page is the watermark of the whole read."""

    mode: Mode
    page: Page


@dataclass(frozen=True)
class SourceTotals:
    """What the source itself says it has; None where it cannot say.

    `count`: live records. `sum_minor`: minor units per ISO currency of the `control_sum`.
    """

    count: int | None = None
    sum_minor: Mapping[str, int] | None = None


class Reader(Protocol):
    """Reads declared objects, page by page; which page is next is known to its bookmarks alone."""

    @property
    def system(self) -> str: ...

    @property
    def api_version(self) -> str: ...

    @property
    def objects(self) -> Mapping[str, ObjectSpec]: ...

    async def begin(
        self, spec: ObjectSpec, cursor_from: datetime | None, *, keys_only: bool = False
    ) -> Start:
        """Everything (None), or what changed since `cursor_from`, overlap included.

        With `keys_only` everything, of which only the key fields are needed.
        """
        ...

    async def proceed(self, spec: ObjectSpec, bookmark: Bookmark) -> Page:
        """The page that a bookmark stands for; `BookmarkExpired` where the vendor let it go."""
        ...

    async def totals(
        self, specs: Sequence[ObjectSpec], *, is_first_load: bool = False
    ) -> Mapping[str, SourceTotals]:
        """By object name, in as few calls as the protocol allows.

        A first load makes many calls anyway: there they may be more, where that is sooner.
        """
        ...

    async def vendor_fields(self, spec: ObjectSpec) -> Mapping[str, str] | None:
        """The vendor's fields and their types as it describes them; None where it cannot."""
        ...


class Source(Reader, Protocol):
    """A reader of a system that is reached by HTTP."""

    @property
    def door(self) -> HttpDoor: ...


@dataclass(frozen=True)
class WriteIntent:
    """One correction as it goes over the wire.

    `record_id` is the vendor's id for an update, the external id for an upsert, and for a create
    the id of the record that the new one hangs on, if any (a credit memo on its invoice).
    `idempotency_key` is sent where the vendor honours one. `seen` is the record as it was looked at
    just before: a vendor that takes writes under a condition refuses this one if it moved on.
    """

    operation: Literal["update", "upsert", "create"]
    object: str
    record_id: str
    body: Mapping[str, Any]
    idempotency_key: str
    correlation_id: str
    seen: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class WriteReceipt:
    """What the vendor said about a write that it accepted."""

    record_id: str | None
    request_id: str | None
    status: int
    body_excerpt: str


@dataclass(frozen=True)
class Preview:
    """A document that a vendor says a write would lead to; money in minor units of `currency`.

    `before_minor` is what it would come to without the write; None where it would not be there.
    `lines` are descriptions and amounts, as the vendor has them.
    """

    document: str
    currency: str
    total_minor: int
    tax_minor: int
    before_minor: int | None
    lines: tuple[tuple[str, int], ...]


@runtime_checkable
class Previewing(Protocol):
    """A target whose vendor can be asked what would come of a write, before it is made."""

    async def preview(self, intent: WriteIntent) -> Preview | None:
        """None where the vendor has no preview of such a write."""
        ...


class Target(Protocol):
    """Reads and corrects single records; object names are the vendor's own."""

    @property
    def system(self) -> str: ...

    @property
    def newest_at(self) -> datetime | None:
        """The latest time (UTC) that the system's own clock has told with an answer."""
        ...

    async def log_in(self) -> None:
        """Begin a session before the first call needs it; what fails is told by that call."""
        ...

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
