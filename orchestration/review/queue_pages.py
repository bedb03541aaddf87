"""Pages of exceptions: the queue, one exception with both sides, its thread."""

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

from orchestration.glance import NoLookError, glance
from orchestration.review.desk import Desk, desk_of, page
from orchestration.review.forms import (
    MOST_AT_ONCE,
    exception_filter,
    fingerprint,
    paging_of,
    query_of,
    ticket,
)
from reconcilers.corrections.diff import changes
from reconcilers.queue import (
    ORDERS,
    STATES,
    ExceptionFilter,
    choices,
    corrections_of,
    exceptions_page,
    matching,
)
from reconcilers.report.amounts import amount
from reconcilers.report.lines import is_overdue
from reconcilers.rules.meanings import meanings
from reconcilers.sides import BothSides, both_sides
from reconcilers.state.views import ExceptionView, show_exception
from reconcilers.trace.folded import folded
from reconcilers.trace.html import OPEN_KINDS, is_rest
from reconcilers.trace.search import find
from reconcilers.trace.thread import Found
from reconcilers.triage import Seen, Standing, standings


def queue(request: Request) -> Response:
    """A page of the queue, by the filter of its address."""
    desk, params = desk_of(request), request.query_params
    wanted, policy = exception_filter(params, desk.exponent), desk.policy
    paging = paging_of(params)
    found = exceptions_page(desk.state, wanted, policy, offset=paging.offset, limit=paging.size)
    keys = [view.exception_key for view in found.rows]
    standing = standings(desk.state, keys)
    shown = {view.exception_key: _seen(view, standing) for view in found.rows}
    return page(
        request,
        "queue.html.j2",
        found=found,
        wanted=wanted,
        params=params,
        query=query_of(params),
        paging=paging.of(found.total),
        choices=choices(desk.state, policy),
        states=STATES,
        orders=ORDERS,
        standing=standing,
        nothing=Standing(),
        tickets={key: ticket(key, seen) for key, seen in shown.items()},
        whole=_whole(desk, wanted, shown) if len(keys) < found.total <= MOST_AT_ONCE else "",
        corrections=corrections_of(desk.state, keys),
        rule=policy.rule,
        is_overdue=is_overdue,
    )


def exception(request: Request) -> Response:
    """One exception: what is wrong, both sides, its nights, its corrections, what people said."""
    desk = desk_of(request)
    detail = show_exception(desk.state, request.path_params["key"])
    view = detail.exception
    rule = desk.policy.rule(view.code, view.cause)
    sides, problem = _sides(desk, view)
    standing = standings(desk.state, [view.exception_key])
    return page(
        request,
        "exception.html.j2",
        view=view,
        detail=detail,
        rule=rule,
        is_overdue=is_overdue(view, rule),
        standing=standing.get(view.exception_key, Standing()),
        ticket=ticket(view.exception_key, _seen(view, standing)),
        meaning=meanings()[view.code],
        sides=sides,
        problem=problem,
        changes=changes,
        parent=_parent(desk, view),
    )


def thread(request: Request) -> Response:
    """The commercial thread of an exception, as `tieout trace` finds it."""
    desk = desk_of(request)
    view = show_exception(desk.state, request.path_params["key"]).exception
    found, problem = _thread(desk, view)
    exponents = desk.settings.exponents()
    return page(
        request,
        "exception_thread.html.j2",
        view=view,
        found=found,
        problem=problem,
        folded=folded,
        is_rest=is_rest,
        open_kinds=OPEN_KINDS,
        amount=lambda minor, currency: amount(minor, currency, exponents) if currency else "",
    )


def _seen(view: ExceptionView, standing: Mapping[str, Standing]) -> Seen:
    said = standing.get(view.exception_key, Standing())
    return Seen(view.impact_reporting_minor, said.asked_at)


def _whole(desk: Desk, wanted: ExceptionFilter, shown: Mapping[str, Seen]) -> str:
    """All that match, in short; what the page shows counts as it was when the page read it."""
    return fingerprint({**matching(desk.state, wanted, desk.policy, MOST_AT_ONCE), **shown})


def _sides(desk: Desk, view: ExceptionView) -> tuple[BothSides | None, str]:
    try:
        with glance(desk.settings) as con:
            return both_sides(con, view.comparison, view.row_key, desk.settings.exponents()), ""
    except NoLookError as error:
        return None, str(error)


def _thread(desk: Desk, view: ExceptionView) -> tuple[Found | None, str]:
    """By the first of its ids that leads to a thread."""
    ids = (view.owner_id, view.replica_id, view.canonical_id, view.correlation_id)
    try:
        with glance(desk.settings) as con:
            for identifier in filter(None, ids):
                found = find(con, identifier)
                if found.threads:
                    return found, ""
    except NoLookError as error:
        return None, str(error)
    return None, "no record of the newest night leads to a thread"


def _parent(desk: Desk, view: ExceptionView) -> ExceptionView | None:
    """What explains the exception, as far as it is still kept."""
    if view.explained_by is None:
        return None
    try:
        return show_exception(desk.state, view.explained_by).exception
    except LookupError:
        return None
