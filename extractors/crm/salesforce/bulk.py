"""Query jobs of Bulk API 2.0: large results as CSV, whose pages are read side by side."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import httpx
import polars as pl

from extractors.calls import Call, Reply
from extractors.crm.salesforce.dialect import SYSTEM, plain_number
from extractors.crm.salesforce.query import ROOT, Place
from extractors.errors import (
    BookmarkExpired,
    ContractBroken,
    NotFound,
    Rejected,
    SourceError,
    Unauthorized,
)
from extractors.http import HttpDoor
from extractors.protocol import Bookmark, ObjectSpec

JOBS = f"{ROOT}/jobs/query"
# Jobs of an idle org take seconds, those of a busy one minutes; each look is a call.
FIRST_PAUSE, LONGEST_PAUSE, PATIENCE = 0.1, 10.0, 3600.0
# Rows of a page where the vendor does not lay the pages out himself.
MOST_RECORDS = 50_000
_LAST = "null"
_ENDED = ("Failed", "Aborted")
_NO_MORE_JOBS = "LIMIT_EXCEEDED"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Part:
    """Some of a result: rows as text, and what is left to be read behind them."""

    served_at: datetime
    rows: pl.DataFrame = field(default_factory=pl.DataFrame)
    rest: Sequence[Bookmark] = ()


class Jobs:
    """Makes query jobs, reads them, and deletes those that were read to their end."""

    def __init__(self, door: HttpDoor) -> None:
        self._door = door
        # What was handed out of each job and is not read yet. Where an earlier process handed out
        # a part nothing is known: such a job is left to the vendor, who deletes it in seven days.
        self._unread: dict[str, set[str]] = {}

    async def create(self, spec: ObjectSpec, place: Place, names: Sequence[str]) -> Bookmark | None:
        """A job for all that is left behind a place, or None where the vendor makes none of it."""
        body = {"operation": place.operation, "query": place.soql(spec, names)}
        try:
            reply = await self._door.send(Call("POST", JOBS, json=body))
        except SourceError as error:
            if not _is_refusal(error):
                raise
            log.warning("read page by page, since there is no query job for it: %s", error)
            return None
        job = str(reply.member("id"))
        return {"job": job, "kind": "wait", "names": list(names), **place.bookmark}

    async def read(self, bookmark: Bookmark) -> Part | None:
        """What a bookmark of a job stands for; None where the job came to nothing.

        Raises:
            BookmarkExpired: the job is gone, and what is left of its result with it.

        """
        job = bookmark["job"]
        if bookmark["kind"] == "wait":
            return await self._completed(bookmark)
        if bookmark["kind"] == "over":
            await self._discard(job)
            return Part(datetime.fromisoformat(bookmark["at"]))
        path = bookmark["path"]
        try:
            if bookmark["kind"] == "pages":
                part = self._listed(bookmark, await self._door.send(Call("GET", path)))
            else:
                part = await self._page(bookmark)
        except NotFound as error:
            raise BookmarkExpired(SYSTEM, f"query job {job} is gone", status=404) from error
        if bookmark not in part.rest and self._is_read(job, path):
            # It is deleted when the rows of this page have been taken.
            over = {"job": job, "kind": "over", "at": part.served_at.isoformat()}
            return replace(part, rest=(over,))
        return part

    async def _completed(self, bookmark: Bookmark) -> Part | None:
        """The pages of the result, once there is one; None where the job comes to nothing."""
        job = bookmark["job"]
        reply = await self._ended(job)
        if reply is None:
            return None
        self._unread[job] = set()
        try:
            pages = await self._door.send(Call("GET", f"{JOBS}/{job}/resultPages"))
        except (Rejected, Unauthorized) as error:
            log.info("results are read one after the other: %s", error)
            chain = self._handed_out(bookmark, "chain", _results(job))
            return Part(reply.served_at, rest=(chain,))
        return self._listed(bookmark, pages)

    async def _page(self, bookmark: Bookmark) -> Part:
        reply = await self._door.send(Call("GET", bookmark["path"], expects="bytes"))
        rows = await asyncio.to_thread(text_frame, reply.content, bookmark["names"])
        told = reply.headers.get("sforce-numberofrecords")
        if told is not None and int(told) != rows.height:
            raise ContractBroken(
                SYSTEM,
                f"a result page says that it holds {told} rows, and {rows.height} were read of it",
                request_id=reply.request_id,
            )
        return Part(reply.served_at, rows, self._behind(bookmark, reply))

    async def _ended(self, job: str) -> Reply | None:
        """The last look at a job; None where it has failed, is gone, or takes too long."""
        pause, waited = FIRST_PAUSE, 0.0
        while True:
            try:
                reply = await self._door.send(Call("GET", f"{JOBS}/{job}"))
            except NotFound:
                log.warning("query job %s is gone: its object is read page by page", job)
                return None
            state = reply.member("state")
            if state == "JobComplete":
                return reply
            if state in _ENDED or waited >= PATIENCE:
                why = reply.body.get("errorMessage") or f"{state} after {waited:.0f} s"
                log.warning("query job %s: %s; its object is read page by page", job, why)
                await self._discard(job, is_running=state not in _ENDED)
                return None
            await asyncio.sleep(pause)
            waited += pause
            pause = min(2 * pause, LONGEST_PAUSE)

    def _listed(self, bookmark: Bookmark, reply: Reply) -> Part:
        """Pages that can be read side by side, at most five, and where more of them are listed."""
        listed: Sequence[Mapping[str, Any]] = reply.member("resultPages")
        rest = [self._handed_out(bookmark, "page", page["resultUrl"]) for page in listed]
        if not reply.member("done"):
            following = reply.member("nextRecordsUrl")
            rest.append(self._handed_out(bookmark, "pages", following))
        return Part(reply.served_at, rest=rest)

    def _behind(self, bookmark: Bookmark, reply: Reply) -> Sequence[Bookmark]:
        """What follows a page: nothing where all pages are listed beforehand."""
        following = reply.headers.get("sforce-locator", _LAST)
        if bookmark["kind"] == "page":
            # A page that leads to itself is the one before it, shown once more.
            asked = httpx.URL(bookmark["path"]).params.get("locator")
            return (bookmark,) if asked == following else ()
        if following == _LAST:
            return ()
        path = f"{_results(bookmark['job'])}&locator={following}"
        return (self._handed_out(bookmark, "chain", path),)

    def _handed_out(self, bookmark: Bookmark, kind: str, path: str) -> Bookmark:
        job = bookmark["job"]
        if job in self._unread:
            self._unread[job].add(path)
        return {"job": job, "names": bookmark["names"], "kind": kind, "path": path}

    def _is_read(self, job: str, path: str) -> bool:
        """Whether this was all that was left of a job."""
        left = self._unread.get(job)
        if left is None:
            return False
        left.discard(path)
        if not left:
            del self._unread[job]
        return not left

    async def _discard(self, job: str, *, is_running: bool = False) -> None:
        """Leave nothing behind at the vendor's, if that can be done."""
        calls = [Call("DELETE", f"{JOBS}/{job}")]
        if is_running:
            calls.insert(0, Call("PATCH", f"{JOBS}/{job}", json={"state": "Aborted"}))
        try:
            for call in calls:
                await self._door.send(call)
        except SourceError as error:
            log.info("query job %s is left to the vendor to delete: %s", job, error)


