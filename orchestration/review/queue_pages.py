"""Pages of exceptions: the queue, one exception with both sides, its thread."""

from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from orchestration.currencies import exponents
from orchestration.glance import NoLookError, glance
from orchestration.review.desk import Desk, desk_of, page
from orchestration.review.forms import PAGE_SIZE, exception_filter, page_number, query_of
from orchestration.review.paging import Paging
from reconcilers.corrections.diff import changes
from reconcilers.queue import ORDERS, STATES, choices, corrections_of, exceptions_page
from reconcilers.report.amounts import amount
from reconcilers.report.lines import is_overdue
from reconcilers.rules.meanings import meanings
from reconcilers.sides import BothSides, both_sides
from reconcilers.state.views import ExceptionView, show_exception
from reconcilers.trace.folded import folded
from reconcilers.trace.html import OPEN_KINDS, is_rest
from reconcilers.trace.search import find
from reconcilers.trace.thread import Found
from reconcilers.triage import Standing, standings


def queue(request: Request) -> Response:
    """A page of the queue, by the filter of its address."""
    desk, params = desk_of(request), request.query_params
    wanted, policy = exception_filter(params, desk.exponent), desk.policy
    paging = Paging(page_number(params), PAGE_SIZE, partial(query_of, params))
    found = exceptions_page(desk.state, wanted, policy, offset=paging.offset, limit=paging.size)
    keys = [view.exception_key for view in found.rows]
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
        standing=standings(desk.state, keys),
        nothing=Standing(),
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
    return page(
        request,
        "exception.html.j2",
        view=view,
        detail=detail,
        rule=rule,
        is_overdue=is_overdue(view, rule),
        standing=standings(desk.state, [view.exception_key]).get(view.exception_key, Standing()),
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
    return page(
        request,
        "exception_thread.html.j2",
        view=view,
        found=found,
        problem=problem,
        folded=folded,
        is_rest=is_rest,
        open_kinds=OPEN_KINDS,
        amount=lambda minor, currency: amount(minor, currency, exponents()) if currency else "",
    )


def _sides(desk: Desk, view: ExceptionView) -> tuple[BothSides | None, str]:
    try:
        with glance(desk.settings) as con:
            return both_sides(con, view.comparison, view.row_key, exponents()), ""
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
