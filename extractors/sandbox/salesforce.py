"""The Salesforce server: OAuth, SOQL, single records, many calls in one, query jobs."""

import gzip
import json
import time
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import unquote

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from extractors.sandbox import salesforce_records as records
from extractors.sandbox.credentials import is_live_token, issue_token
from extractors.sandbox.limits import DAILY_CALLS
from extractors.sandbox.salesforce_batch import batch
from extractors.sandbox.salesforce_bulk import DAILY_JOBS, Jobs
from extractors.sandbox.salesforce_collections import change_many, upsert_many
from extractors.sandbox.salesforce_composite import SINCE, Composite
from extractors.sandbox.salesforce_login import Logins
from extractors.sandbox.salesforce_org import as_the_user_sees, setup_rows
from extractors.sandbox.salesforce_query import Page, Queries, page_size_of, read_rows
from extractors.sandbox.salesforce_records import AmbiguousError, SalesforceError, table_named
from extractors.sandbox.salesforce_render import json_object
from extractors.sandbox.salesforce_schema import USER, describe, summary
from extractors.sandbox.schema import Table, tables_of, to_text
from extractors.sandbox.soql import Selected, SoqlError
from extractors.sandbox.store import Store
from extractors.sandbox.tables import Record
from extractors.sandbox.wire import USAGE, JSONAnswer, read_as_of_replica

DATA = "/services/data"
VERSIONS = range(31, 67)
LONGEST_URI = 16_384
DELETIONS_KEPT = timedelta(days=15)
_BULK_SINCE, _PAGES_SINCE = 47, 58
_UNAUTHORIZED = 401
_NOT_FOUND = 404
_TOO_LONG = 414
_ZIPPED_LEVEL = 1

Handler = Callable[[Request], Any]


