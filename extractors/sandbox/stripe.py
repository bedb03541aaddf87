"""The Stripe server: lists, retrieval, writes and events of one API version."""

import re
import secrets
from collections.abc import Callable
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from extractors.sandbox import stripe_changes as changes
from extractors.sandbox import stripe_idempotency as idempotency
from extractors.sandbox.credentials import credentials
from extractors.sandbox.store import Store
from extractors.sandbox.stripe_events import kind_of_event
from extractors.sandbox.stripe_forms import StripeError, checked, parse
from extractors.sandbox.stripe_lists import (
    list_page,
    list_parts,
    list_subscription_items,
    missing,
)
from extractors.sandbox.stripe_shapes import FIELDS, Document, expansion, render, render_part
from extractors.sandbox.wire import JSONAnswer, read_as_of_replica

VERSION = "2026-10-28.endive"

_KINDS = {
    "customers": "customer",
    "products": "product",
    "prices": "price",
    "subscriptions": "subscription",
    "invoices": "invoice",
    "invoice_payments": "invoice_payment",
    "charges": "charge",
    "coupons": "coupon",
    "events": "event",
}
_ONE = "/v1/{plural}/{key}"
_EXPAND = {"expand": ["text"]}

Parameters = dict[str, Any]
Handler = Callable[[Request, Parameters], Document]


