"""Pages of corrections: the list with its diffs, one correction, the dead letters."""

import asyncio

from starlette.requests import Request
from starlette.responses import Response

from orchestration import dry_run
from orchestration.review.desk import desk_of, page
from orchestration.review.forms import correction_filter, paging_of, query_of
from reconcilers.corrections.approval import DECIDABLE, preview_replay
from reconcilers.corrections.diff import changes, projections
from reconcilers.corrections.states import UNSENT, CorrectionState
from reconcilers.corrections.words import approvers_needed
from reconcilers.queue import CorrectionFilter, choices, corrections_page
from reconcilers.state.views import show_correction

WAITING = "proposed"


def corrections(request: Request) -> Response:
    """A page of the outbox; without a filter, of what waits for a person."""
    desk, params = desk_of(request), request.query_params
    wanted = correction_filter(params if "state" in params else {**params, "state": WAITING})
    paging = paging_of(params)
    found = corrections_page(desk.state, wanted, offset=paging.offset, limit=paging.size)
    return page(
        request,
        "corrections.html.j2",
        found=found,
        wanted=wanted,
        params=params,
        query=query_of(params),
        paging=paging.of(found.total),
        choices=choices(desk.state, desk.policy),
        states=[each.value for each in CorrectionState],
        changes=changes,
        decidable=DECIDABLE,
        needed=approvers_needed,
    )


def correction(request: Request) -> Response:
    """One correction: its diff, why, what moves with it, who decided, each attempt.

    With `?live=1` the target is looked at too, with the credentials that nights read with.
    """
    desk = desk_of(request)
    detail = show_correction(desk.state, request.path_params["id"])
    view, live = detail.correction, None
    if request.query_params.get("live") == "1":
        ids = [view.correction_id]
        live = asyncio.run(dry_run.dry_run(desk.settings, desk.state, ids, None, live=True))
    return page(
        request,
        "correction.html.j2",
        view=view,
        detail=detail,
        changes=changes(view),
        moved=projections(desk.state, [view]) if view.state in UNSENT else [],
        live=list(dry_run.as_text(live))[:-1] if live else None,
        decidable=DECIDABLE,
        unsent=UNSENT,
        needed=approvers_needed(view.mode),
    )


def dead_letters(request: Request) -> Response:
    """What died, and what a replay of it would send again."""
    desk, params = desk_of(request), request.query_params
    paging = paging_of(params)
    wanted = CorrectionFilter(state=CorrectionState.DEAD.value, code=params.get("code", ""))
    found = corrections_page(desk.state, wanted, offset=paging.offset, limit=paging.size)
    previews = preview_replay(desk.state, [view.correction_id for view in found.rows])
    return page(
        request,
        "dead.html.j2",
        found=found,
        wanted=wanted,
        paging=paging.of(found.total),
        previews={each.correction_id: each for each in previews},
        changes=changes,
    )
