"""Which records belong together where no shared key says so: ordered, exclusive passes as data.

`passes.toml` declares the pairings and their passes, `match_populations` runs one of them.
"""

from reconcilers.match.passes import By, Cardinality, Mode, Pairing, Pass
from reconcilers.match.passes_file import PassesError, load_pairings, parse_pairings
from reconcilers.match.run import match_populations
from reconcilers.match.warehouse import match_warehouse

__all__ = [
    "By",
    "Cardinality",
    "Mode",
    "Pairing",
    "Pass",
    "PassesError",
    "load_pairings",
    "match_populations",
    "match_warehouse",
    "parse_pairings",
]
