"""Money at risk by cause, entity, kind of record and age. Pure."""

from collections import defaultdict
from collections.abc import Callable, Sequence

from reconcilers.report.data import AGE_BUCKETS, RiskLine, age_bucket
from reconcilers.report.rows import ExceptionLine

DIMENSIONS: dict[str, Callable[[ExceptionLine], str]] = {
    "cause": lambda line: line.cause,
    "legal_entity": lambda line: line.legal_entity,
    "entity": lambda line: line.entity,
    "age": lambda line: age_bucket(line.age_days),
}


def risk_lines(open_lines: Sequence[ExceptionLine]) -> tuple[RiskLine, ...]:
    """Each dimension adds up to all open exceptions; ages in order, else the dearest first."""
    return tuple(line for dimension in DIMENSIONS for line in _of_dimension(dimension, open_lines))


def _of_dimension(dimension: str, open_lines: Sequence[ExceptionLine]) -> list[RiskLine]:
    groups: dict[str, list[ExceptionLine]] = defaultdict(list)
    for line in open_lines:
        groups[DIMENSIONS[dimension](line)].append(line)
    if dimension == "age":
        return [_risk(dimension, name, groups[name]) for name, _ in AGE_BUCKETS if groups[name]]
    lines = [_risk(dimension, name, group) for name, group in groups.items()]
    return sorted(lines, key=lambda line: (-line.gross_reporting_minor, -line.open, line.name))


def _risk(dimension: str, name: str, lines: Sequence[ExceptionLine]) -> RiskLine:
    impacts = [line.counted_reporting_minor for line in lines]
    return RiskLine(
        dimension=dimension,
        name=name,
        open=len(lines),
        new=sum(line.is_new for line in lines),
        overdue=sum(line.is_overdue for line in lines),
        gross_reporting_minor=sum(map(abs, impacts)),
        net_reporting_minor=sum(impacts),
    )
