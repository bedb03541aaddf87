"""Pages of nights: the verdict and the tie-outs; and the audit."""

import datetime as dt
import json
from functools import partial
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from orchestration.review.desk import Desk, desk_of, page
from orchestration.review.forms import audit_filter, paging_of
from reconcilers.queue import audit_actions, audit_page
from reconcilers.state.audit import verify_audit
from reconcilers.state.tieouts import load_tieouts
from reconcilers.state.views import list_nights


def tieouts(request: Request) -> Response:
    """The tie-outs of a night, the newest if none is named, and what its report says."""
    desk = desk_of(request)
    nights = list_nights(desk.state)[::-1]
    day = _day(request.path_params.get("day")) or (nights[0].snapshot_date if nights else None)
    if day is not None and day not in {night.snapshot_date for night in nights}:
        raise HTTPException(404, f"there was no night of {day}")
    lines = load_tieouts(desk.state, day).to_dicts() if day else []
    return page(
        request,
        "tieouts.html.j2",
        day=day,
        nights=nights,
        broken=[line for line in lines if not line["holds"]],
        groups=_grouped(lines),
        summary=_summary(desk, day) if day else None,
    )


def audit(request: Request) -> Response:
    """A page of the audit; with `?verify=1` its whole chain is computed again."""
    desk, params = desk_of(request), request.query_params
    wanted = audit_filter(params)
    paging = paging_of(params)
    found = audit_page(desk.state, wanted, offset=paging.offset, limit=paging.size)
    return page(
        request,
        "audit.html.j2",
        found=found,
        wanted=wanted,
        paging=paging.of(found.total),
        actions=audit_actions(desk.state),
        verdict=verify_audit(desk.state) if params.get("verify") == "1" else None,
        as_json=partial(json.dumps, ensure_ascii=False),
    )


def _day(text: str | None) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text) if text else None
    except ValueError as error:
        raise HTTPException(404, f"{text} is not a day") from error


def _summary(desk: Desk, day: dt.date) -> Any:
    """What the report of the night says, for machines; None where none was written."""
    path = desk.settings.report_dir(day) / "summary.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def _grouped(lines: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    groups: dict[str, list[dict[str, Any]]] = {}
    for line in lines:
        groups.setdefault(line["code"], []).append(line)
    return groups
