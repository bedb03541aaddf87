"""Pages that show again what the page before has shown, as lists do that shift while they are read.

What follows what is read off requests and answers: Stripe's `starting_after`, the locators of
Salesforce, the offsets of SuiteQL. Only lists that can shift repeat: not those inside of a record.
"""

import json
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from gzip import BadGzipFile, decompress
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs

from extractors.sandbox.schema import System

_PAGES_KEPT = 64
_STRIPE_LIST_DEPTH = 2
_LAST_LOCATOR = "null"
_PAGING = {"starting_after", "limit"}
_DEFAULT_LIMIT = {"stripe": 10, "netsuite": 1000}
_LISTS = {"stripe": "data", "salesforce": "records", "netsuite": "items"}

Key = tuple[str, ...]


@dataclass(frozen=True)
class Asked:
    """A request, as far as it says which page is wanted."""

    path: str
    query: Mapping[str, Sequence[str]]
    body: bytes

    @classmethod
    def of(cls, path: str, query_string: bytes, body: bytes) -> "Asked":
        return cls(path, parse_qs(query_string.decode("latin-1")), body)

    def get(self, name: str, default: str) -> str:
        return self.query[name][0] if name in self.query else default

    def number(self, name: str, default: int) -> int:
        return int(self.get(name, str(default)))

    @property
    def filters(self) -> tuple[str, ...]:
        """All of a Stripe list's parameters that say what is listed, and not which page of it."""
        named = (item for item in self.query.items() if item[0] not in _PAGING)
        return tuple(sorted(f"{name}={','.join(values)}" for name, values in named))


@dataclass(frozen=True)
class Answer:
    """A whole answer; header names in lower case."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes

    def header(self, name: bytes) -> str | None:
        return next((value.decode("latin-1") for key, value in self.headers if key == name), None)

    def page(self, name: str) -> dict[str, Any]:
        """The body where it is an object with a list of that name; else empty."""
        body = self._json()
        is_page = isinstance(body, dict) and isinstance(body.get(name), list)
        return body if is_page else {}

    def _json(self) -> Any:
        try:
            is_zipped = self.header(b"content-encoding") == "gzip"
            return json.loads(decompress(self.body) if is_zipped else self.body)
        except (ValueError, BadGzipFile):
            return None

    def with_json(self, body: Any) -> "Answer":
        content = json.dumps(body, separators=(",", ":")).encode()
        left_out = (b"content-length", b"content-encoding")
        kept = tuple(pair for pair in self.headers if pair[0] not in left_out)
        length = (b"content-length", str(len(content)).encode())
        return replace(self, headers=(*kept, length), body=content)


class Repeats:
    """Remembers pages by the request that asks for the page behind them."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._before: OrderedDict[Key, Answer] = OrderedDict()

    def note(self, asked: Asked, answer: Answer) -> None:
        key = self._next(asked, answer)
        if key is not None:
            self._before[key] = answer
            if len(self._before) > _PAGES_KEPT:
                self._before.popitem(last=False)

    def known(self, asked: Asked) -> bool:
        """Whether the page before the one asked for can be shown again."""
        return _wanted(self._system, asked) in self._before

    def whole(self, asked: Asked) -> Answer | None:
        """The page before, whose own pointer leads back to the page asked for.

        A page that is found by its offset has no such pointer.
        """
        if self._system == "netsuite":
            return None
        return self._before.get(_wanted(self._system, asked))

    def border(self, asked: Asked, answer: Answer) -> Answer | None:
        """The page asked for, begun by the last record of the page before."""
        before = self._before.get(_wanted(self._system, asked))
        name = _LISTS[self._system]
        page, shown = answer.page(name), before.page(name) if before else {}
        if not page or not shown.get(name):
            return None
        records = [shown[name][-1], *page[name]]
        if self._system == "netsuite":
            page["count"] = len(records)
        if self._system == "stripe":
            # The list has shifted by one: what no longer fits is left for the page behind.
            limit = asked.number("limit", _DEFAULT_LIMIT["stripe"])
            page["has_more"] = page["has_more"] or len(records) > limit
            del records[limit:]
        page[name] = records
        return answer.with_json(page)

    def _next(self, asked: Asked, answer: Answer) -> Key | None:
        """What a request for the page behind this answer looks like."""
        if answer.status != HTTPStatus.OK:
            return None
        following = {
            "salesforce": _next_of_salesforce,
            "stripe": _next_of_stripe,
            "netsuite": _next_of_netsuite,
        }
        return following[self._system](asked, answer)


def _next_of_stripe(asked: Asked, answer: Answer) -> Key | None:
    is_top_level = asked.path.startswith("/v1/") and asked.path.count("/") == _STRIPE_LIST_DEPTH
    page = answer.page("data") if is_top_level and "ending_before" not in asked.query else {}
    if not page.get("has_more") or not page["data"]:
        return None
    return (asked.path, *asked.filters, page["data"][-1]["id"])


def _next_of_netsuite(asked: Asked, answer: Answer) -> Key | None:
    page = answer.page("items") if asked.path.endswith("/suiteql") else {}
    if not page.get("hasMore"):
        return None
    behind = asked.number("offset", 0) + asked.number("limit", _DEFAULT_LIMIT["netsuite"])
    return (asked.body.decode(), str(behind))


def _next_of_salesforce(asked: Asked, answer: Answer) -> Key | None:
    locator = answer.header(b"sforce-locator")
    if locator is not None:
        return (asked.path, locator) if locator != _LAST_LOCATOR else None
    if "/query" not in asked.path or "/jobs/" in asked.path:
        return None
    following = answer.page("records").get("nextRecordsUrl")
    return (str(following),) if following else None


def _wanted(system: System, asked: Asked) -> Key:
    """The request as a key: what was said of it when the page before was noted."""
    if system == "stripe":
        return (asked.path, *asked.filters, asked.get("starting_after", ""))
    if system == "netsuite":
        return (asked.body.decode("utf-8", "replace"), asked.get("offset", "0"))
    if "locator" in asked.query:
        return (asked.path, asked.get("locator", ""))
    return (asked.path,)
