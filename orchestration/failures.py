"""What Dagster is told when a step fails, and what is left behind for the morning.

No step is ever retried here: stamina around one HTTP call is the only retry layer.
"""

import dagster as dg

from extractors.errors import SourceError


def as_failure(error: SourceError) -> dg.Failure:
    """A source's error as a final failure; its text names system, object and what to do."""
    return dg.Failure(
        description=str(error),
        metadata={"kind": type(error).__name__, "system": getattr(error, "system", "")},
        allow_retries=False,
    )


@dg.failure_hook(name="say_what_failed")
def say_what_failed(context: dg.HookContext) -> None:
    """Log one line that a person can act on, beside the stack trace."""
    context.log.error(
        "step %s failed: %s. Nothing was written to a source system. "
        "Run the same day again: what was published before the failure is kept.",
        context.op.name,
        context.op_exception,
    )