class StripeServer:
    """The state behind the routes: the store and the key that opens it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._key = credentials(store)["stripe"]["api_key"]
        store.create([idempotency.CREATE_STATEMENT])

    def app(self) -> Starlette:
        table: list[tuple[str, Handler, str]] = [
            ("/v1/subscription_items", self.items, "GET"),
            ("/v1/subscription_items/{key}", self.item, "GET"),
            ("/v1/subscription_items/{key}", self.update_item, "POST"),
            ("/v1/{plural}", self.list, "GET"),
            ("/v1/{plural}", self.create, "POST"),
            (_ONE, self.retrieve, "GET"),
            (_ONE, self.update, "POST"),
            (_ONE, self.delete, "DELETE"),
            ("/v1/invoices/{key}/lines", self.lines, "GET"),
            ("/v1/invoices/{key}/void", self.void, "POST"),
            ("/v1/invoices/{key}/mark_uncollectible", self.write_off, "POST"),
            ("/v1/customers/{key}/tax_ids", self.tax_ids, "GET"),
        ]
        routes = [
            Route(path, self._guard(handler), methods=[method]) for path, handler, method in table
        ]
        handlers: dict[Any, Any] = {HTTPException: _not_routed}
        return Starlette(routes=routes, exception_handlers=handlers)

    def _guard(self, handler: Handler) -> Callable[[Request], Any]:
        async def guarded(request: Request) -> Response:
            body = await request.body()
            try:
                response = self._answer(request, handler, body)
            except StripeError as error:
                response = JSONAnswer(error.body(), status_code=error.status)
            response.headers["Request-Id"] = f"req_{secrets.token_hex(7)}"
            response.headers["Stripe-Version"] = VERSION
            return response

        return guarded

    def _answer(self, request: Request, handler: Handler, body: bytes) -> Response:
        self._require_key(request)
        _require_version(request)
        if request.method == "GET":
            return JSONAnswer(handler(request, parse(request.url.query)))
        parameters = parse(body.decode() or request.url.query)
        key = request.headers.get("idempotency-key")
        if key is None or request.method != "POST":
            with self._store.transaction():
                return JSONAnswer(handler(request, parameters))
        return self._once(request, handler, parameters, key, body)

    def _once(
        self, request: Request, handler: Handler, parameters: Parameters, key: str, body: bytes
    ) -> Response:
        """The effect and the memory of it are committed together; refusals are not kept."""
        print_ = idempotency.fingerprint(request.method, request.url.path, body)
        headers = {"Idempotency-Key": key}
        with self._store.transaction():
            answer = idempotency.recall(self._store, key, print_)
            if answer is not None:
                return JSONAnswer(answer, headers=headers | {"Idempotent-Replayed": "true"})
            answer = handler(request, parameters)
            idempotency.remember(self._store, key, print_, answer)
        return JSONAnswer(answer, headers=headers)

    def _require_key(self, request: Request) -> None:
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if not key:
            message = "You did not provide an API key."
            raise StripeError(message, None, None, 401)
        if scheme.lower() != "bearer" or key != self._key:
            raise StripeError(f"Invalid API Key provided: {key[:8]}****", None, None, 401)

    def list(self, request: Request, parameters: Parameters) -> Document:
        kind = _kind(request)
        kinds = {kind}
        if kind == "event":
            kinds |= {kind_of_event(name) for name in (parameters.get("types") or {}).values()}
        for read in kinds:
            read_as_of_replica(request, self._store, "stripe", read)
        return list_page(self._store, kind, parameters, request.url.path)

    def create(self, request: Request, parameters: Parameters) -> Document:
        kind = _kind(request)
        if kind not in changes.CREATE:
            raise _unrecognized(request)
        return self._render(kind, changes.create(self._store, kind, parameters), parameters)

    def retrieve(self, request: Request, parameters: Parameters) -> Document:
        kind, key = _kind(request), request.path_params["key"]
        checked(parameters, _EXPAND)
        read_as_of_replica(request, self._store, "stripe", kind)
        document = self._store.get("stripe", kind, key)
        if document is None:
            raise missing(kind, key)
        return self._render(kind, document, parameters)

    def update(self, request: Request, parameters: Parameters) -> Document:
        kind, key = _kind(request), request.path_params["key"]
        if kind not in changes.UPDATE:
            raise _unrecognized(request)
        return self._render(kind, changes.update(self._store, kind, key, parameters), parameters)

    def delete(self, request: Request, parameters: Parameters) -> Document:
        kind, key = _kind(request), request.path_params["key"]
        if kind == "customer":
            return changes.delete_customer(self._store, key)
        if kind != "subscription":
            raise _unrecognized(request)
        return self._render(kind, changes.cancel_subscription(self._store, key), parameters)

    def lines(self, request: Request, parameters: Parameters) -> Document:
        key = request.path_params["key"]
        read_as_of_replica(request, self._store, "stripe", "invoice")
        return list_parts(self._store, "invoice", key, "lines", parameters)

    def tax_ids(self, request: Request, parameters: Parameters) -> Document:
        key = request.path_params["key"]
        return list_parts(self._store, "customer", key, "tax_ids", parameters)

    def items(self, request: Request, parameters: Parameters) -> Document:
        read_as_of_replica(request, self._store, "stripe", "subscription")
        return list_subscription_items(self._store, parameters)

    def item(self, request: Request, parameters: Parameters) -> Document:
        item, subscription = changes.find_item(self._store, request.path_params["key"])
        return self._item(subscription, item, parameters)

    def update_item(self, request: Request, parameters: Parameters) -> Document:
        key = request.path_params["key"]
        item = changes.update(self._store, "subscription_item", key, parameters)
        return self._item(changes.find_item(self._store, key)[1], item, parameters)

    def void(self, request: Request, parameters: Parameters) -> Document:
        return self._end_invoice(request, parameters, "void")

    def write_off(self, request: Request, parameters: Parameters) -> Document:
        return self._end_invoice(request, parameters, "uncollectible")

    def _end_invoice(self, request: Request, parameters: Parameters, status: str) -> Document:
        checked(parameters, _EXPAND)
        invoice = changes.end_invoice(self._store, request.path_params["key"], status)
        return self._render("invoice", invoice, parameters)

    def _item(self, subscription: Document, item: Document, parameters: Parameters) -> Document:
        tree = expansion(_paths(parameters), "subscription_item", is_list=False)
        field = FIELDS["subscription"]["items"]
        return render_part(self._store, subscription, field, item, tree)

    def _render(self, kind: str, document: Document, parameters: Parameters) -> Document:
        tree = expansion(_paths(parameters), kind, is_list=False)
        return render(self._store, kind, document, tree)


def _paths(parameters: Parameters) -> list[str]:
    return list((parameters.get("expand") or {}).values())


def _kind(request: Request) -> str:
    kind = _KINDS.get(request.path_params["plural"])
    if kind is None:
        raise _unrecognized(request)
    return kind


def _require_version(request: Request) -> None:
    """Only one version's shapes are served, so that no client reads another's by mistake."""
    asked = request.headers.get("stripe-version", VERSION)
    if asked != VERSION:
        message = f"Invalid Stripe API version: {re.sub(r'[^0-9A-Za-z.-]', '', asked)}"
        raise StripeError(message)


def _unrecognized(request: Request) -> StripeError:
    message = f"Unrecognized request URL ({request.method}: {request.url.path})."
    return StripeError(message, None, None, 404)


async def _not_routed(request: Request, _: HTTPException) -> Response:
    error = _unrecognized(request)
    return JSONAnswer(error.body(), status_code=error.status)
