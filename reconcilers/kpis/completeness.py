"""How much of what had to match does, how it was matched, and what nothing explains. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from reconcilers.kpis.figures import Figure, summed, where_rated
from reconcilers.kpis.sources import Sources
from reconcilers.rules.codes import CODES

CATALOGUE_CLASSES = 75  # of the drift catalogue, implemented here or not
Row = Mapping[str, Any]


def completeness(sources: Sources) -> Iterator[Figure]:
    """Match rates, the residual of the tie-outs, and what is covered."""
    rows: list[Row] = list(sources.frames["dispositions"].iter_rows(named=True))
    due = [row for row in rows if _is_due(row["disposition"])]
    side = {"side": lambda row: f"{row['comparison']}/{row['side']}"}
    yield from summed("match_rate_rows", due, side, _matched_rows, lambda row: row["rows"])
    yield from where_rated("match_rate_money", _in_money(sources, due))
    yield from _automatic(sources, due)
    yield from where_rated("unexplained_residual", _residual(sources))
    looked_for = sum(any(code == of for of, _ in sources.policy.rules) for code in CODES)
    yield Figure("coverage_classes", "total", "", looked_for, CATALOGUE_CLASSES)


def _is_due(disposition: str) -> bool:
    return disposition != "in_flight" and not disposition.startswith("excluded")


def _matched_rows(row: Row) -> int:
    return int(row["rows"]) if row["disposition"] == "matched" else 0


def _in_money(sources: Sources, due: list[Row]) -> Iterator[Figure]:
    def worth(row: Row) -> int:
        return abs(sources.rates.reporting_minor(row["amount_minor"], row["currency"]))

    valued = [row for row in due if row["currency"] is not None and row["amount_minor"]]
    side = {"side": lambda row: f"{row['comparison']}/{row['side']}"}
    yield from summed(
        "match_rate_money",
        valued,
        side,
        lambda row: worth(row) if row["disposition"] == "matched" else 0,
        worth,
        currency=sources.policy.reporting_currency,
    )


def _automatic(sources: Sources, due: list[Row]) -> Iterator[Figure]:
    """By a shared key, or by a pass of its own: (rule, automatic records, records)."""
    keyed = sum(map(_matched_rows, due))
    passed = [
        (
            f"{row['pairing']}/{row['pass_name']}",
            row["records"] if row["mode"] == "automatic" else 0,
            row["records"],
        )
        for row in sources.frames["matches"].iter_rows(named=True)
    ]
    yield from summed(
        "auto_match_rate",
        [("key", keyed, keyed), *passed],
        {"rule": lambda one: one[0]},
        lambda one: int(one[1]),
        lambda one: int(one[2]),
    )


def _residual(sources: Sources) -> Iterator[Figure]:
    def worth(name: str) -> Any:
        return lambda row: abs(sources.rates.reporting_minor(row[name], row["currency"]))

    lines = list(sources.frames["tieouts"].iter_rows(named=True))
    yield from summed(
        "unexplained_residual",
        lines,
        {"tieout": lambda row: row["code"]},
        worth("unexplained_minor"),
        worth("left_minor"),
        currency=sources.policy.reporting_currency,
    )
