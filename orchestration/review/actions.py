"""What people do: each takes a form's words to the function that the command line calls."""

from collections.abc import Callable, Mapping, Sequence

from sqlalchemy.orm import Session as Transaction
from starlette.datastructures import FormData, QueryParams

from orchestration.review.desk import Desk
from orchestration.review.forms import (
    MOST_AT_ONCE,
    FormError,
    chosen_exceptions,
    chosen_ids,
    correction_words,
    day_of,
    exception_filter,
    fingerprint,
    text_of,
)
from reconcilers import triage
from reconcilers.corrections import approval
from reconcilers.corrections.approval import Decision
from reconcilers.queue import matching
from reconcilers.triage import Said, Seen

Action = Callable[[Desk, str, FormData], str]


def assign(desk: Desk, actor: str, form: FormData) -> str:
    to = text_of(form, "to")
    count = _say(desk, actor, form, lambda session, said: triage.assign(session, said, to))
    return f"{_exceptions(count)} assigned to {to}."


def comment(desk: Desk, actor: str, form: FormData) -> str:
    text = text_of(form, "comment")
    count = _say(desk, actor, form, lambda session, said: triage.comment(session, said, text))
    return f"{_exceptions(count)} commented on."


def waive(desk: Desk, actor: str, form: FormData) -> str:
    until, reason = day_of(form, "until"), text_of(form, "reason")

    def ask(session: Transaction, said: Said) -> int:
        return triage.ask_waiver(session, said, until, reason)

    count = _say(desk, actor, form, ask)
    return f"A waiver of {_exceptions(count)} is asked for; somebody else grants it."


def grant(desk: Desk, actor: str, form: FormData) -> str:
    return f"{_exceptions(_say(desk, actor, form, triage.grant_waiver))} waived."


def approve(desk: Desk, actor: str, form: FormData) -> str:
    return _decided(
        approval.decide_all(desk.state, correction_words(form, "approve"), actor), "approved"
    )


def reject(desk: Desk, actor: str, form: FormData) -> str:
    return _decided(
        approval.decide_all(desk.state, correction_words(form, "reject"), actor), "rejected"
    )


def replay(desk: Desk, actor: str, form: FormData) -> str:
    done = approval.replay(desk.state, chosen_ids(form), actor, text_of(form, "comment"))
    return f"{_corrections(len(done))} queued again; the next dispatch looks at each target first."


ACTIONS: Mapping[str, Action] = {
    "/exceptions/assign": assign,
    "/exceptions/comment": comment,
    "/exceptions/waive": waive,
    "/exceptions/grant": grant,
    "/corrections/approve": approve,
    "/corrections/reject": reject,
    "/dead/replay": replay,
}


def _say(desk: Desk, actor: str, form: FormData, say: Callable[[Transaction, Said], int]) -> int:
    """One word on all that were chosen, or on none; only while they are as they were seen."""
    chosen = _whole_filter(desk, form) if form.get("all") == "1" else chosen_exceptions(form)
    with desk.state.begin() as session:
        triage.require_seen(session, chosen)
        return say(session, Said(tuple(chosen), actor))


def _whole_filter(desk: Desk, form: FormData) -> dict[str, Seen]:
    """All exceptions of the filter on the page, if they are those that the page was made of.

    Raises FormError.
    """
    wanted = exception_filter(QueryParams(text_of(form, "filter")), desk.exponent)
    found = matching(desk.state, wanted, desk.policy, MOST_AT_ONCE + 1)
    if len(found) > MOST_AT_ONCE:
        raise FormError(f"all: more than {MOST_AT_ONCE:,} match; make the filter narrower")
    if fingerprint(found) != text_of(form, "whole"):
        raise FormError("all: what matches is no longer what the page showed; look again")
    return found


def _decided(decisions: Sequence[Decision], done: str) -> str:
    more = sum(bool(each.still_needed) for each in decisions)
    said = f"{_corrections(len(decisions) - more)} {done}."
    return f"{said} {_corrections(more)} wait for one more person." if more else said


def _exceptions(count: int) -> str:
    return "1 exception" if count == 1 else f"{count:,} exceptions"


def _corrections(count: int) -> str:
    return "1 correction" if count == 1 else f"{count:,} corrections"
