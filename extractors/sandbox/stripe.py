"""The Stripe server: who is let in, what is asked, and how it is answered.

What can be read is in stripe_reads.py, what can be done in the modules with OPERATIONS.
"""

import asyncio
import secrets
import string
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from extractors.sandbox import (
    documents,
    stripe_catalogue,
    stripe_credit_notes,
    stripe_invoice_items,
    stripe_invoices,
    stripe_meters,
    stripe_previews,
    stripe_refunds,
    stripe_schedules,
    stripe_subscriptions,
)
from extractors.sandbox import stripe_idempotency as idempotency
from extractors.sandbox.store import Store
from extractors.sandbox.stripe_caller import Caller, Door
from extractors.sandbox.stripe_errors import StripeError, unrecognized
from extractors.sandbox.stripe_events import REQUEST
from extractors.sandbox.stripe_forms import parse
from extractors.sandbox.stripe_idempotency import Asked, Outcome
from extractors.sandbox.stripe_operations import Operation, now
from extractors.sandbox.stripe_reads import READS, Read
from extractors.sandbox.stripe_shapes import Document
from extractors.sandbox.stripe_trouble import EXECUTION_SECONDS, require_untroubled

OPERATIONS: tuple[Operation, ...] = (
    *stripe_catalogue.OPERATIONS,
    *stripe_subscriptions.OPERATIONS,
    *stripe_schedules.OPERATIONS,
    *stripe_previews.OPERATIONS,
    *stripe_invoices.OPERATIONS,
    *stripe_invoice_items.OPERATIONS,
    *stripe_credit_notes.OPERATIONS,
    *stripe_refunds.OPERATIONS,
    *stripe_meters.OPERATIONS,
)

_ALPHABET = string.ascii_letters + string.digits
_OK = 200
_NAMING = ("customer", "invoice", "charge", "subscription", "payment_intent")
"""Parameters that name an object which a request needs for itself."""

Headers = dict[str, str]
Handler = Callable[[Request, str], Any]


