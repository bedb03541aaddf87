"""Several Salesforce calls in one: `/composite/batch`. The vendor's quota counts each of them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Scope

from extractors.sandbox.salesforce_records import SalesforceError

MOST_CALLS = 25
_DATA = "/services/data/"
_BAD_REQUEST = 400


@dataclass(frozen=True)
class Call:
    """One of the calls inside."""

    method: str
    url: str
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    status: int
    body: Any

    @property
    def is_error(self) -> bool:
        return self.status >= _BAD_REQUEST


async def batch(app: ASGIApp, request: Request, body: Mapping[str, Any]) -> dict[str, Any]:
    calls = [_call(each) for each in _listed(body)]
    answers: list[Answer] = []
    for call in calls:
        if body.get("haltOnError") and any(answer.is_error for answer in answers):
            message = "Batch processing halted as per request after an error"
            halted = {"errorCode": "BATCH_PROCESSING_HALTED", "message": message}
            answers.append(Answer(412, [halted]))
        else:
            answers.append(await answer_of(app, request, call))
    return {
        "hasErrors": any(answer.is_error for answer in answers),
        "results": [{"statusCode": answer.status, "result": answer.body} for answer in answers],
    }


def _listed(body: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    asked = body.get("batchRequests")
    if not isinstance(asked, list) or not asked:
        raise SalesforceError("INVALID_INPUT", "The body must hold a list batchRequests")
    if len(asked) > MOST_CALLS:
        message = f"The limit of {MOST_CALLS} subrequests is exceeded: {len(asked)}"
        raise SalesforceError("LIMIT_EXCEEDED", message)
    return asked


def _call(asked: Mapping[str, Any]) -> Call:
    method, url = asked.get("method"), asked.get("url")
    if not isinstance(method, str) or not isinstance(url, str):
        raise SalesforceError("INVALID_INPUT", "Every subrequest needs a method and a url")
    path = url if url.startswith(_DATA) else _DATA + url.removeprefix("/")
    return Call(method.upper(), path, asked.get("richInput"))


async def answer_of(app: ASGIApp, request: Request, call: Call) -> Answer:
    """What the server says to one of the calls, which runs as the same user."""
    parts = urlsplit(call.url)
    headers = [pair for pair in request.scope["headers"] if pair[0] in {b"authorization", b"host"}]
    headers += [(name.lower().encode(), value.encode()) for name, value in call.headers.items()]
    scope: Scope = {
        **request.scope,
        "method": call.method,
        "path": parts.path.rstrip("/"),
        "raw_path": parts.path.encode(),
        "query_string": parts.query.encode(),
        "headers": headers,
    }
    content = json.dumps(call.body).encode()
    status, received = 0, bytearray()

    async def receive() -> Message:
        return {"type": "http.request", "body": content, "more_body": False}

    async def send(message: Message) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]
        else:
            received.extend(message.get("body", b""))

    await app(scope, receive, send)
    # The time of the replica that was read is that of the whole answer.
    request.scope.update({name: scope[name] for name in scope if name.startswith("sandbox.")})
    return Answer(status, json.loads(received) if received else None)
