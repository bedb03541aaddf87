"""The calls in a request: it is one, or several that Salesforce takes together."""

import json
from dataclasses import dataclass

import httpx

LOGIN = "/token"
READ_BY_POST = "/suiteql"
COMPOSITE = "/composite"
Answer = tuple[int, bytes]


@dataclass(frozen=True)
class Part:
    """A call, alone or one of several in a request."""

    method: str
    path: str
    content: bytes
    name: str = ""


def is_composite(request: httpx.Request) -> bool:
    return request.url.path.endswith(COMPOSITE)


def parts(request: httpx.Request) -> list[Part]:
    if not is_composite(request):
        return [Part(request.method, request.url.path, request.content)]
    return [
        Part(p["method"], p["url"], json.dumps(p.get("body")).encode(), p["referenceId"])
        for p in json.loads(request.content)["compositeRequest"]
    ]


def names(request: httpx.Request) -> list[str]:
    """What is asked for, be it alone or with others."""
    if is_composite(request):
        return [f"{part.path} {b''!r}" for part in parts(request)]
    return [f"{request.url.raw_path.decode()} {request.content!r}"]


def answers(request: httpx.Request, status: int, packed: bytes) -> list[Answer]:
    """What was answered to each part of a request."""
    if not is_composite(request) or status != httpx.codes.OK:
        return [(status, packed)] * len(parts(request))
    told = json.loads(packed)["compositeResponse"]
    return [(part["httpStatusCode"], json.dumps(part["body"]).encode()) for part in told]


def composed(request: httpx.Request, told: list[Answer]) -> Answer:
    """The answer to a request in which its parts are answered so."""
    if not is_composite(request):
        return told[0]
    made = [
        {"referenceId": part.name, "httpStatusCode": status, "body": json.loads(body)}
        for part, (status, body) in zip(parts(request), told, strict=True)
    ]
    return httpx.codes.OK, json.dumps({"compositeResponse": made}).encode()


def is_read(request: httpx.Request) -> bool:
    return request.url.path.endswith((READ_BY_POST, LOGIN)) or all(
        part.method == "GET" for part in parts(request)
    )


def line(request: httpx.Request) -> str:
    return ", ".join(
        f"{part.method} {part.path.rpartition('/v1/')[2].rpartition('sobjects/')[2]}"
        for part in parts(request)
    )