class StripeServer:
    """The state behind the routes."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._door = Door(store)
        self._in_progress: set[tuple[str, str]] = set()
        store.create([idempotency.CREATE_STATEMENT])

    def app(self) -> Starlette:
        routes = [
            *(self._route(path, "GET", self._reading(read)) for path, read in READS),
            *(self._route(o.path, o.method, self._doing(o)) for o in OPERATIONS),
        ]
        handlers: dict[Any, Any] = {HTTPException: self._not_routed}
        return Starlette(routes=routes, exception_handlers=handlers)

    def _route(self, path: str, method: str, handler: Handler) -> Route:
        async def guarded(request: Request) -> Response:
            request_id = f"req_{''.join(secrets.choice(_ALPHABET) for _ in range(14))}"
            headers = {"Request-Id": request_id, "Stripe-Version": self._door.version(request)}
            try:
                outcome, more = await handler(request, request_id)
            except StripeError as error:
                outcome, more = self._failure(error, request_id), _advice(error)
            return _response(outcome, headers | more)

        return Route(path, guarded, methods=[method])

    def _reading(self, read: Read) -> Handler:
        async def reading(request: Request, request_id: str) -> tuple[Outcome, Headers]:
            caller = self._door.caller(request)
            answer = read(caller, request, parse(request.url.query))
            return Outcome(_OK, _encoded(answer), request_id), {}

        return reading

    def _doing(self, operation: Operation) -> Handler:
        async def doing(request: Request, request_id: str) -> tuple[Outcome, Headers]:
            body = await request.body()
            caller = self._door.caller(request)
            caller.require(operation.kind, operation.verb)
            parameters = parse(body.decode() or request.url.query)
            key = request.headers.get("idempotency-key")
            call = _Call(operation, caller, request.path_params, parameters, request_id)
            if key is None or operation.method != "POST":
                return await self._carry_out(call, None), {}
            asked = Asked.of(key, request.url.path, parameters)
            return await self._once(call, asked)

        return doing

    async def _once(self, call: "_Call", asked: Asked) -> tuple[Outcome, Headers]:
        """Carry out what has not been carried out yet under this key."""
        slot = (call.caller.store.account, asked.key)
        if slot in self._in_progress:
            raise idempotency.in_use(asked)
        headers = {"Idempotency-Key": asked.key}
        known = idempotency.recall(call.caller.store, asked)
        if known is not None:
            headers["Original-Request"] = known.request_id
            return known, headers | {"Idempotent-Replayed": "true", "Stripe-Should-Retry": "false"}
        self._in_progress.add(slot)
        try:
            outcome = await self._carry_out(call, asked)
        finally:
            self._in_progress.discard(slot)
        return outcome, headers | {"Original-Request": call.request_id}

    async def _carry_out(self, call: "_Call", asked: Asked | None) -> Outcome:
        """The effect and the memory of it are committed together."""
        seconds = self._store.meta(EXECUTION_SECONDS)
        if seconds:
            await asyncio.sleep(seconds)
        store = call.caller.store
        checked = call.operation.checked(call.parameters)
        try:
            require_untroubled(store, _ids(call.path, checked))
            with store.transaction():
                outcome = self._effect(call, checked, asked)
                if asked is not None:
                    idempotency.remember(store, asked, outcome)
        except StripeError as error:
            outcome = self._failure(error, call.request_id)
            if asked is None or not error.was_executed:
                raise
            idempotency.remember(store, asked, outcome)
        return outcome

    def _effect(self, call: "_Call", checked: dict[str, Any], asked: Asked | None) -> Outcome:
        token = REQUEST.set(
            {"id": call.request_id, "idempotency_key": asked.key if asked else None}
        )
        try:
            return Outcome(_OK, _encoded(call.answer(checked)), call.request_id)
        except StripeError as error:
            if not error.keeps:
                raise
            return self._failure(error, call.request_id)
        finally:
            REQUEST.reset(token)

    def _failure(self, error: StripeError, request_id: str) -> Outcome:
        body = error.body(request_id, now(self._store))
        return Outcome(error.status, _encoded(body), request_id)

    async def _not_routed(self, request: Request, _: HTTPException) -> Response:
        request_id = f"req_{secrets.token_hex(7)}"
        error = unrecognized(request.method, request.url.path)
        return _response(self._failure(error, request_id), {"Request-Id": request_id})


class _Call:
    """One request to do something."""

    def __init__(
        self,
        operation: Operation,
        caller: Caller,
        path: Mapping[str, str],
        parameters: Mapping[str, Any],
        request_id: str,
    ) -> None:
        self.operation = operation
        self.caller = caller
        self.path = path
        self.parameters = parameters
        self.request_id = request_id

    def answer(self, checked: dict[str, Any]) -> Document:
        """Do it, and show the object as it is then."""
        tree = self.caller.expansion(checked.pop("expand", None), self.operation.kind)
        rest = {name: value for name, value in self.path.items() if name != "key"}
        key = self.path.get("key", "")
        document = self.operation.run(self.caller.store, {**checked, **rest}, key)
        return self.caller.sent(self.operation.kind, document, tree)


def _ids(path: Mapping[str, str], checked: Mapping[str, Any]) -> Iterable[str]:
    named = (checked.get(name) for name in _NAMING)
    return (value for value in (*path.values(), *named) if isinstance(value, str))


def _encoded(answer: bytes | Mapping[str, Any]) -> bytes:
    return answer if isinstance(answer, bytes) else documents.dump(answer).encode()


def _advice(error: StripeError) -> Headers:
    if error.should_retry is None:
        return {}
    return {"Stripe-Should-Retry": str(error.should_retry).lower()}


def _response(outcome: Outcome, headers: Headers) -> Response:
    return Response(outcome.body, outcome.status, headers, "application/json")
