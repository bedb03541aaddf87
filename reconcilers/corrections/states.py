"""The states of a correction and the ways between them."""

from enum import StrEnum


class CorrectionState(StrEnum):
    """Where a correction stands in the outbox."""

    PROPOSED = "proposed"  # waits for a person
    HELD = "held"  # a cap, a systemic finding or an ineffective forerunner: a person decides
    REFUSED = "refused"  # a posting check failed; planned anew every night
    APPROVED = "approved"  # may be sent
    REJECTED = "rejected"  # a person said no
    SENDING = "sending"  # the intent is persisted; the call may be under way
    UNKNOWN = "unknown"  # no conclusive answer; resolved by looking
    ACCEPTED = "accepted"  # the target has it
    VERIFIED = "verified"  # a later night shows the drift gone
    INEFFECTIVE = "ineffective"  # a later night still shows the drift
    COMPENSATED = "compensated"  # an undo of it was accepted
    SUPERSEDED = "superseded"  # the value that drifted is no longer there
    DEAD = "dead"  # permanent error or attempts used; back only by replay


S = CorrectionState
WAYS: dict[CorrectionState, frozenset[CorrectionState]] = {
    S.PROPOSED: frozenset({S.APPROVED, S.REJECTED, S.SUPERSEDED, S.HELD, S.REFUSED}),
    S.HELD: frozenset({S.APPROVED, S.REJECTED, S.SUPERSEDED, S.PROPOSED, S.REFUSED}),
    S.REFUSED: frozenset({S.PROPOSED, S.HELD, S.APPROVED, S.REJECTED, S.SUPERSEDED}),
    S.APPROVED: frozenset(
        {
            S.SENDING,
            S.REJECTED,
            S.SUPERSEDED,
            S.PROPOSED,
            S.HELD,
            S.REFUSED,
        }  # a later plan stops it
    ),
    S.REJECTED: frozenset(),
    S.SENDING: frozenset({S.ACCEPTED, S.UNKNOWN, S.SUPERSEDED, S.DEAD, S.APPROVED, S.REFUSED}),
    S.UNKNOWN: frozenset({S.ACCEPTED, S.APPROVED, S.SUPERSEDED, S.DEAD}),
    S.ACCEPTED: frozenset({S.VERIFIED, S.INEFFECTIVE, S.COMPENSATED}),
    S.VERIFIED: frozenset({S.ACCEPTED, S.INEFFECTIVE, S.COMPENSATED}),
    S.INEFFECTIVE: frozenset({S.ACCEPTED, S.VERIFIED, S.COMPENSATED}),
    S.COMPENSATED: frozenset(),
    S.SUPERSEDED: frozenset({S.PROPOSED, S.HELD, S.REFUSED, S.APPROVED}),  # drifted again
    S.DEAD: frozenset({S.APPROVED, S.SUPERSEDED}),
}
UNSENT = (S.PROPOSED, S.HELD, S.REFUSED, S.APPROVED)
UNDER_WAY = (S.SENDING, S.UNKNOWN)


class WrongStateError(RuntimeError):
    """A correction cannot go where it was told to from where it stands."""


def require_way(correction_id: str, here: str, there: CorrectionState) -> None:
    """Refuse a move that the table above does not know."""
    if there not in WAYS[CorrectionState(here)]:
        allowed = ", ".join(sorted(WAYS[CorrectionState(here)])) or "nowhere"
        raise WrongStateError(
            f"correction {correction_id} is {here} and cannot become {there.value}; "
            f"from here it can go to {allowed}"
        )