def text_frame(content: bytes, names: Sequence[str]) -> pl.DataFrame:
    """The rows of a CSV page under the columns that their fields land in.

    A page begins with a header, or it does not: only a line of the known names is one.
    """
    columns = [name.lower() for name in names]
    line, _, below = content.partition(b"\n")
    first = line.decode().replace('"', "").strip().lower().split(",")
    if sorted(first) == sorted(columns):
        columns, content = first, below
    content = content.strip(b"\r\n")
    if not content:
        return pl.DataFrame(schema=dict.fromkeys(columns, pl.String()))
    try:
        return pl.read_csv(content, has_header=False, new_columns=columns, infer_schema=False)
    except pl.exceptions.PolarsError as error:
        raise ContractBroken(SYSTEM, f"a result page cannot be read as CSV: {error}") from error


def as_rest_writes(spec: ObjectSpec, rows: pl.DataFrame) -> pl.DataFrame:
    """Times and numbers in the spelling of REST, so that it does not show how a row came here."""
    kinds = {item.column: item.kind for item in spec.fields if item.column in rows.columns}
    spelled = [
        pl.col(name).str.replace(r"Z$", "+0000") if kind == "datetime" else _plain(rows[name])
        for name, kind in kinds.items()
        if kind in {"datetime", "decimal"}
    ]
    return rows.with_columns(spelled)


def _plain(numbers: pl.Series) -> pl.Series:
    if not numbers.str.contains("E", literal=True).any():
        return numbers
    return numbers.map_elements(plain_number, return_dtype=pl.String())


def _results(job: str) -> str:
    return f"{JOBS}/{job}/results?maxRecords={MOST_RECORDS}"


def _is_refusal(error: SourceError) -> bool:
    """Whether this query, or this day, is not one for query jobs; REST may still serve it."""
    if isinstance(error, Unauthorized):
        return error.status == httpx.codes.FORBIDDEN
    return isinstance(error, Rejected) or error.code == _NO_MORE_JOBS
