"""The code location that the Dagster UI loads: Tieout with the environment's settings."""

from orchestration.assembly import build_defs

defs = build_defs()
