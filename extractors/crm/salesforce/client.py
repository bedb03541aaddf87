"""Reads Salesforce: small objects and changes by REST, large results by query jobs."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import polars as pl

from extractors.calls import Call, Reply
from extractors.crm.salesforce.auth import auth_of
from extractors.crm.salesforce.batch import all_together, together
from extractors.crm.salesforce.bulk import Jobs, Part, as_rest_writes
from extractors.crm.salesforce.config import SalesforceConfig
from extractors.crm.salesforce.dialect import DIALECT, SYSTEM
from extractors.crm.salesforce.gathering import Gathering
from extractors.crm.salesforce.objects import ANY_TYPE, OBJECTS
from extractors.crm.salesforce.query import API_VERSION, ROOT, Place, is_last, query
from extractors.errors import ContractBroken, Rejected
from extractors.http import HttpDoor, HttpOptions
from extractors.protocol import Bookmark, ObjectSpec, Page, SourceTotals, Start

__all__ = ["DEFAULT_OPTIONS", "SYSTEM", "SalesforceSource", "connect"]

# An org takes 25 long calls at once, from all applications together.
DEFAULT_OPTIONS = HttpOptions(concurrency=10)
# A job has to be made, waited for, listed and deleted: from here on it is faster than its pages.
BULK_ROWS = 10_000

log = logging.getLogger(__name__)


def connect(config: SalesforceConfig, options: HttpOptions) -> HttpDoor:
    """The door to one org; it logs in when first used, and again when the session ends."""
    return HttpDoor(config.base_url, DIALECT, options, auth=auth_of(config))


class SalesforceSource:
    """The org as a `Source`. From `bulk_rows` rows on a result is read by a query job."""

    system = SYSTEM
    api_version = API_VERSION

    def __init__(
        self,
        door: HttpDoor,
        objects: Mapping[str, ObjectSpec] = OBJECTS,
        bulk_rows: int = BULK_ROWS,
    ) -> None:
        self.door = door
        self.objects = objects
        self._bulk_rows = bulk_rows
        self._jobs = Jobs(door)
        self._gathering = Gathering(door, together)
        self._describing = asyncio.Lock()
        self._described: dict[str, Mapping[str, str]] = {}
        # Declared fields that the org does not have, by object.
        self._absent: dict[str, frozenset[str]] = {}

    async def begin(
        self, spec: ObjectSpec, cursor_from: datetime | None, *, keys_only: bool = False
    ) -> Start:
        """All rows, deleted ones included, or those that changed."""
        place = Place.first(cursor_from, keys_only=keys_only)
        reply = await self._ask(spec, place)
        rest: Sequence[Bookmark] = ()
        if not is_last(reply, place):
            records = reply.member("records")
            left = int(reply.member("totalSize")) - len(records)
            rest = await self._left(spec, place.behind(spec, records[-1]), left)
        page = _page_of_records(spec, reply, rest)
        return Start("full" if cursor_from is None else "incremental", page)

    async def proceed(self, spec: ObjectSpec, bookmark: Bookmark) -> Page:
        if "job" in bookmark:
            return await self._result(spec, bookmark)
        place = Place.of(bookmark)
        reply = await self._ask(spec, place)
        rest: Sequence[Bookmark] = ()
        if not is_last(reply, place):
            behind = place.behind(spec, reply.member("records")[-1])
            parts = behind.parts(place, self.door.idle)
            rest = [part.bookmark for part in parts]
        return _page_of_records(spec, reply, rest)

    async def totals(
        self,
        specs: Sequence[ObjectSpec],
        *,
        is_first_load: bool = False,  # noqa: ARG002
    ) -> Mapping[str, SourceTotals]:
        """Live rows of each object."""
        asked = {spec.name: query(f"SELECT COUNT() FROM {spec.vendor_name}") for spec in specs}
        counted = await all_together(self.door, asked)
        return {
            name: SourceTotals(int(reply.member("totalSize"))) for name, reply in counted.items()
        }

    async def vendor_fields(self, spec: ObjectSpec) -> Mapping[str, str]:
        """As the org describes them. All objects are described at once: that is one call."""
        async with self._describing:
            if spec.name not in self._described:
                wanted = {**self.objects, spec.name: spec}
                asked = {
                    name: Call("GET", f"{ROOT}/sobjects/{each.vendor_name}/describe")
                    for name, each in wanted.items()
                }
                replies = await all_together(self.door, asked)
                self._described |= {
                    name: {each["name"]: each["type"] for each in reply.member("fields")}
                    for name, reply in replies.items()
                }
        return self._described[spec.name]

    async def _left(self, spec: ObjectSpec, place: Place, rows: int) -> Sequence[Bookmark]:
        """How to go on behind the first page."""
        if rows < self._bulk_rows:
            return (place.bookmark,)
        job = await self._jobs.create(spec, place, self._names(spec, place))
        return await self._by_pages(spec, place) if job is None else (job,)

    async def _by_pages(self, spec: ObjectSpec, place: Place) -> Sequence[Bookmark]:
        """Many rows by REST: a range of ids that has an end can be split."""
        if place.is_by_id:
            soql = f"SELECT Id FROM {spec.vendor_name} ORDER BY Id DESC LIMIT 1"
            reply = await self.door.send(query(soql, place.operation))
            newest = [record["Id"] for record in reply.member("records")]
            place = replace(place, upto=max([*newest, place.after or ""]))
        return (place.bookmark,)

    async def _result(self, spec: ObjectSpec, bookmark: Bookmark) -> Page:
        part = await self._jobs.read(bookmark)
        if part is not None:
            return _page_of_part(spec, part)
        return await self.proceed(spec, (await self._by_pages(spec, Place.of(bookmark)))[0])

    async def _ask(self, spec: ObjectSpec, place: Place) -> Reply:
        """The rows from a place on. A field that the org lacks is left out, if it may be."""
        names = self._names(spec, place)
        # A night begins with few changes of many objects: they come in the same answer.
        send = self._gathering.send if place.is_first_of_changes else self.door.send
        try:
            return await send(query(place.page_soql(spec, names), place.operation))
        except Rejected as error:
            if error.code == "INVALID_TYPE":
                raise ContractBroken(
                    SYSTEM,
                    f"the org has no object {spec.vendor_name}, or does not show it to this user",
                    request_id=error.request_id,
                ) from error
            if error.code != "INVALID_FIELD":
                raise
            await self._leave_out(spec)
            left = self._names(spec, place)
            if left == names:
                raise
        return await self.door.send(query(place.page_soql(spec, left), place.operation))

    async def _leave_out(self, spec: ObjectSpec) -> None:
        """Find out which declared fields the org does not have."""
        known = {name.lower() for name in await self.vendor_fields(spec)}
        absent = [item for item in spec.fields if item.column not in known]
        needed = [item.path[0] for item in absent if item.required or item.column == spec.cursor]
        if needed:
            raise ContractBroken(
                SYSTEM,
                f"{spec.vendor_name} has no field {', '.join(needed)}, or does not show it to this "
                "user, and no row can be read without",
            )
        self._absent[spec.name] = frozenset(item.path[0] for item in absent)
        if absent:
            missing = ", ".join(sorted(self._absent[spec.name]))
            log.warning("%s has no field %s: it lands as null", spec.vendor_name, missing)

    def _names(self, spec: ObjectSpec, place: Place) -> Sequence[str]:
        if place.keys_only:
            return ("Id",)
        absent = self._absent.get(spec.name, frozenset())
        return [item.path[0] for item in spec.fields if item.path[0] not in absent]


def _page_of_records(spec: ObjectSpec, reply: Reply, rest: Sequence[Bookmark]) -> Page:
    records: Sequence[dict[str, Any]] = reply.member("records")
    if any(item.path[0] in ANY_TYPE for item in spec.fields):
        records = [record | _spelled(record) for record in records]
    told = {item.column: item.path[0] for item in spec.fields if item.column in _stone(spec)}
    return Page(
        served_at=reply.served_at,
        records=[record for record in records if not record.get("IsDeleted")],
        tombstones=[
            {column: record[name] for column, name in told.items() if record.get(name)}
            for record in records
            if record.get("IsDeleted")
        ],
        rest=rest,
    )


def _spelled(record: Mapping[str, Any]) -> dict[str, str]:
    """Flags among values of any type, as text: numbers are text already."""
    return {
        name: str(record[name]).lower() for name in ANY_TYPE if isinstance(record.get(name), bool)
    }


def _page_of_part(spec: ObjectSpec, part: Part) -> Page:
    rows, stones = as_rest_writes(spec, part.rows), []
    if "isdeleted" in rows.columns:
        is_deleted = pl.col("isdeleted") == "true"
        told = [column for column in rows.columns if column in _stone(spec)]
        gone = rows.filter(is_deleted).select(told).to_dicts()
        stones = [{name: value for name, value in row.items() if value} for row in gone]
        rows = rows.filter(~is_deleted)
    return Page(part.served_at, records=rows, tombstones=stones, rest=part.rest)


def _stone(spec: ObjectSpec) -> set[str]:
    """The columns that are told of a deleted row: its key, and into which row it was merged."""
    return {*spec.key, *((spec.merged_into,) if spec.merged_into else ())}
