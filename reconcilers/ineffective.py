"""Corrections of ours that a target took and that did not help: CTL-CORR-01.

A finding is one of these if tonight's snapshot of the target was read after it took a correction
for it. The finding itself then follows from the correction: no further one is sent until somebody
has looked.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

import narwhals as nw
import polars as pl

from reconcilers.drift import exception_keys
from reconcilers.life import AcceptedCorrection
from reconcilers.rules.severity import FLOORS, severity

CODE = "CTL-CORR-01"
Taken = Sequence[tuple[str, AcceptedCorrection]]


def ineffective(taken: Taken, watermarks: Mapping[str, datetime]) -> dict[str, str]:
    """By exception key the correction that should have worked by now: the first, where several.

    Watermarks are those of the night, by object ('netsuite.transaction'), in UTC.
    """
    due = sorted(
        (key, correction.accepted_at, correction.correction_id)
        for key, correction in taken
        if correction.watermark_object in watermarks
        and watermarks[correction.watermark_object] > correction.accepted_at
    )
    return {key: correction for key, _, correction in reversed(due)}


def tell_ineffective(drift: pl.DataFrame, corrections: Mapping[str, str]) -> pl.DataFrame:
    """A CTL-CORR-01 for each exception that is still there, which explains it.

    What explained the exception before explains its CTL-CORR-01: its money is counted there.
    """
    found = drift.filter(
        pl.col("disposition") == "exception", pl.col("exception_key").is_in(list(corrections))
    )
    if found.is_empty():
        return drift
    told = found.with_columns(
        code=pl.lit(CODE),
        attribute=pl.concat_str(pl.lit("ineffective:"), "code", pl.lit(":"), "attribute"),
        expected=pl.concat_str(
            pl.lit("effect of "),
            pl.col("exception_key").replace_strict(corrections, return_dtype=pl.String),
        ),
        cause=pl.lit("ineffective"),
    )
    told = told.with_columns(exception_keys(told).alias("exception_key"))
    judged = nw.from_native(told, eager_only=True).with_columns(
        severity=severity(nw.lit(FLOORS[CODE]), nw.col("impact_reporting_minor"))
    )
    explained = dict(zip(found["exception_key"], told["exception_key"], strict=True))
    rest = drift.with_columns(
        explained_by=pl.coalesce(
            pl.col("exception_key").replace_strict(explained, default=None, return_dtype=pl.String),
            "explained_by",
        )
    )
    return pl.concat([rest, judged.to_native().select(drift.columns)])
