"""Break every rule in turn, and show that a test fails for each break. Run by `make mutants`.

The tests that evaluate a rule's comparison run against a catalogue in which that one rule is
broken. A break that no test notices is printed, and the command ends with 1: a test is missing.
"""

import argparse
import contextlib
import io
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import narwhals as nw
import polars as pl
import pytest
from rich.console import Console

from reconcilers.rules.base import NOTHING, Rule
from tests import comparison_tables

TESTS = Path("tests/unit/reconcilers")
SECOND = 1 / 3600  # of an hour
# pytest warns that its second run in a process finds modules of the first.
_QUIETLY = ("-x", "-q", "-W", "ignore", "-p", "no:cacheprovider", "-m", "not slow")


@dataclass(frozen=True)
class Mutant:
    """A rule with one break."""

    broken: str
    rule: Rule


def mutants(rule: Rule) -> Iterator[Mutant]:
    """Every break of a rule that changes what it says."""
    yield Mutant("never fires", replace(rule, drifts=nw.lit(value=False)))
    yield Mutant("fires on all", replace(rule, drifts=nw.lit(value=True)))
    if _value(rule.impact_minor) is None:
        yield Mutant("impact with the other sign", replace(rule, impact_minor=-rule.impact_minor))
    if rule.coverage is not None:
        for name, step in (("second late", SECOND), ("second early", -SECOND)):
            hours: Any = rule.grace_hours + step
            yield Mutant(f"window ends a {name}", replace(rule, grace_hours=hours))
    if rule.cause is not NOTHING:
        yield Mutant("tells no cause", replace(rule, cause=NOTHING))
    if rule.replica is not None:
        yield Mutant("sides changed", replace(rule, owner=rule.replica, replica=rule.owner))
    if _value(rule.floor) != "S4":
        yield Mutant("mild whatever the class", replace(rule, floor=nw.lit("S4")))


def _value(expression: nw.Expr) -> Any:
    """What an expression is that looks at no column; None for one that does."""
    try:
        row = nw.from_native(pl.DataFrame({"nothing": [0]})).select(value=expression)
    except Exception:  # noqa: BLE001 - whatever it is that needs a column
        return None
    return row["value"].item()


class _Watch:
    """A pytest plugin: which tests evaluate which comparisons, and which tests fail."""

    def __init__(self, broken: Mutant | None = None) -> None:
        self.broken = broken
        self.seen: dict[str, set[str]] = {}
        self.failed: list[str] = []

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Iterator[None]:
        touched = self.seen.setdefault(item.nodeid, set())
        real = comparison_tables.rules_over

        def rules_over(*views: str) -> list[Rule]:
            touched.update(rule.over for rule in real(*views))
            return [self._rule(rule) for rule in real(*views)]

        with _given(rules_over):
            yield

    def _rule(self, rule: Rule) -> Rule:
        return self.broken.rule if self.broken and self.broken.rule.name == rule.name else rule

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed.append(report.nodeid)


@contextlib.contextmanager
def _given(rules_over: Any) -> Iterator[None]:
    """Every test module that took `rules_over` by name gets this one."""
    real = comparison_tables.rules_over
    holders = [m for m in list(sys.modules.values()) if getattr(m, "rules_over", None) is real]
    for holder in holders:
        holder.rules_over = rules_over  # type: ignore[attr-defined]
    try:
        yield
    finally:
        for holder in holders:
            holder.rules_over = real  # type: ignore[attr-defined]


def run(tests: Iterable[str], watch: _Watch) -> None:
    """Run these tests until one fails."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        pytest.main([*tests, *_QUIETLY], [watch])


def survivors(rules: Sequence[Rule], console: Console) -> list[Mutant]:
    """The mutants that no test notices."""
    whole = _Watch()
    run(map(str, sorted(TESTS.glob("test_rules_*.py"))), whole)
    if whole.failed:
        sys.exit(f"{whole.failed[0]} fails without any break")
    alive = []
    for rule in rules:
        tests = [test for test, touched in whole.seen.items() if rule.over in touched]
        broken = list(mutants(rule))
        kept = [mutant for mutant in broken if not _is_noticed(mutant, tests)]
        console.print(f"{rule.name}: {len(broken) - len(kept)} of {len(broken)} breaks noticed")
        for mutant in kept:
            console.print(f"  [red]not noticed[/red]: {mutant.broken}")
        alive += kept
    return alive


def _is_noticed(mutant: Mutant, tests: Sequence[str]) -> bool:
    watch = _Watch(mutant)
    run(tests, watch)
    return bool(watch.failed)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mutants", description=__doc__)
    parser.add_argument("codes", nargs="*", help="classes of drift; all, if none is named")
    codes = parser.parse_args().codes
    rules = [rule for rule in comparison_tables.rules_over() if not codes or rule.code in codes]
    alive = survivors(rules, Console())
    if alive:
        sys.exit(f"{len(alive)} breaks of rules are noticed by no test")


if __name__ == "__main__":
    main()
