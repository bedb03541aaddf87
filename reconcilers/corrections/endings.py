"""How an attempt ends: what was seen or answered, as an outcome that can be persisted. Pure."""

from dataclasses import replace
from datetime import datetime, timedelta

from extractors.errors import Conflict, NotFound, RateLimited, Rejected, SourceError, Unauthorized
from extractors.protocol import WriteReceipt
from reconcilers.corrections.correction import Refusal
from reconcilers.corrections.delivery import NOT_TAKEN, REJECTED, Order, Outcome
from reconcilers.corrections.look import Sight, Standing
from reconcilers.corrections.outbox import OVERTAKEN
from reconcilers.corrections.states import CorrectionState

S = CorrectionState
_WITHOUT_EFFECT = (S.SUPERSEDED, S.REFUSED, S.DEAD)
# For so long a call without an answer may still arrive, by clocks that may be an hour wrong.
ARRIVAL = timedelta(days=1)


def before_write(order: Order, sight: Sight) -> Outcome | None:
    """Compare and set: only the value that drifted may be written over."""
    if no := sight.refusal:
        if order.was_called:  # it may be our own memo that paid it, which the look missed
            return Outcome(S.APPROVED, "not sent", f"not sent: {no.problem}; looked at again")
        return refused((no,))
    if sight.standing is Standing.DRIFTED:
        return None
    if sight.standing is Standing.DESIRED and (order.was_called or sight.is_ours):
        return found_applied(sight)  # an earlier call of ours took effect after all
    return _overtaken(sight)


def after_look(order: Order, sight: Sight, most_writes: int) -> Outcome:
    """What an earlier call did, told by the target itself."""
    if sight.standing is Standing.DESIRED:
        return found_applied(sight)
    if sight.standing is Standing.OTHER:
        return _overtaken(sight)
    if order.writes >= most_writes:
        return Outcome(S.DEAD, "not applied", f"not applied after {order.writes} calls")
    return Outcome(S.APPROVED, "not applied", "looked: the call had no effect; sent again")


def once_settled(order: Order, outcome: Outcome, now: datetime) -> Outcome:
    """What ends without an effect ends only when no earlier call can take effect any more."""
    is_over = order.called_at is None or now - order.called_at >= ARRIVAL
    if is_over or outcome.state not in _WITHOUT_EFFECT:
        return outcome
    reason = f"{outcome.reason}; an earlier call may still arrive: looked at again"
    return replace(outcome, state=S.UNKNOWN, reason=reason, refusals=())


def accepted(receipt: WriteReceipt) -> Outcome:
    """Taken; of the answer its body is not kept: it may show names, of whatever was written."""
    return Outcome(
        S.ACCEPTED,
        "accepted",
        "the target accepted it",
        status=receipt.status,
        request_id=receipt.request_id,
        target_record_id=receipt.record_id,
    )


def failed(error: SourceError) -> Outcome:
    """Where a failed call leaves a correction. Only a plain no is taken for a no."""
    if isinstance(error, Rejected):
        return _from_error(S.DEAD, REJECTED, error)
    if isinstance(error, RateLimited | Unauthorized):
        return replace(_from_error(S.APPROVED, NOT_TAKEN, error), was_taken=False)
    return _from_error(S.UNKNOWN, "no conclusive answer", error)


def could_not_look(order: Order, error: SourceError) -> Outcome:
    if order.kind == "look":
        return _from_error(S.UNKNOWN, "could not look", error)
    if isinstance(error, Rejected | Conflict) and not isinstance(error, NotFound):
        return _from_error(S.DEAD, "could not look", error)
    return _from_error(S.APPROVED, "not sent: could not look", error)


def surprised(error: Exception) -> Outcome:
    """What we did not think of ends no other's work; the target tells what came of it."""
    name = type(error).__name__
    return Outcome(S.UNKNOWN, "unexpected", f"unexpected {name}, see the log", error_class=name)


def refused(refusals: tuple[Refusal, ...]) -> Outcome:
    reasons = "; ".join(f"{one.field}: {one.problem}" for one in refusals)
    return Outcome(S.REFUSED, "refused", reasons, refusals=refusals)


def found_applied(sight: Sight) -> Outcome:
    """An earlier call of ours took effect, as the target itself shows."""
    words = "found at the target by looking"
    return Outcome(S.ACCEPTED, "found applied", words, target_record_id=sight.record_id)


def _overtaken(sight: Sight) -> Outcome:
    return Outcome(S.SUPERSEDED, OVERTAKEN, sight.words, target_record_id=sight.record_id)


def _from_error(state: CorrectionState, outcome: str, error: SourceError) -> Outcome:
    return Outcome(
        state,
        outcome,
        f"{outcome}: {error.message}",
        error_class=type(error).__name__,
        status=error.status,
        request_id=error.request_id,
        body_excerpt=error.body_excerpt,
    )
