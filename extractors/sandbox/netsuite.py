"""The NetSuite server: its two logins, SuiteQL, REST records, and asynchronous requests."""

import asyncio
import json
import uuid
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any
from urllib.parse import unquote

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from extractors.sandbox import netsuite_jobs as jobs
from extractors.sandbox import netsuite_lists as lists
from extractors.sandbox import netsuite_metadata as metadata
from extractors.sandbox import netsuite_records as records
from extractors.sandbox.credentials import (
    credentials,
    is_live_token,
    issue_token,
)
from extractors.sandbox.limits import limits_of
from extractors.sandbox.netsuite_account import require_edit
from extractors.sandbox.netsuite_auth import (
    LoginRefusedError,
    SignedRequests,
    check_assertion,
)
from extractors.sandbox.netsuite_errors import NetSuiteError
from extractors.sandbox.netsuite_query import Window, refused, require_transient, window
from extractors.sandbox.netsuite_transform import transform
from extractors.sandbox.store import Store
from extractors.sandbox.suiteql import Page, SuiteQL
from extractors.sandbox.suiteql_translation import SuiteqlError
from extractors.sandbox.wire import JSONAnswer, read_as_of_replica

TOKEN_PATH = "/services/rest/auth/oauth2/v1/token"  # noqa: S105
QUERY_PATH = "/services/rest/query/v1/suiteql"
RECORD_PATH = "/services/rest/record/v1"
TIME_PATH = "/services/rest/system/v1/serverTime"

Handler = Callable[[Request], Awaitable[Response]]


