"""How the open exceptions of one night became those of the next. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from reconcilers.life import STILL_OPEN
from reconcilers.state.views import ExceptionView

Views = Mapping[str, ExceptionView]


@dataclass(frozen=True)
class Movements:
    """opening + detected + reopened - resolved_self - resolved_verified = closing, in rows.

    In money `revalued` is added: by how much the impact of each that stayed open grew.
    """

    opening: Sequence[ExceptionView]
    detected: Sequence[ExceptionView]
    reopened: Sequence[ExceptionView]
    resolved_self: Sequence[ExceptionView]
    resolved_verified: Sequence[ExceptionView]
    closing: Sequence[ExceptionView]
    revalued: Sequence[tuple[ExceptionView, int]]


def movements(before: Views, now: Views) -> Movements:
    """From all exceptions as the night before knew them, and as this one does, by key."""
    opening, closing = _open(before), _open(now)
    gone = [now[key] for key in opening.keys() - closing.keys()]
    came = [closing[key] for key in closing.keys() - opening.keys()]
    return Movements(
        opening=[*opening.values()],
        detected=[view for view in came if view.episode == 1],
        reopened=[view for view in came if view.episode > 1],
        resolved_self=[view for view in gone if view.resolved_by is None],
        resolved_verified=[view for view in gone if view.resolved_by is not None],
        closing=[*closing.values()],
        revalued=[
            (closing[key], gross(closing[key]) - gross(opening[key]))
            for key in opening.keys() & closing.keys()
        ],
    )


def gross(view: ExceptionView) -> int:
    """What an exception is worth without sign, minor units of the reporting currency."""
    return abs(view.impact_reporting_minor or 0)


def gross_of(views: Iterable[ExceptionView]) -> int:
    return sum(map(gross, views))


def _open(known: Views) -> Views:
    return {key: view for key, view in known.items() if view.state in STILL_OPEN}
