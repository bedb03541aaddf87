"""The Salesforce server: OAuth, SOQL, single records and collections of API v62.0."""

import json
import time
import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from urllib.parse import unquote

import jwt
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from extractors.sandbox import salesforce_records as records
from extractors.sandbox.credentials import credentials, is_live_token, issue_token
from extractors.sandbox.salesforce_collections import change_many, upsert_many
from extractors.sandbox.salesforce_query import API, Queries, as_json, attributes, page_size_of
from extractors.sandbox.salesforce_records import SalesforceError, table_named
from extractors.sandbox.schema import Table, tables_of
from extractors.sandbox.soql import SoqlError
from extractors.sandbox.store import Store
from extractors.sandbox.tables import Record
from extractors.sandbox.wire import JSONAnswer, read_as_of_replica

DAILY_REQUESTS = 100_000
_JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"

Handler = Callable[[Request], Any]


class SalesforceServer:
    """The state behind the routes: the store, open cursors, and the count of requests."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._secrets = credentials(store)["salesforce"]
        self._queries = Queries(store)
        self._requests = 0

    def app(self) -> Starlette:
        token = Route("/services/oauth2/token", self.token, methods=["POST"])
        routes = [token, Route("/services/data", self.versions)]
        guarded: list[tuple[str, Handler, list[str]]] = [
            ("/query", self.query, ["GET"]),
            ("/queryAll", self.query, ["GET"]),
            ("/query/{locator}", self.query_more, ["GET"]),
            ("/queryAll/{locator}", self.query_more, ["GET"]),
            ("/limits", self.limits, ["GET"]),
            ("/sobjects", self.describe_all, ["GET"]),
            ("/composite/sobjects", self.collection, ["POST", "PATCH"]),
            ("/composite/sobjects/{name}/{field}", self.upsert_collection, ["PATCH"]),
            ("/sobjects/{name}", self.create, ["POST"]),
            ("/sobjects/{name}/describe", self.describe, ["GET"]),
            ("/sobjects/{name}/{key}", self.by_id, ["GET", "PATCH", "DELETE"]),
            ("/sobjects/{name}/{field}/{value}", self.by_external_id, ["GET", "PATCH"]),
        ]
        routes += [
            Route(API + path, self._guard(handler), methods=methods)
            for path, handler, methods in guarded
        ]
        handlers: dict[Any, Any] = {HTTPException: _not_routed}
        return Starlette(routes=routes, exception_handlers=handlers)

    def _guard(self, handler: Handler) -> Handler:
        async def guarded(request: Request) -> Response:
            self._requests += 1
            try:
                if not is_live_token(
                    self._store, "salesforce", request.headers.get("authorization")
                ):
                    message = "Session expired or invalid"
                    raise SalesforceError("INVALID_SESSION_ID", message, (), 401)  # noqa: TRY301
                response: Response = await handler(request)
            except SalesforceError as error:
                response = _refused(error)
            except SoqlError as error:
                response = _refused(SalesforceError(error.code, error.message))
            usage = f"api-usage={self._requests}/{DAILY_REQUESTS}"
            response.headers["Sforce-Limit-Info"] = usage
            response.headers["X-SFDC-Request-Id"] = uuid.uuid4().hex
            return response

        return guarded

    async def token(self, request: Request) -> Response:
        form = await request.form()
        if form.get("grant_type") == _JWT_BEARER:
            problem = self._jwt_problem(str(form.get("assertion")))
        elif form.get("grant_type") == "client_credentials":
            problem = self._secret_problem(form.get("client_id"), form.get("client_secret"))
        else:
            problem = ("unsupported_grant_type", "grant type not supported")
        if problem:
            body = {"error": problem[0], "error_description": problem[1]}
            return JSONAnswer(body, status_code=400)
        base = f"{request.url.scheme}://{request.url.netloc}"
        granted = {
            "access_token": issue_token(self._store, "salesforce"),
            "instance_url": base,
            "id": f"{base}/id/00DSb0000000001AAA/005Sb0000000001AAA",
            "token_type": "Bearer",
            "scope": "api",
            "issued_at": str(int(time.time() * 1000)),
            "signature": "c2FuZGJveA==",
        }
        return JSONAnswer(granted)

    def _secret_problem(self, client_id: Any, secret: Any) -> tuple[str, str] | None:
        if client_id != self._secrets["client_id"]:
            return "invalid_client_id", "client identifier invalid"
        if secret != self._secrets["client_secret"]:
            return "invalid_client", "invalid client credentials"
        return None

    def _jwt_problem(self, assertion: str) -> tuple[str, str] | None:
        """The claims are checked; the signature is not, since no certificate was exchanged."""
        options: Any = {"verify_signature": False, "verify_exp": True, "require": ["exp", "sub"]}
        audience = ["https://login.salesforce.com", "https://test.salesforce.com"]
        try:
            claims = jwt.decode(
                assertion, options=options | {"verify_aud": True}, audience=audience
            )
        except jwt.InvalidTokenError as error:
            return "invalid_grant", f"invalid assertion: {error}"
        if claims.get("iss") != self._secrets["client_id"]:
            return "invalid_client_id", "client identifier invalid"
        return None

    async def versions(self, _: Request) -> Response:
        return JSONAnswer([{"label": "Winter '25", "url": API, "version": "62.0"}])

    async def limits(self, _: Request) -> Response:
        left = DAILY_REQUESTS - self._requests
        return JSONAnswer({"DailyApiRequests": {"Max": DAILY_REQUESTS, "Remaining": left}})

    async def query(self, request: Request) -> Response:
        soql = request.query_params.get("q")
        if not soql:
            raise SalesforceError("MALFORMED_QUERY", "A query string has to be specified")
        page = self._queries.start(
            soql,
            include_deleted=request.url.path.rstrip("/").endswith("/queryAll"),
            page_size=page_size_of(request.headers.get("sforce-query-options")),
        )
        self._date_by_object(request, page.pop("object"))
        return JSONAnswer(page)

    async def query_more(self, request: Request) -> Response:
        size = page_size_of(request.headers.get("sforce-query-options"))
        page = self._queries.more(request.path_params["locator"], size)
        self._date_by_object(request, page.pop("object"))
        return JSONAnswer(page)

    async def describe_all(self, _: Request) -> Response:
        listed = [_summary(table) for table in tables_of("salesforce").values()]
        return JSONAnswer({"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": listed})

    async def describe(self, request: Request) -> Response:
        table = table_named(request.path_params["name"])
        external = records.EXTERNAL_IDS.get(table.name, ())
        fields = [
            {"name": name, "type": kind, "externalId": name in external, "nillable": name != "Id"}
            for name, kind in table.columns.items()
        ]
        return JSONAnswer(_summary(table) | {"fields": fields})

    async def create(self, request: Request) -> Response:
        table = table_named(request.path_params["name"])
        record_id = records.create(self._store, table, await _json_object(request))
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
            records.update(self._store, table, key, body)
        return Response(status_code=204)

    async def by_external_id(self, request: Request) -> Response:
        table = table_named(request.path_params["name"])
        field, value = request.path_params["field"], unquote(request.path_params["value"])
        if request.method == "PATCH":
            body = await _json_object(request)
            record_id, created = records.upsert(self._store, table, field, value, body)
            answer = {"id": record_id, "success": True, "errors": [], "created": created}
            return JSONAnswer(answer, status_code=201 if created else 200)
        record = records.read_by_external_id(self._store, table, field, value)
        if record is None:
            message = "The requested resource does not exist"
            raise SalesforceError("NOT_FOUND", message, (), 404)
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
        asked = request.query_params.get("fields")
        names = asked.split(",") if asked else list(table.columns)
        for name in names:
            if name not in table.columns:
                message = f"No such column '{name}' on entity '{table.name}'."
                raise SalesforceError("INVALID_FIELD", message)
        values = {name: as_json(table.columns[name], record[name]) for name in names}
        return JSONAnswer({"attributes": attributes(table, record["Id"])} | values)

    def _date_by_object(self, request: Request, name: str) -> None:
        read_as_of_replica(request, self._store, "salesforce", name)


def _summary(table: Table) -> dict[str, Any]:
    urls = {"sobject": f"{API}/sobjects/{table.name}"}
    custom = table.name.endswith("__c")
    return {"name": table.name, "custom": custom, "queryable": True, "urls": urls}


async def _json_object(request: Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.body(), parse_float=Decimal)
    except ValueError as error:
        raise SalesforceError("JSON_PARSER_ERROR", str(error)) from error
    if not isinstance(body, dict):
        raise SalesforceError("JSON_PARSER_ERROR", "The body must be a JSON object")
    return body


def _refused(error: SalesforceError) -> Response:
    problem: dict[str, Any] = {"message": error.message, "errorCode": error.code}
    if error.fields:
        problem["fields"] = list(error.fields)
    return JSONAnswer([problem], status_code=error.status)


async def _not_routed(_: Request, error: HTTPException) -> Response:
    code = "METHOD_NOT_ALLOWED" if error.status_code == 405 else "NOT_FOUND"  # noqa: PLR2004
    message = "The requested resource does not exist"
    return _refused(SalesforceError(code, message, (), error.status_code))
