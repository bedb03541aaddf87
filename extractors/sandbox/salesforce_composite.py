"""Several Salesforce calls in one: `/composite` and `/composite/batch`.

A composite counts as one call and holds few queries; a batch counts each of its calls.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Scope

from extractors.sandbox.salesforce_records import SalesforceError

MOST_CALLS = 25
MOST_QUERIES = 5
_DATA = "/services/data/"
_QUERIES = ("/query", "/queryAll", "/composite/sobjects")
_NOT_IMPLEMENTED = 501
_BAD_REQUEST = 400


@dataclass(frozen=True)
class Call:
    """One of the calls inside."""

    method: str
    url: str
    body: Any
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Answer:
    status: int
    body: Any

    @property
    def is_error(self) -> bool:
        return self.status >= _BAD_REQUEST


async def composite(app: ASGIApp, request: Request, body: Mapping[str, Any]) -> dict[str, Any]:
    asked = _listed(body, "compositeRequest")
    names = [str(each.get("referenceId") or "") for each in asked]
    if not all(names) or len(set(names)) < len(names):
        message = "Every subrequest needs a referenceId of its own"
        raise SalesforceError("INVALID_INPUT", message)
    calls = [_call(each, "body") for each in asked]
    queries = sum(urlsplit(call.url).path.rstrip("/").endswith(_QUERIES) for call in calls)
    if queries > MOST_QUERIES:
        message = f"Cannot have more than {MOST_QUERIES} queries or collections in a composite"
        raise SalesforceError("LIMIT_EXCEEDED", message)
    if body.get("allOrNone") and any(call.method != "GET" for call in calls):
        message = "The sandbox does not roll the writes of a composite back"
        raise SalesforceError("NOT_IMPLEMENTED", message, (), _NOT_IMPLEMENTED)
    answers = [await _answer(app, request, call) for call in calls]
    responses = [
        {
            "body": answer.body,
            "httpHeaders": {},
            "httpStatusCode": answer.status,
            "referenceId": name,
        }
        for name, answer in zip(names, answers, strict=True)
    ]
    return {"compositeResponse": responses}


async def batch(app: ASGIApp, request: Request, body: Mapping[str, Any]) -> dict[str, Any]:
    calls = [_call(each, "richInput") for each in _listed(body, "batchRequests")]
    answers: list[Answer] = []
    for call in calls:
        if body.get("haltOnError") and any(answer.is_error for answer in answers):
            message = "Batch processing halted as per request after an error"
            halted = {"errorCode": "BATCH_PROCESSING_HALTED", "message": message}
            answers.append(Answer(412, [halted]))
        else:
            answers.append(await _answer(app, request, call))
    return {
        "hasErrors": any(answer.is_error for answer in answers),
        "results": [{"statusCode": answer.status, "result": answer.body} for answer in answers],
    }


def _listed(body: Mapping[str, Any], name: str) -> Sequence[Mapping[str, Any]]:
    asked = body.get(name)
    if not isinstance(asked, list) or not asked:
        raise SalesforceError("INVALID_INPUT", f"The body must hold a list {name}")
    if len(asked) > MOST_CALLS:
        message = f"The limit of {MOST_CALLS} subrequests is exceeded: {len(asked)}"
        raise SalesforceError("LIMIT_EXCEEDED", message)
    return asked


def _call(asked: Mapping[str, Any], content: str) -> Call:
    method, url = asked.get("method"), asked.get("url")
    if not isinstance(method, str) or not isinstance(url, str):
        raise SalesforceError("INVALID_INPUT", "Every subrequest needs a method and a url")
    path = url if url.startswith(_DATA) else _DATA + url.removeprefix("/")
    return Call(method.upper(), path, asked.get(content), asked.get("httpHeaders") or {})


async def _answer(app: ASGIApp, request: Request, call: Call) -> Answer:
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
