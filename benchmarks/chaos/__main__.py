"""`make chaos SEEDS=N`, `make chaos SEED=n`, `make chaos SEEDS=200 BREAK=resend`.

Exit code 0: every invariant held in every seed. With a break: it was noticed, as it must be.
"""

import argparse
import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.chaos.many import SHOWN, Tally, play_many, stage
from benchmarks.chaos.play import Result
from benchmarks.chaos.sabotage import BREAKS, broken
from benchmarks.chaos.script import draw

REPORT = Path(__file__).parents[2] / "docs" / "chaos.md"


def told(result: Result, corrections: int) -> str:
    """A failing seed in full: its script, what happened, what was breached, how to see it again."""
    return "\n".join(
        [
            f"seed {result.seed} breaches {len(result.breaches)} invariants:",
            *(f"  {breach}" for breach in result.breaches),
            str(draw(result.seed, corrections)),
            *result.trace,
            f"play it again: make chaos SEED={result.seed}",
        ]
    )


def main() -> int:
    options = _parser().parse_args()
    started = time.monotonic()
    if options.seed is not None:
        return _play_one(options.seed, options.break_)
    seeds = range(options.first, options.first + options.seeds)
    tally = play_many(seeds, options.break_, options.workers)
    took = time.monotonic() - started
    for result in sorted(tally.failed, key=lambda r: r.seed)[:SHOWN]:
        print(told(result, len(result.states)), end="\n\n")
    print(_summary(tally, took))
    if options.break_:
        verdict = f"noticed at seed {tally.failed[0].seed}" if tally.failed else "NOT noticed"
        print(f"the dispatcher was broken ({options.break_}): {verdict}")
        return 0 if tally.failed else 1
    if options.report and not tally.failed:
        REPORT.write_text(_report(tally, took, options.workers), encoding="utf-8")
        print(f"written to {REPORT}")
    return 1 if tally.failed else 0


def _play_one(seed: int, break_: str | None) -> int:
    with stage() as place, broken(break_):
        result = place.play(seed)
        print(told(result, len(place.repairs)))
    return 1 if result.breaches else 0


def _summary(tally: Tally, took: float) -> str:
    ends = ", ".join(f"{state} {count}" for state, count in sorted(tally.states.items()))
    return (
        f"{tally.seeds} seeds in {took:.0f} s, {len(tally.failed)} failed; {tally.steps} steps at "
        f"which to die, {tally.calls} writes sent; corrections: {ends}; {tally.overrun} "
        "writes over a change made between look and write where the vendor takes no condition"
    )


def _report(tally: Tally, took: float, workers: int) -> str:
    head = REPORT.read_text(encoding="utf-8").partition("## The last run")[0]
    today = datetime.now(UTC).date()
    return (
        f"{head}## The last run\n\n`make chaos SEEDS={tally.seeds} REPORT=1` on {today}, "
        f"{workers} processes:\n\n{_summary(tally, took)}.\n"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="benchmarks.chaos", description=__doc__)
    parser.add_argument("--seeds", type=int, default=200, help="how many seeds to play")
    parser.add_argument("--first", type=int, default=0, help="the first of them")
    parser.add_argument("--seed", type=int, help="play this one alone, and tell all of it")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--break", dest="break_", choices=sorted(BREAKS), help="on purpose")
    parser.add_argument("--report", action="store_true", help="write the result into docs")
    return parser


if __name__ == "__main__":
    sys.exit(main())