class SalesforceServer:
    """The state behind the routes: the store, open cursors and query jobs."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._logins = Logins(store)
        self._queries = Queries(store)
        self._jobs = Jobs(store)
        self._app = Starlette(routes=self._routes(), exception_handlers=_HANDLERS)
        self._composite = Composite(self._app, store)

    def app(self) -> Starlette:
        return self._app

    def _routes(self) -> list[Route]:
        guarded: list[tuple[str, Handler, list[str]]] = [
            ("/query", self.query, ["GET"]),
            ("/queryAll", self.query, ["GET"]),
            ("/query/{locator}", self.query_more, ["GET"]),
            ("/queryAll/{locator}", self.query_more, ["GET"]),
            ("/limits", self.limits, ["GET"]),
            ("/jobs/query", self.jobs, ["GET", "POST"]),
            ("/jobs/query/{job}", self.job, ["GET", "PATCH", "DELETE"]),
            ("/jobs/query/{job}/results", self.results, ["GET"]),
            ("/jobs/query/{job}/resultPages", self.result_pages, ["GET"]),
            ("/sobjects", self.describe_all, ["GET"]),
            ("/composite", self.composite, ["POST"]),
            ("/composite/batch", self.batch, ["POST"]),
            ("/composite/sobjects", self.collection, ["POST", "PATCH"]),
            ("/composite/sobjects/{name}/{field}", self.upsert_collection, ["PATCH"]),
            ("/sobjects/{name}", self.create, ["POST"]),
            ("/sobjects/{name}/describe", self.describe, ["GET"]),
            ("/sobjects/{name}/deleted", self.deleted, ["GET"]),
            ("/sobjects/{name}/{key}", self.by_id, ["GET", "PATCH", "DELETE"]),
            ("/sobjects/{name}/{field}/{value}", self.by_external_id, ["GET", "PATCH"]),
        ]
        return [
            Route("/services/oauth2/token", self.token, methods=["POST"]),
            Route(DATA, self.versions),
            *(
                Route(f"{DATA}/{{version}}{path}", self._guard(handler), methods=methods)
                for path, handler, methods in guarded
            ),
        ]

    def _guard(self, handler: Handler) -> Handler:
        async def guarded(request: Request) -> Response:
            try:
                self._admit(request)
                response: Response = await handler(request)
            except AmbiguousError as error:
                response = _choice(request, error)
            except SalesforceError as error:
                response = _refused(error)
            except SoqlError as error:
                response = _refused(SalesforceError(error.code, error.message))
            response.headers["X-SFDC-Request-Id"] = uuid.uuid4().hex
            return response

        return guarded

    def _admit(self, request: Request) -> None:
        uri = request.scope.get("raw_path", b"") + request.scope["query_string"]
        if len(uri) >= LONGEST_URI:
            raise SalesforceError("REQUEST_URI_TOO_LONG", "URI Too Long", (), _TOO_LONG)
        if not is_live_token(self._store, "salesforce", request.headers.get("authorization")):
            message = "Session expired or invalid"
            raise SalesforceError("INVALID_SESSION_ID", message, (), _UNAUTHORIZED)
        if _number_of(request.path_params["version"]) not in VERSIONS:
            raise _missing()

    async def token(self, request: Request) -> Response:
        form = await request.form()
        problem = self._logins.problem(form, request.headers.get("authorization"))
        if problem:
            body = {"error": problem[0], "error_description": problem[1]}
            return JSONAnswer(body, status_code=400)
        base = f"{request.url.scheme}://{request.url.netloc}"
        granted = {
            "access_token": issue_token(self._store, "salesforce"),
            "instance_url": base,
            "id": f"{base}/id/00DSb0000000001AAA/{USER}",
            "token_type": "Bearer",
            "scope": "api",
            "issued_at": str(int(time.time() * 1000)),
            "signature": "c2FuZGJveA==",
        }
        return JSONAnswer(granted)

    async def versions(self, _: Request) -> Response:
        known = [
            {"label": f"Release {n}", "url": f"{DATA}/v{n}.0", "version": f"{n}.0"}
            for n in VERSIONS
        ]
        return JSONAnswer(known)

    async def limits(self, request: Request) -> Response:
        used, allowed = request.scope.get(USAGE, (0, DAILY_CALLS))
        jobs = len(self._jobs.listed()["records"])
        return JSONAnswer(
            {
                "DailyApiRequests": {"Max": allowed, "Remaining": max(allowed - used, 0)},
                "DailyBulkV2QueryJobs": {"Max": DAILY_JOBS, "Remaining": DAILY_JOBS - jobs},
                "DailyBulkV2QueryFileStorageMB": {"Max": 976_562, "Remaining": 976_562},
            }
        )

    async def query(self, request: Request) -> Response:
        soql = request.query_params.get("q")
        if not soql:
            raise SalesforceError("MALFORMED_QUERY", "A query string has to be specified")
        if (rows := setup_rows(self._store, soql)) is not None:
            return JSONAnswer({"totalSize": len(rows), "done": True, "records": rows})
        page = self._queries.start(
            soql,
            include_deleted=request.url.path.rstrip("/").endswith("/queryAll"),
            page_size=page_size_of(request.headers.get("sforce-query-options")),
            root=_root(request),
        )
        return self._page(request, page)

    async def query_more(self, request: Request) -> Response:
        size = page_size_of(request.headers.get("sforce-query-options"))
        locator = request.path_params["locator"]
        return self._page(request, self._queries.more(locator, size, _root(request)))

    def _page(self, request: Request, page: Page) -> Response:
        self._date_by_object(request, page.object)
        return Response(page.text, media_type="application/json")

    async def jobs(self, request: Request) -> Response:
        version = _version_since(request, _BULK_SINCE)
        if request.method == "GET":
            return JSONAnswer(self._jobs.listed())
        return JSONAnswer(self._jobs.create(await _json_object(request), version))

    async def job(self, request: Request) -> Response:
        _version_since(request, _BULK_SINCE)
        job_id = request.path_params["job"]
        if request.method == "DELETE":
            self._jobs.delete(job_id)
            return Response(status_code=204)
        if request.method == "PATCH":
            return JSONAnswer(self._jobs.abort(job_id, await _json_object(request)))
        return JSONAnswer(self._jobs.status(job_id))

    async def results(self, request: Request) -> Response:
        asked = request.query_params
        result = self._jobs.results(
            request.path_params["job"],
            _version_since(request, _BULK_SINCE),
            asked.get("locator"),
            asked.get("maxRecords"),
        )
        headers = {"Sforce-Locator": result.locator, "Sforce-NumberOfRecords": str(result.rows)}
        content = result.text.encode()
        if "gzip" in request.headers.get("accept-encoding", ""):
            content = gzip.compress(content, _ZIPPED_LEVEL)
            headers["Content-Encoding"] = "gzip"
        return Response(content, headers=headers, media_type="text/csv")

    async def result_pages(self, request: Request) -> Response:
        version = _version_since(request, _PAGES_SINCE)
        locator = request.query_params.get("locator")
        return JSONAnswer(self._jobs.result_pages(request.path_params["job"], version, locator))

    async def batch(self, request: Request) -> Response:
        return JSONAnswer(await batch(self._app, request, await _json_object(request)))

    async def composite(self, request: Request) -> Response:
        _version_since(request, SINCE)
        return JSONAnswer(await self._composite.answer(request, await _json_object(request)))

    async def describe_all(self, request: Request) -> Response:
        root = _root(request)
        listed = [summary(table, root) for table in tables_of("salesforce").values()]
        return JSONAnswer({"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": listed})

    async def describe(self, request: Request) -> Response:
        table = table_named(request.path_params["name"])
        return JSONAnswer(as_the_user_sees(self._store, describe(table, _root(request))))

    async def deleted(self, request: Request) -> Response:
        """What was deleted between two times of the last days."""
        table = table_named(request.path_params["name"])
        start, end = (_moment(request, name) for name in ("start", "end"))
        now = self._store.now()
        earliest = now - DELETIONS_KEPT
        if start >= end:
            raise SalesforceError("INVALID_REPLICATION_DATE", "startDate must be before endDate")
        if start < earliest:
            message = f"startDate before org replication enabled date {earliest:%Y-%m-%dT%H:%M:%SZ}"
            raise SalesforceError("INVALID_REPLICATION_DATE", message)
        stamp = "SystemModstamp" if "SystemModstamp" in table.columns else "CreatedDate"
        sql = (
            f'SELECT "Id", "{stamp}" FROM {table.sql_name} WHERE "IsDeleted" = 1 '
            f'AND "{stamp}" >= ? AND "{stamp}" < ? ORDER BY "{stamp}", "Id"'
        )
        window = [to_text(at, "salesforce") for at in (start, end)]
        found = [{"id": key, "deletedDate": at} for key, at in self._store.query(sql, window)]
        self._date_by_object(request, table.name)
        return JSONAnswer(
            {
                "deletedRecords": found,
                "earliestDateAvailable": to_text(earliest, "salesforce"),
                "latestDateCovered": to_text(min(end, now), "salesforce"),
            }
        )

    async def create(self, request: Request) -> Response:
        table = table_named(request.path_params["name"])
        body = await _json_object(request)
        record_id = records.create(self._store, table, body, allow_duplicates=_may_repeat(request))
        return JSONAnswer({"id": record_id, "success": True, "errors": []}, status_code=201)

    async def by_id(self, request: Request) -> Response:
        table = table_named(request.path_params["name"])
        key = request.path_params["key"]
        if request.method == "GET":
            self._date_by_object(request, table.name)
            return self._record(request, table, records.read_live(self._store, table, key))
        if request.method == "DELETE":
            records.delete(self._store, table, key)
        else:
            body = await _json_object(request)
            records.update(self._store, table, key, body, **_conditions(request))
        return Response(status_code=204)

    async def by_external_id(self, request: Request) -> Response:
        table = table_named(request.path_params["name"])
        field, value = request.path_params["field"], unquote(request.path_params["value"])
        if request.method == "PATCH":
            body = await _json_object(request)
            how = _conditions(request)
            record_id, created = records.upsert(self._store, table, field, value, body, **how)
            answer = {"id": record_id, "success": True, "errors": [], "created": created}
            return JSONAnswer(answer, status_code=201 if created else 200)
        record = records.read_by_external_id(self._store, table, field, value)
        if record is None:
            raise _missing()
        return self._record(request, table, record)

    async def collection(self, request: Request) -> Response:
        body = await _json_object(request)
        is_create = request.method == "POST"
        return JSONAnswer(change_many(self._store, body, is_create=is_create))

    async def upsert_collection(self, request: Request) -> Response:
        table = table_named(request.path_params["name"])
        body = await _json_object(request)
        return JSONAnswer(upsert_many(self._store, table, request.path_params["field"], body))

    def _record(self, request: Request, table: Table, record: Record) -> Response:
        records.require_unmodified(record, request.headers.get("if-unmodified-since"))
        asked = request.query_params.get("fields")
        names = asked.split(",") if asked else list(table.columns)
        for name in names:
            if name not in table.columns:
                message = f"No such column '{name}' on entity '{table.name}'."
                raise SalesforceError("INVALID_FIELD", message)
        selected = [Selected(f'"{name}"', name, table.columns[name]) for name in names]
        rendered = json_object(table, selected, _root(request))
        ((text,),) = read_rows(self._store, table, rendered, [record["Id"]])
        return Response(text, media_type="application/json")

    def _date_by_object(self, request: Request, name: str) -> None:
        read_as_of_replica(request, self._store, "salesforce", name)


def _root(request: Request) -> str:
    return f"{DATA}/{request.path_params['version']}"


def _number_of(version: str) -> int | None:
    """62 of `v62.0`."""
    number = version.removeprefix("v").removesuffix(".0")
    return int(number) if version == f"v{number}.0" and number.isdecimal() else None


def _version_since(request: Request, first: int) -> str:
    """The version of a call to what only versions from `first` on have."""
    version = str(request.path_params["version"])
    if (_number_of(version) or 0) < first:
        raise _missing()
    return version


def _conditions(request: Request) -> dict[str, Any]:
    """What the headers of a write demand, and what they allow."""
    return {
        "unmodified_since": request.headers.get("if-unmodified-since"),
        "allow_duplicates": _may_repeat(request),
    }


def _may_repeat(request: Request) -> bool:
    return "allowSave=true" in request.headers.get("sforce-duplicate-rule-header", "")


def _moment(request: Request, name: str) -> datetime:
    try:
        at = datetime.fromisoformat(request.query_params[name].replace(" ", "+"))
    except (KeyError, ValueError):
        message = f"{name} must be an ISO 8601 time"
        raise SalesforceError("INVALID_REPLICATION_DATE", message) from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


async def _json_object(request: Request) -> Mapping[str, Any]:
    try:
        body = json.loads(await request.body(), parse_float=Decimal)
    except ValueError as error:
        raise SalesforceError("JSON_PARSER_ERROR", str(error)) from error
    if not isinstance(body, dict):
        raise SalesforceError("JSON_PARSER_ERROR", "The body must be a JSON object")
    return body


def _missing() -> SalesforceError:
    return SalesforceError("NOT_FOUND", "The requested resource does not exist", (), _NOT_FOUND)


def _choice(request: Request, error: AmbiguousError) -> Response:
    name = request.path_params["name"]
    urls = [f"{_root(request)}/sobjects/{name}/{key}" for key in error.records]
    return JSONAnswer(urls, status_code=300)


def _refused(error: SalesforceError) -> Response:
    problem: dict[str, Any] = {"message": error.message, "errorCode": error.code, **error.more}
    if error.fields:
        problem["fields"] = list(error.fields)
    return JSONAnswer([problem], status_code=error.status)


async def _not_routed(_: Request, error: HTTPException) -> Response:
    code = "METHOD_NOT_ALLOWED" if error.status_code == 405 else "NOT_FOUND"  # noqa: PLR2004
    message = "The requested resource does not exist"
    return _refused(SalesforceError(code, message, (), error.status_code))


_HANDLERS: dict[Any, Any] = {HTTPException: _not_routed}
