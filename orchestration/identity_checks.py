"""What a night checks of identity without the truth, and the gate that holds a night back."""

from collections.abc import Iterator, Mapping

import dagster as dg

from reconcilers.identity import CrosswalkSummary

CROSSWALK = dg.AssetKey(["identity", "crosswalk"])

# A night that moves more of the known records to another customer than the settings allow is a
# mistake of a source or of ours until a person says otherwise; a handful is never one.
FEW_RECORDS = 20
# Below so many masked references their recall is chance.
ENOUGH_REFERENCES = 20
LEAST_RECALL = 0.9
MOST_CONTRADICTED = 0.05
LARGE_CUSTOMER = 50
MANY_QUESTIONS = 1000

_CHECKS = {
    "ids_changed": "few known records change their customer in one night (holds the night)",
    "references_found_again": "a masked tenth of the references is found by other evidence",
    "references_contradicted": "few references are contradicted by their records",
    "largest_customer": "no customer swallows dozens of records",
    "questions": "stewards can answer what identity asks",
    "overrides_known": "every record that stewards name exists",
}

CHECKS = [
    dg.AssetCheckSpec(name, asset=CROSSWALK, blocking=name == "ids_changed", description=text)
    for name, text in _CHECKS.items()
]


def is_held(summary: CrosswalkSummary, most_changed: float) -> bool:
    """Whether the night moves so many records that a person has to release it."""
    known = summary.records - summary.new_records
    return summary.changed_records > max(FEW_RECORDS, most_changed * known)


def results(summary: CrosswalkSummary, most_changed: float) -> Iterator[dg.AssetCheckResult]:
    told = summary.measures
    recall = told.masked_recall
    contradicted = told.contradicted_xrefs / told.xrefs if told.xrefs else 0.0
    few = told.masked_xrefs < ENOUGH_REFERENCES
    yield _result(
        "ids_changed",
        not is_held(summary, most_changed),
        {
            "changed records": summary.changed_records,
            "merged customers": summary.merged_customers,
            "split customers": summary.split_customers,
            "to release": "set TIEOUT_IDENTITY_MAX_CHANGED higher and start the night again",
        },
        severity=dg.AssetCheckSeverity.ERROR,
    )
    yield _result(
        "references_found_again",
        few or recall is None or recall >= LEAST_RECALL,
        {"masked": told.masked_xrefs, "found again": 1.0 if recall is None else recall},
    )
    yield _result(
        "references_contradicted",
        contradicted <= MOST_CONTRADICTED,
        {"references": told.xrefs, "contradicted": told.contradicted_xrefs},
    )
    yield _result(
        "largest_customer",
        told.largest_customer <= LARGE_CUSTOMER,
        {"records of the largest customer": told.largest_customer},
    )
    yield _result("questions", told.queue <= MANY_QUESTIONS, {"questions": told.queue})
    yield _result(
        "overrides_known",
        not summary.unknown_override_records,
        {"unknown": ", ".join(summary.unknown_override_records[:20]) or "none"},
    )


def _result(
    name: str,
    passed: bool,
    metadata: Mapping[str, int | float | str],
    severity: dg.AssetCheckSeverity = dg.AssetCheckSeverity.WARN,
) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name=name, asset_key=CROSSWALK, passed=passed, severity=severity, metadata=metadata
    )
