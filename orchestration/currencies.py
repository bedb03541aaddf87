"""How many decimals each currency has, as the seed says."""

import csv
from collections.abc import Mapping
from functools import cache

from orchestration.company_files import SHIPPED_SEEDS


@cache
def exponents() -> Mapping[str, int]:
    """Decimals by currency."""
    with (SHIPPED_SEEDS / "currencies.csv").open(encoding="utf-8") as file:
        return {row["currency"]: int(row["exponent"]) for row in csv.DictReader(file)}
