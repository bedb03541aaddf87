"""Asynchronous requests: a job for each, one task per job, and one job per idempotency key."""

import json
import uuid
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from extractors.sandbox.netsuite_account import account
from extractors.sandbox.netsuite_errors import NetSuiteError, not_found
from extractors.sandbox.store import Store
from extractors.sandbox.wire import JSONAnswer

JOB_PATH = "/services/rest/async/v1/job"
KEY_HEADER = "x-netsuite-idempotency-key"

_COUNT = "netsuite_jobs"
_APPLIED = {"Preference-Applied": "respond-async"}


def is_asynchronous(request: Request) -> bool:
    return "respond-async" in request.headers.get("prefer", "").lower()


def require_new_key(store: Store, request: Request) -> None:
    """Refuse a request whose key came before; where its job is stands in the refusal."""
    key = request.headers.get(KEY_HEADER)
    if key is None:
        return
    try:
        uuid.UUID(key)
    except ValueError:
        detail = "The idempotency key must be a UUID as defined by RFC 4122."
        place = "o:errorHeader"
        raise NetSuiteError(
            detail, "INVALID_HEADER", "X-NetSuite-Idempotency-Key", 400, place
        ) from None
    job = store.meta(_key_name(key))
    if job is not None:
        detail = (
            "A request with the same idempotency key is already submitted. "
            'See the "Location" header for a link to the previously submitted job'
        )
        headers = {**_APPLIED, "Location": f"{JOB_PATH}/{job}"}
        raise NetSuiteError(detail, "IDEMPOTENCY_ERROR", title="Conflict", headers=headers)


def submitted(store: Store, request: Request, response: Response) -> Response:
    """Keep what the request came to; the answer says only where to look for it."""
    with store.transaction():
        job = store.meta(_COUNT, 0) + 1
        store.set_meta(_COUNT, job)
        outcome = {
            "status": response.status_code,
            "location": response.headers.get("location"),
            "body": bytes(response.body).decode(),
            "polls": account(store).pending_polls,
        }
        store.set_meta(_job_name(str(job)), outcome)
        key = request.headers.get(KEY_HEADER)
        if key is not None:
            store.set_meta(_key_name(key), job)
    return Response(status_code=202, headers={**_APPLIED, "Location": f"{JOB_PATH}/{job}"})


def status(store: Store, job: str, url: str) -> Response:
    """How far a job is; each look brings it nearer to its end."""
    outcome = _outcome(store, job)
    is_pending = outcome["polls"] > 0
    if is_pending:
        store.set_meta(_job_name(job), {**outcome, "polls": outcome["polls"] - 1})
    is_failed = outcome["status"] >= 400  # noqa: PLR2004
    done = "failed" if is_failed else "succeeded"
    return JSONAnswer(
        {
            "links": _link(url),
            "completed": not is_pending,
            "id": job,
            "progress": "pending" if is_pending else done,
            "task": {"links": _link(f"{url}/task")},
        }
    )


def tasks(store: Store, job: str, url: str) -> Response:
    _outcome(store, job)
    items = [{"links": _link(f"{url}/1")}]
    found = {"count": 1, "hasMore": False, "items": items, "offset": 0, "totalResults": 1}
    return JSONAnswer({"links": _link(url), **found})


def task(store: Store, job: str, number: str, url: str) -> Response:
    outcome = _finished(store, job, number)
    done = "failed" if outcome["status"] >= 400 else "succeeded"  # noqa: PLR2004
    result = {"links": _link(f"{url}/result")}
    return JSONAnswer(
        {"links": _link(url), "completed": True, "id": number, "progress": done, "result": result}
    )


def result(store: Store, job: str, number: str) -> Response:
    """The answer that the request would have had."""
    outcome = _finished(store, job, number)
    headers = {"Location": outcome["location"]} if outcome["location"] else {}
    if not outcome["body"]:
        return Response(status_code=outcome["status"], headers=headers)
    return JSONAnswer(json.loads(outcome["body"]), status_code=outcome["status"], headers=headers)


def _finished(store: Store, job: str, number: str) -> dict[str, Any]:
    outcome = _outcome(store, job)
    if number != "1" or outcome["polls"]:
        raise not_found("task", number)
    return outcome


def _outcome(store: Store, job: str) -> dict[str, Any]:
    outcome: dict[str, Any] | None = store.meta(_job_name(job))
    if outcome is None:
        raise not_found("job", job)
    return outcome


def _job_name(job: str) -> str:
    return f"{_COUNT}.{job}"


def _key_name(key: str) -> str:
    return f"netsuite_idempotency.{key.lower()}"


def _link(url: str) -> list[dict[str, str]]:
    return [{"rel": "self", "href": url}]
