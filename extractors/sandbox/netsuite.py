"""The NetSuite server: machine login, SuiteQL, and REST records."""

import json
import uuid
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any
from urllib.parse import unquote

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from extractors.sandbox import netsuite_records as records
from extractors.sandbox import suiteql
from extractors.sandbox.credentials import (
    TOKEN_SECONDS,
    credentials,
    is_live_token,
    issue_token,
)
from extractors.sandbox.netsuite_auth import LoginRefusedError, check_assertion
from extractors.sandbox.netsuite_errors import NetSuiteError
from extractors.sandbox.store import Store
from extractors.sandbox.wire import JSONAnswer, read_as_of_replica

TOKEN_PATH = "/services/rest/auth/oauth2/v1/token"  # noqa: S105
QUERY_PATH = "/services/rest/query/v1/suiteql"
RECORD_PATH = "/services/rest/record/v1"

Handler = Callable[[Request], Awaitable[Response]]


class NetSuiteServer:
    """The state behind the routes: the store and the integration's public key."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._suiteql = suiteql.SuiteQL(store)
        known = credentials(store)
        self._secrets = known["netsuite"]
        self._public_key = known["netsuite_public_key"]

    def app(self) -> Starlette:
        one = RECORD_PATH + "/{kind}/{key}"
        routes = [
            Route(TOKEN_PATH, self.token, methods=["POST"]),
            Route(QUERY_PATH, self._guard(self.query), methods=["POST"]),
            Route(RECORD_PATH + "/{kind}", self._guard(self.create), methods=["POST"]),
            Route(one, self._guard(self.read), methods=["GET"]),
            Route(one, self._guard(self.write), methods=["PATCH", "PUT", "DELETE"]),
        ]
        handlers: dict[Any, Any] = {HTTPException: _not_routed}
        return Starlette(routes=routes, exception_handlers=handlers)

    def _guard(self, handler: Handler) -> Handler:
        async def guarded(request: Request) -> Response:
            try:
                self._require_login(request)
                response = await handler(request)
            except NetSuiteError as error:
                response = JSONAnswer(error.body(), status_code=error.status)
            response.headers["X-N-OperationId"] = str(uuid.uuid4())
            return response

        return guarded

    def _require_login(self, request: Request) -> None:
        if not is_live_token(self._store, "netsuite", request.headers.get("authorization")):
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
            "expires_in": str(TOKEN_SECONDS),
            "token_type": "Bearer",
        }
        return JSONAnswer(granted)

    async def query(self, request: Request) -> Response:
        _require_transient(request)
        body = await _json_object(request)
        if not isinstance(body.get("q"), str):
            raise NetSuiteError("Missing query", "INVALID_PARAMETER", "q", 400, "o:errorQueryParam")
        limit, offset = _window(request)
        try:
            page = self._suiteql.page(body["q"], limit, offset)
        except suiteql.SuiteqlError as error:
            detail = f"Invalid search query. Detailed unprocessed description follows. {error}"
            raise NetSuiteError(
                detail, "INVALID_PARAMETER", "q", 400, "o:errorQueryParam"
            ) from error
        for table in page.tables:
            read_as_of_replica(request, self._store, "netsuite", table)
        return JSONAnswer(
            {
                "links": _links(str(request.url.replace(query="")), limit, offset, page),
                "count": len(page.items),
                "hasMore": page.has_more,
                "items": [{"links": [], **item} for item in page.items],
                "offset": offset,
                "totalResults": page.total,
            }
        )

    async def create(self, request: Request) -> Response:
        kind = request.path_params["kind"].lower()
        body = await _json_object(request)
        with self._store.transaction():
            key = records.create(self._store, kind, body)
        return _located(request, key)

    async def read(self, request: Request) -> Response:
        kind, key = request.path_params["kind"].lower(), unquote(request.path_params["key"])
        read_as_of_replica(request, self._store, "netsuite", records.table_of(kind))
        expand = request.query_params.get("expandSubResources") == "true"
        return JSONAnswer(records.read(self._store, kind, key, expand=expand))

    async def write(self, request: Request) -> Response:
        kind, key = request.path_params["kind"].lower(), unquote(request.path_params["key"])
        if request.method == "DELETE":
            with self._store.transaction():
                records.delete(self._store, kind, key)
            return Response(status_code=204)
        body = await _json_object(request)
        replaced = request.query_params.get("replace")
        if request.method == "PUT" and not key.startswith("eid:"):
            raise NetSuiteError("PUT needs an external id (eid:...)", "INVALID_CONTENT", "id")
        with self._store.transaction():
            if request.method == "PUT":
                external_id = key.removeprefix("eid:")
                internal = records.upsert(self._store, kind, external_id, body, replaced)
            else:
                internal = records.update(self._store, kind, key, body, replaced)
        return _located(request, internal)


def _located(request: Request, key: str) -> Response:
    kind = request.path_params["kind"]
    base = f"{request.url.scheme}://{request.url.netloc}{RECORD_PATH}"
    return Response(status_code=204, headers={"Location": f"{base}/{kind}/{key}"})


def _require_transient(request: Request) -> None:
    if "transient" not in request.headers.get("prefer", "").lower():
        detail = "The required request header 'Prefer' is missing or not 'transient'."
        raise NetSuiteError(detail, "INVALID_HEADER", "Prefer", 400, "o:errorHeader")


def _window(request: Request) -> tuple[int, int]:
    """Limit and offset as NetSuite allows them."""
    limit = _number(request, "limit", suiteql.LARGEST_PAGE)
    offset = _number(request, "offset", 0)
    if not 1 <= limit <= suiteql.LARGEST_PAGE:
        raise _wrong("limit", f"The limit must be between 1 and {suiteql.LARGEST_PAGE}.")
    if offset % limit:
        raise _wrong("offset", "The offset must be a multiple of the limit.")
    if offset + limit > suiteql.LAST_ROW:
        raise _wrong("offset", f"Only the first {suiteql.LAST_ROW} rows can be paged.")
    return limit, offset


def _number(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name, str(default))
    if not text.isdecimal():
        raise _wrong(name, f"Not a number: {text}")
    return int(text)


def _wrong(name: str, detail: str) -> NetSuiteError:
    return NetSuiteError(detail, "INVALID_PARAMETER", name, 400, "o:errorQueryParam")


def _links(url: str, limit: int, offset: int, page: suiteql.Page) -> list[dict[str, str]]:
    offsets = {"self": offset}
    if offset:
        offsets |= {"first": 0, "previous": max(offset - limit, 0)}
    if page.has_more:
        offsets |= {"next": offset + limit, "last": (page.total - 1) // limit * limit}
    return [{"rel": rel, "href": f"{url}?limit={limit}&offset={at}"} for rel, at in offsets.items()]


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
