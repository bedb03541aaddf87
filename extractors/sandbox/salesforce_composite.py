"""Several Salesforce calls in one request, each with headers of its own: `/composite`.

The vendor's quota counts the request once. Here none of the calls may name what another one made,
and all or none is not to be had: both are refused.
"""

import re
from collections.abc import Mapping
from random import Random
from typing import Any

from starlette.requests import Request
from starlette.types import ASGIApp

from extractors.sandbox.faults import take_request_fault, weather
from extractors.sandbox.refusals import OVERLOADED, REFUSALS, Refusal, passing
from extractors.sandbox.salesforce_batch import MOST_CALLS, Answer, Call, answer_of
from extractors.sandbox.salesforce_records import SalesforceError
from extractors.sandbox.store import Store

SINCE = 38
MOST_QUERIES = 5
PARTIAL = "partial_batches"
_SHARE = 12  # of a hundred calls in a composite, while single ones fail
_NAME = re.compile(r"[A-Za-z0-9_]+")
_METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE"}
_INHERITED = {"accept", "authorization", "content-type"}
_MANY = re.compile(r"/v[0-9.]+/(?:query|queryAll|composite/sobjects)\b")
_REFERENCE = re.compile(r"@\{\w+[.\[]")


class Composite:
    """Answers composites; of single calls some fail as the weather and its seed have it."""

    def __init__(self, app: ASGIApp, store: Store) -> None:
        self._app = app
        self._store = store
        self._count = 0

    async def answer(self, request: Request, body: Mapping[str, Any]) -> dict[str, Any]:
        calls = _checked(body)
        return {
            "compositeResponse": [
                _told(name, call, await self._answer(request, call)) for name, call in calls.items()
            ]
        }

    async def _answer(self, request: Request, call: Call) -> Answer:
        fault = take_request_fault(self._store, "salesforce", call.method, call.url)
        if fault is not None and fault.lose_answer:
            await answer_of(self._app, request, call)
            return _refused(REFUSALS["salesforce"]["error"])
        if fault is not None:
            return _refused(passing("salesforce", fault.status, None))
        if refusal := self._drawn():
            return _refused(refusal)
        return await answer_of(self._app, request, call)

    def _drawn(self) -> Refusal | None:
        known = weather(self._store, "salesforce")
        if known is None or PARTIAL not in known.profiles:
            return None
        self._count += 1
        chance = Random(f"{known.seed}:composite:{self._count}")
        if chance.randrange(100) >= _SHARE:
            return None
        return REFUSALS["salesforce"][chance.choice((*OVERLOADED["salesforce"], "session"))]


def _checked(body: Mapping[str, Any]) -> Mapping[str, Call]:
    """The calls by their references."""
    asked = body.get("compositeRequest")
    if not isinstance(asked, list) or not asked:
        raise _wrong("The body must hold a list compositeRequest")
    if len(asked) > MOST_CALLS:
        raise _wrong(f"The limit of {MOST_CALLS} subrequests is exceeded: {len(asked)}")
    if body.get("allOrNone"):
        raise _wrong("allOrNone is not to be had in the sandbox")
    calls = {_name(each): _call(each) for each in asked}
    if len(calls) < len(asked):
        raise _wrong("Every subrequest needs a referenceId of its own")
    if sum(bool(_MANY.search(call.url)) for call in calls.values()) > MOST_QUERIES:
        raise _wrong(f"At most {MOST_QUERIES} subrequests may be queries or collections")
    return calls


def _name(asked: Mapping[str, Any]) -> str:
    name = asked.get("referenceId")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise _wrong("A referenceId holds letters, digits and underscores")
    return name


def _call(asked: Mapping[str, Any]) -> Call:
    method, url, headers = asked.get("method"), asked.get("url"), asked.get("httpHeaders") or {}
    if method not in _METHODS or not isinstance(url, str) or not url.startswith("/services/data/"):
        raise _wrong("Every subrequest needs a method and a url from /services/data on")
    if inherited := sorted(name for name in headers if name.lower() in _INHERITED):
        raise _wrong(f"Subrequests inherit {', '.join(inherited)}")
    if _REFERENCE.search(f"{url} {asked.get('body')}"):
        raise _wrong("The sandbox knows no references from one subrequest to another")
    return Call(str(method), url, asked.get("body"), headers)


def _told(name: str, call: Call, answer: Answer) -> dict[str, Any]:
    made = isinstance(answer.body, Mapping) and answer.status == 201  # noqa: PLR2004
    location = f"{call.url}/{answer.body['id']}" if made and call.method == "POST" else None
    return {
        "body": answer.body,
        "httpHeaders": {"Location": location} if location else {},
        "httpStatusCode": answer.status,
        "referenceId": name,
    }


def _refused(refusal: Refusal) -> Answer:
    return Answer(refusal.status, refusal.body)


def _wrong(message: str) -> SalesforceError:
    return SalesforceError("INVALID_INPUT", message)
