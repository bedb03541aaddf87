"""The code location that the Dagster UI loads: Tieout with the environment's settings."""

from orchestration.assembly import build_defs
from orchestration.environment import environment
from orchestration.logs import start_logging
from orchestration.tracing import start_tracing

start_logging(environment())
start_tracing(environment())
defs = build_defs(with_lineage=True)
