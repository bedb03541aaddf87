"""How many decimals each currency has, as the seed says."""

import csv
from collections.abc import Mapping
from functools import cache

from orchestration.settings import DBT_PROJECT_DIR


@cache
def exponents() -> Mapping[str, int]:
    """Decimals by currency."""
    with (DBT_PROJECT_DIR / "seeds" / "currencies.csv").open(encoding="utf-8") as file:
        return {row["currency"]: int(row["exponent"]) for row in csv.DictReader(file)}
