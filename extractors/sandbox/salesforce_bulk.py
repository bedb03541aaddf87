"""Query jobs of Bulk API 2.0: asked for, waited for, read as CSV in pages.

`BULK` in the store's settings steers the org: see `Settings`.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from extractors.sandbox import faults
from extractors.sandbox.ids import salesforce_key
from extractors.sandbox.salesforce_query import matching_keys, read_rows
from extractors.sandbox.salesforce_records import SalesforceError
from extractors.sandbox.salesforce_render import csv_line
from extractors.sandbox.salesforce_schema import USER
from extractors.sandbox.schema import to_text
from extractors.sandbox.soql import Query, parse
from extractors.sandbox.store import Store

BULK = "salesforce_bulk"
PAGES_AT_ONCE = 5
DAILY_JOBS = 10_000
JOB_PREFIX = "750"
_NOT_FOUND = 404
_CONFLICT = 409
_DELIMITERS = {
    "BACKQUOTE": "`",
    "CARET": "^",
    "COMMA": ",",
    "PIPE": "|",
    "SEMICOLON": ";",
    "TAB": "\t",
}
_LINE_ENDINGS = {"LF": "\n", "CRLF": "\r\n"}
_OPERATIONS = ("query", "queryAll")
_ENDED = ("JobComplete", "Failed", "Aborted")


@dataclass(frozen=True)
class Settings:
    """How the org treats query jobs.

    `polls`: how often a job is seen in progress before it is complete. `page_rows`: the most rows
    of a result page. `refused`: objects whose jobs are refused, with the error code. `failing`:
    objects whose jobs fail. `jobs_left`: how many jobs the org still takes. `parallel`: whether
    result pages are listed.
    """

    polls: int = 1
    page_rows: int = 25_000
    refused: Mapping[str, str] = field(default_factory=dict)
    failing: Sequence[str] = ()
    jobs_left: int = DAILY_JOBS
    parallel: bool = True


def set_bulk(store: Store, settings: Settings) -> None:
    """Let query jobs behave so from now on."""
    store.set_meta(BULK, asdict(settings))


@dataclass
class Job:
    """A query job; `keys` are the ids of its result once it is complete."""

    id: str
    version: str
    operation: str
    query: Query
    created_at: str
    delimiter: str
    line_ending: str
    polls_left: int
    page_rows: int
    state: str = "UploadComplete"
    error: str | None = None
    keys: Sequence[str] = ()
    total: int = 0

    def locator(self, position: int) -> str:
        """A name for what follows a position: it tells nothing and is the same each time."""
        return hashlib.sha256(f"{self.id}:{position}".encode()).hexdigest()[:12]


@dataclass(frozen=True)
class Result:
    """Part of a job's result; `locator` leads to the next part, "null" where there is none."""

    text: str
    rows: int
    locator: str


