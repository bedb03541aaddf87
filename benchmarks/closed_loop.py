"""Whether corrections put right what they are for: a night, all of them approved and sent, a night.

Run by `make bench-loop`. A company of its own is planted with every class of drift; two people
agree to all that is proposed, whatever the budgets of a run would let go at once. What the second
night says of each correction is told by class, and so is every exception that it opened: those are
what the corrections broke, or what only they let come to light. With --undo everything that can be
undone is, and a third night has to see again what the first one saw.
"""

import argparse
import asyncio
import datetime as dt
import json
import tempfile
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl

from extractors.sandbox import control
from orchestration.evaluate import (
    SCALES,
    EvaluationError,
    parse_plants,
    reconcilable_day,
    temporary_world,
)
from orchestration.night import run_night
from orchestration.sending import send
from orchestration.settings import Settings, load_settings
from orchestration.stores import opened_state
from reconcilers.corrections.approval import approve
from reconcilers.corrections.compensate import CompensationRefusedError, compensate
from reconcilers.corrections.verify import TAKEN
from reconcilers.state.store import State
from reconcilers.state.tieouts import load_tieouts
from reconcilers.state.views import (
    CorrectionView,
    list_corrections,
    list_exceptions,
    list_nights,
)

TIEOUTS = "reconciliation__tieouts"  # what a night found is recorded before they are judged
APPROVERS, MAKER = ("ann", "ben"), "cid"
BUDGET = """
[policy.budget.{span}]
rows = 1_000_000
amount_minor = 1_000_000_000_000_000
customers = 1_000_000
"""
# Faults of reading stay where they are planted: what they cover can never be verified.
BROKEN = ("code", "scope", "currency", "period", "unexplained_minor")
UNREAD = ("CTL-CNT-01", "CTL-STALE-01")
TOLD = (
    "code",
    "cause",
    "owner_id",
    "replica_id",
    "attribute",
    "expected",
    "observed",
    "explained_by",
)
STATES = ("refused", "verified", "ineffective", "superseded", "dead", "accepted", "other")


def run(
    settings: Settings, seed: int, plants: Mapping[str, int], customers: int, *, undoes: bool
) -> dict[str, Any]:
    """Plant, night, approve, send, night; what became of the corrections, and what is new."""
    with temporary_world(settings, seed, customers) as bare, tempfile.TemporaryDirectory() as made:
        world = _unbounded(bare, Path(made))
        for number, (code, count) in enumerate(sorted(plants.items())):
            control.plant(world.sandbox_dir, code, count, seed=seed * 1000 + number)
        first = _night(world)
        with opened_state(world) as state:
            seen = _open(state)
            _agree(state)
            asyncio.run(send(world, state))
        control.advance(world.sandbox_dir, 1)
        _night(world)
        with opened_state(world) as state:
            new = [item for item in list_exceptions(state) if item.opened_on > first]
            told = {
                "seed": seed,
                "broken": _broken(state),
                "classes": _by_class(list_corrections(state)),
                "new": sorted(
                    tuple(str(getattr(item, name) or "") for name in TOLD) for item in new
                ),
            }
            return told | (_undone(world, state, seen) if undoes else {})


def _broken(state: State) -> list[str]:
    """The tie-outs of the newest night that do not hold."""
    newest = list_nights(state)[-1].snapshot_date
    lines = load_tieouts(state, newest).filter(~pl.col("holds"))
    return [" ".join(map(str, row)) for row in lines.select(*BROKEN).iter_rows()]


def _open(state: State) -> set[str]:
    return {item.exception_key for item in list_exceptions(state, states=("OPEN",))}


def _undone(world: Settings, state: State, seen: set[str]) -> dict[str, Any]:
    """Undo all that can be; by action, how many, and of which the drift did not come back."""
    undone = {}
    for item in list_corrections(state, states=("accepted", "verified")):
        with suppress(CompensationRefusedError):
            (made,) = compensate(state, [item.correction_id], MAKER, "to see it come back")
            undone[made.correction_id] = item
    _agree(state)
    asyncio.run(send(world, state))
    control.advance(world.sandbox_dir, 1)
    _night(world)
    back, broken = _open(state) & seen, _broken(state)
    states = {item.correction_id: item.state for item in list_corrections(state)}
    taken = {name: item for name, item in undone.items() if states[name] in TAKEN}
    return {
        "undone": Counter(item.action for item in taken.values()),
        "broken after undo": broken,
        "not undone": sorted(
            (item.code, item.action, states[name])
            for name, item in undone.items()
            if name not in taken
        ),
        "not back": sorted(
            (item.code, item.action, item.record_id, item.attribute)
            for item in taken.values()
            if item.exception_key not in back
        ),
    }


def _unbounded(world: Settings, folder: Path) -> Settings:
    """The same company under a policy whose budgets stop nothing."""
    words = world.policy_path.read_text(encoding="utf-8")
    kept, _, rest = words.partition("[policy.budget.run]")
    rules = rest[rest.index("\n[", rest.index("[policy.budget.day]")) :]
    path = folder / "policy.toml"
    budgets = "".join(BUDGET.format(span=span) for span in ("run", "day"))
    path.write_text(kept + budgets + rules, encoding="utf-8")
    return replace(world, policy_path=path)


def _night(world: Settings) -> dt.date:
    day = reconcilable_day(world)
    result = run_night(world, day)
    if not result.ok and result.failed_step != TIEOUTS:
        raise EvaluationError(f"the night failed in {result.failed_step}: {result.reason}")
    return day


def _agree(state: State) -> None:
    """Yes to all that waits for nothing else, by as many people as it takes."""
    for actor in APPROVERS:
        waiting = [
            each.correction_id
            for each in list_corrections(state, states=("proposed", "held"))
            if each.state == "proposed" or (each.state_reason or "").startswith("cap broken")
        ]
        approve(state, waiting, actor, "looked at")


def _by_class(corrections: Sequence[CorrectionView]) -> dict[str, Any]:
    found: dict[str, list[CorrectionView]] = defaultdict(list)
    for item in corrections:
        if item.verdict_on or item.sent_at or item.state in {"refused", "superseded", "dead"}:
            found[item.code].append(item)
    return {code: _told(items) for code, items in sorted(found.items())}


def _told(items: Sequence[CorrectionView]) -> dict[str, Any]:
    counted = Counter(item.state if item.state in STATES else "other" for item in items)
    reasons = Counter(
        item.state_reason for item in items if item.state in {"refused", "dead", "superseded"}
    )
    return {**counted, "why": [reason for reason, _ in reasons.most_common(3)]}


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.closed_loop", description=__doc__)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--customers", type=int, default=SCALES["small"])
    parser.add_argument("--plant", action="append", default=[])
    parser.add_argument("--undo", action="store_true")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    plants = {code: n for code, n in parse_plants(given.plant).items() if code not in UNREAD}
    told = run(load_settings(), given.seed, plants, given.customers, undoes=given.undo)
    if given.json:
        print(json.dumps(told))
        return
    for code, counts in told["classes"].items():
        states = ", ".join(f"{name} {counts[name]}" for name in STATES if name in counts)
        print(f"{code}: {states}", *counts["why"], sep="\n    ")
    for name in ("new", "not undone", "not back"):
        for row in told.get(name, ()):
            print(f"{name}:", *row)
    for name in ("broken", "broken after undo"):
        print(f"tie-outs {name}: {'; '.join(told.get(name, ())) or 'none'}")
    print("undone:", dict(told.get("undone", {})))


if __name__ == "__main__":
    main()
