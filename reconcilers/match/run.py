"""Runs the passes of one pairing, in order and exclusively, inside the engine."""

import duckdb

from reconcilers.match.groups import propose
from reconcilers.match.intake import take_in
from reconcilers.match.judge import judge
from reconcilers.match.outcome import sum_up
from reconcilers.match.passes import Pairing


def match_populations(
    con: duckdb.DuckDBPyConnection, pairing: Pairing, left: str, right: str
) -> None:
    """Match two tables of records with the columns of `intake.COLUMNS`.

    The outcome is in the temporary tables `match_result`, `match_allocation` and `match_residue`.
    Their rows do not depend on the order of the input. Raises DuplicateItemError.
    """
    take_in(con, left, right)
    for number, each in enumerate(pairing.passes, start=1):
        propose(con, number, each)
        judge(con, number, each)
    sum_up(con, pairing)