class Jobs:
    """All query jobs of the org, for as long as the server runs."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._jobs: dict[str, Job] = {}
        self._locators: dict[str, dict[str, int]] = {}
        self._made = 0

    def create(self, body: Mapping[str, Any], version: str) -> dict[str, Any]:
        settings = self._settings()
        if self._made >= settings.jobs_left:
            raise SalesforceError("LIMIT_EXCEEDED", "The daily limit of query jobs is reached.")
        query = _required_query(body)
        if query.table.name in settings.refused:
            message = f"Entity '{query.table.name}' is not supported by the Bulk API."
            raise SalesforceError(settings.refused[query.table.name], message)
        self._made += 1
        job = Job(
            id=salesforce_key(JOB_PREFIX, self._made),
            version=version,
            operation=body["operation"],
            query=query,
            created_at=to_text(self._store.now(), "salesforce"),
            delimiter=_one_of(body, "columnDelimiter", "COMMA", _DELIMITERS),
            line_ending=_one_of(body, "lineEnding", "LF", _LINE_ENDINGS),
            polls_left=settings.polls,
            page_rows=settings.page_rows,
            error="InternalServerError : the query timed out"
            if query.table.name in settings.failing
            else None,
        )
        self._jobs[job.id], self._locators[job.id] = job, {}
        return _shown(job)

    def listed(self) -> dict[str, Any]:
        records = [_shown(job) for job in self._jobs.values()]
        return {"done": True, "nextRecordsUrl": None, "records": records}

    def status(self, job_id: str) -> dict[str, Any]:
        """How far a job is; it goes on while it is asked."""
        job = self._known(job_id)
        if job.state in {"UploadComplete", "InProgress"}:
            if job.polls_left > 0:
                job.state, job.polls_left = "InProgress", job.polls_left - 1
            else:
                self._finish(job)
        done = {
            "jobType": "V2Query",
            "numberRecordsProcessed": job.total,
            "retries": 0,
            "totalProcessingTime": 1 if job.state in _ENDED else 0,
            "isPkChunkingSupported": True,
        }
        failed = {"errorMessage": job.error} if job.state == "Failed" else {}
        return _shown(job) | done | failed

    def _finish(self, job: Job) -> None:
        if job.error:
            job.state = "Failed"
            return
        deleted = job.operation == "queryAll"
        found = matching_keys(self._store, job.query, include_deleted=deleted)
        hidden = faults.dropped(self._store, "salesforce", job.query.table.name)
        job.keys, job.total = [key for key in found if key not in hidden], len(found)
        job.state = "JobComplete"

    def abort(self, job_id: str, body: Mapping[str, Any]) -> dict[str, Any]:
        job = self._known(job_id)
        if body.get("state") != "Aborted":
            raise SalesforceError("INVALIDJOBSTATE", "A query job can only be set to Aborted")
        if job.state in _ENDED:
            message = f"A job in the state {job.state} cannot be aborted"
            raise SalesforceError("INVALIDJOBSTATE", message)
        job.state = "Aborted"
        return _shown(job)

    def delete(self, job_id: str) -> None:
        job = self._known(job_id)
        if job.state not in _ENDED:
            message = f"A job in the state {job.state} cannot be deleted"
            raise SalesforceError("INVALIDJOBSTATE", message)
        del self._jobs[job.id], self._locators[job.id]

    def results(self, job_id: str, version: str, locator: str | None, most: str | None) -> Result:
        job = self._readable(job_id, version)
        start = 0 if locator is None else self._position(job, locator)
        rows = job.page_rows if most is None else min(_positive(most), job.page_rows)
        keys = job.keys[start : start + rows]
        table, selected = job.query.table, job.query.selected
        rendered = csv_line(table, selected, job.delimiter)
        header = job.delimiter.join(f'"{item.name}"' for item in selected)
        lines = [line for (line,) in read_rows(self._store, table, rendered, keys)]
        text = job.line_ending.join([header, *lines, ""])
        return Result(text, len(lines), self._next(job, start + len(keys)))

    def result_pages(self, job_id: str, version: str, locator: str | None) -> dict[str, Any]:
        """Up to five places from which the result can be read side by side."""
        job = self._readable(job_id, version)
        if not self._settings().parallel:
            raise _missing()
        root = f"/services/data/{version}/jobs/query/{job.id}"
        start = 0 if locator is None else self._position(job, locator)
        ends = len(job.keys) or 1
        stop = start + PAGES_AT_ONCE * job.page_rows
        pages = [
            {"resultUrl": f"{root}/results?locator={self._remembered(job, position)}"}
            for position in range(start, min(stop, ends), job.page_rows)
        ]
        if stop >= ends:
            return {"resultPages": pages, "nextRecordsUrl": None, "done": True}
        following = f"{root}/resultPages?locator={self._remembered(job, stop)}"
        return {"resultPages": pages, "nextRecordsUrl": following, "done": False}

    def _next(self, job: Job, position: int) -> str:
        return self._remembered(job, position) if position < len(job.keys) else "null"

    def _remembered(self, job: Job, position: int) -> str:
        locator = job.locator(position)
        self._locators[job.id][locator] = position
        return locator

    def _position(self, job: Job, locator: str) -> int:
        try:
            return self._locators[job.id][locator]
        except KeyError:
            message = f"The locator {locator} is not one of this job"
            raise SalesforceError("INVALID_QUERY_LOCATOR", message) from None

    def _readable(self, job_id: str, version: str) -> Job:
        job = self._known(job_id)
        if job.version != version:
            message = f"The job was made with version {job.version}, not with {version}"
            raise SalesforceError("INVALID_API_VERSION", message, (), _CONFLICT)
        if job.state != "JobComplete":
            message = f"The job is in the state {job.state}, not in JobComplete"
            raise SalesforceError("INVALIDJOBSTATE", message)
        return job

    def _known(self, job_id: str) -> Job:
        job = self._jobs.get(job_id)
        if job is None:
            raise _missing()
        return job

    def _settings(self) -> Settings:
        return Settings(**self._store.meta(BULK, {}))


def _missing() -> SalesforceError:
    return SalesforceError("NOT_FOUND", "The requested resource does not exist", (), _NOT_FOUND)


def _required_query(body: Mapping[str, Any]) -> Query:
    if body.get("operation") not in _OPERATIONS:
        message = f"operation must be one of {', '.join(_OPERATIONS)}"
        raise SalesforceError("INVALID_INPUT", message)
    if body.get("contentType", "CSV") != "CSV":
        raise SalesforceError("INVALID_INPUT", "contentType must be CSV")
    if not isinstance(body.get("query"), str):
        raise SalesforceError("INVALID_INPUT", "A query string has to be specified")
    query = parse(body["query"])
    if any(selected.kind == "compound" for selected in query.selected):
        message = "Selecting compound data not supported in Bulk Query"
        raise SalesforceError("FUNCTIONALITY_NOT_ENABLED", message)
    refused = _not_in_bulk(query)
    if refused:
        raise SalesforceError("FEATURENOTENABLED", f"{refused} not supported in Bulk V2 Query")
    return query


def _not_in_bulk(query: Query) -> str | None:
    if query.children:
        return "Aggregate Relationships"
    if query.is_count or query.is_aggregate:
        return "Aggregate functions"
    return "OFFSET" if query.offset else None


def _one_of(body: Mapping[str, Any], name: str, default: str, known: Mapping[str, str]) -> str:
    """The characters that a setting of a job stands for."""
    chosen = body.get(name) or default
    if chosen not in known:
        raise SalesforceError("INVALID_INPUT", f"{name} must be one of {', '.join(known)}")
    return known[chosen]


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise SalesforceError("INVALID_INPUT", f"maxRecords must be a positive number, not {text}")
    return int(text)


def _shown(job: Job) -> dict[str, Any]:
    delimiters = {characters: name for name, characters in _DELIMITERS.items()}
    endings = {characters: name for name, characters in _LINE_ENDINGS.items()}
    return {
        "id": job.id,
        "operation": job.operation,
        "object": job.query.table.name,
        "createdById": USER,
        "createdDate": job.created_at,
        "systemModstamp": job.created_at,
        "state": job.state,
        "concurrencyMode": "Parallel",
        "contentType": "CSV",
        "apiVersion": float(job.version.removeprefix("v")),
        "lineEnding": endings[job.line_ending],
        "columnDelimiter": delimiters[job.delimiter],
    }