class NetSuiteServer:
    """The state behind the routes: the store, the integration's key and its signing secrets."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._suiteql = SuiteQL(store)
        self._aside = ThreadPoolExecutor(1, "suiteql")
        known = credentials(store)
        self._secrets = known["netsuite"]
        self._public_key = known["netsuite_public_key"]
        self._signed = SignedRequests(known["netsuite_tba"])

    def app(self) -> Starlette:
        catalog = f"{RECORD_PATH}/{metadata.CATALOG}"
        one = RECORD_PATH + "/{kind}/{key}"
        job = jobs.JOB_PATH + "/{job}"
        routes = [
            Route(TOKEN_PATH, self.token, methods=["POST"]),
            Route(QUERY_PATH, self._guard(self.query), methods=["POST"]),
            Route(TIME_PATH, self._guard(self.server_time), methods=["GET"]),
            Route(catalog, self._guard(self.catalog), methods=["GET"]),
            Route(catalog + "/{kind}", self._guard(self.schema), methods=["GET"]),
            Route(RECORD_PATH + "/{kind}", self._record(self.create), methods=["POST"]),
            Route(RECORD_PATH + "/{kind}", self._record(self.list), methods=["GET"]),
            Route(one, self._record(self.read), methods=["GET"]),
            Route(one, self._record(self.write), methods=["PATCH", "PUT", "DELETE"]),
            Route(one + "/!transform/{target}", self._record(self.transform), methods=["POST"]),
            Route(one + "/{sublist}", self._record(self.sublist), methods=["GET"]),
            Route(job, self._guard(self.job), methods=["GET"]),
            Route(job + "/task", self._guard(self.job_tasks), methods=["GET"]),
            Route(job + "/task/{task}", self._guard(self.job_task), methods=["GET"]),
            Route(job + "/task/{task}/result", self._guard(self.job_result), methods=["GET"]),
        ]
        handlers: dict[Any, Any] = {HTTPException: _not_routed}
        return Starlette(routes=routes, exception_handlers=handlers)

    def _guard(self, handler: Handler) -> Handler:
        async def guarded(request: Request) -> Response:
            try:
                self._require_login(request)
                response = await handler(request)
            except NetSuiteError as error:
                response = _refusal(error)
            response.headers["X-N-OperationId"] = str(uuid.uuid4())
            return response

        return guarded

    def _record(self, handler: Handler) -> Handler:
        """A request for records can also be left behind for its result to be fetched later."""

        async def now_or_later(request: Request) -> Response:
            if not jobs.is_asynchronous(request):
                return await handler(request)
            jobs.require_new_key(self._store, request)
            try:
                response = await handler(request)
            except NetSuiteError as error:
                response = _refusal(error)
            return jobs.submitted(self._store, request, response)

        return self._guard(now_or_later)

    def _require_login(self, request: Request) -> None:
        given = request.headers.get("authorization", "")
        if given[:6].lower() == "oauth ":
            is_known = self._signed.admits(request.method, str(request.url), given)
        else:
            is_known = is_live_token(self._store, "netsuite", given)
        if not is_known:
            detail = "Invalid login attempt. For more details, see the Login Audit Trail."
            raise NetSuiteError(detail, "INVALID_LOGIN", None, 401)

    async def token(self, request: Request) -> Response:
        form = {name: str(value) for name, value in (await request.form()).items()}
        audience = f"{request.url.scheme}://{request.url.netloc}{TOKEN_PATH}"
        try:
            check_assertion(form, self._secrets, self._public_key, audience)
        except LoginRefusedError as refusal:
            return JSONAnswer({"error": str(refusal)}, status_code=400)
        granted = {
            "access_token": issue_token(self._store, "netsuite"),
            "expires_in": str(limits_of(self._store, "netsuite").token_seconds),
            "token_type": "Bearer",
        }
        return JSONAnswer(granted)

    async def server_time(self, _: Request) -> Response:
        return JSONAnswer({"serverTime": f"{self._store.now():%Y-%m-%dT%H:%M:%SZ}"})

    async def query(self, request: Request) -> Response:
        require_transient(request)
        body = await _json_object(request)
        if not isinstance(body.get("q"), str):
            raise NetSuiteError("Missing query", "INVALID_PARAMETER", "q", 400, "o:errorQueryParam")
        limit, offset = window(request)
        try:
            page = await self._query(body["q"], limit, offset)
        except SuiteqlError as error:
            raise refused(error) from error
        for table in page.tables:
            read_as_of_replica(request, self._store, "netsuite", table)
        return Window(request, page, limit, offset)

    async def _query(self, text: str, limit: int, offset: int) -> Page:
        """Beside the loop: calls that come in meanwhile are not kept at the door."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._aside, self._suiteql.page, text, limit, offset)

    async def catalog(self, request: Request) -> Response:
        if "swagger" in request.headers.get("accept", ""):
            select = request.query_params.get("select")
            return JSONAnswer(metadata.openapi(self._store, select))
        return JSONAnswer(metadata.catalog(str(request.url.replace(query=""))))

    async def schema(self, request: Request) -> Response:
        return JSONAnswer(metadata.schema(self._store, request.path_params["kind"]))

    async def list(self, request: Request) -> Response:
        kind = _kind(request)
        read_as_of_replica(request, self._store, "netsuite", records.table_of(kind))
        limit, offset = window(request)
        found = lists.ids(self._store, kind, request.query_params.get("q"))
        url = f"{_base(request)}/{records.NAMES[kind]}"
        items = [
            json.dumps({"links": [{"rel": "self", "href": f"{url}/{key}"}], "id": key})
            for key in found[offset : offset + limit]
        ]
        page = Page(items, len(found), offset + limit < len(found), frozenset())
        return Window(request, page, limit, offset)

    async def create(self, request: Request) -> Response:
        kind = _kind(request)
        require_edit(self._store, kind)
        body = await _json_object(request)
        with self._store.transaction():
            key = records.create(self._store, kind, body)
        return _located(request, kind, key)

    async def read(self, request: Request) -> Response:
        kind, key = _kind(request), unquote(request.path_params["key"])
        read_as_of_replica(request, self._store, "netsuite", records.table_of(kind))
        expand = request.query_params.get("expandSubResources") == "true"
        record = records.read(self._store, kind, key, _base(request), expand=expand)
        wanted = request.query_params.get("fields")
        if wanted:
            chosen = {"links", "id", *wanted.split(",")}
            record = {name: value for name, value in record.items() if name in chosen}
        return JSONAnswer(record)

    async def sublist(self, request: Request) -> Response:
        kind, key = _kind(request), unquote(request.path_params["key"])
        lines = records.sublist(self._store, kind, key, request.path_params["sublist"])
        items = [json.dumps({"links": [], **line}) for line in lines]
        limit, offset = window(request)
        return Window(request, Page(items, len(items), False, frozenset()), limit, offset)

    async def write(self, request: Request) -> Response:
        kind, key = _kind(request), unquote(request.path_params["key"])
        require_edit(self._store, kind)
        if request.method == "DELETE":
            with self._store.transaction():
                records.delete(self._store, kind, key)
            return Response(status_code=204)
        body = await _json_object(request)
        replace = request.query_params.get("replace")
        if request.method == "PUT" and not key.startswith("eid:"):
            raise NetSuiteError("PUT needs an external id (eid:...)", "INVALID_CONTENT", "id")
        with self._store.transaction():
            if request.method == "PUT":
                external_id = key.removeprefix("eid:")
                internal = records.upsert(self._store, kind, external_id, body, replace)
            else:
                internal = records.update(self._store, kind, key, body, replace)
        return _located(request, kind, internal)

    async def transform(self, request: Request) -> Response:
        kind, key = _kind(request), unquote(request.path_params["key"])
        target = request.path_params["target"].lower()
        require_edit(self._store, target)
        body = await _json_object(request)
        with self._store.transaction():
            made = transform(self._store, kind, key, target, body)
        return _located(request, target, made)

    async def job(self, request: Request) -> Response:
        return jobs.status(self._store, request.path_params["job"], _url(request))

    async def job_tasks(self, request: Request) -> Response:
        return jobs.tasks(self._store, request.path_params["job"], _url(request))

    async def job_task(self, request: Request) -> Response:
        job, task = request.path_params["job"], request.path_params["task"]
        return jobs.task(self._store, job, task, _url(request))

    async def job_result(self, request: Request) -> Response:
        return jobs.result(self._store, request.path_params["job"], request.path_params["task"])


def _refusal(error: NetSuiteError) -> Response:
    return JSONAnswer(error.body(), status_code=error.status, headers=error.headers)


def _kind(request: Request) -> str:
    return str(request.path_params["kind"]).lower()


def _base(request: Request) -> str:
    return f"{request.url.scheme}://{request.url.netloc}{RECORD_PATH}"


def _url(request: Request) -> str:
    return str(request.url.replace(query="")).rstrip("/")


def _located(request: Request, kind: str, key: str) -> Response:
    name = records.NAMES.get(kind, kind)
    return Response(status_code=204, headers={"Location": f"{_base(request)}/{name}/{key}"})


async def _json_object(request: Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.body(), parse_float=Decimal)
    except ValueError as error:
        raise NetSuiteError(f"Error while parsing the request body: {error}") from error
    if not isinstance(body, dict):
        raise NetSuiteError("The request body must be a JSON object")
    return body


async def _not_routed(_: Request, error: HTTPException) -> Response:
    code = "METHOD_NOT_ALLOWED" if error.status_code == 405 else "NOT_FOUND"  # noqa: PLR2004
    refusal = NetSuiteError("No such resource", code, None, error.status_code)
    return JSONAnswer(refusal.body(), status_code=refusal.status)
