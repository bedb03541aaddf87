"""Severity: the greater of a class floor and a band of money in the reporting currency."""

from collections.abc import Mapping

import narwhals as nw

# Least impact (reporting currency, minor units) of each band, worst first.
BANDS: tuple[tuple[str, int], ...] = (("S1", 10_000_000), ("S2", 1_000_000), ("S3", 100_000))
MILDEST = "S4"
SEVERITIES = ("S1", "S2", "S3", "S4")

# Floors of whole classes; a class that is not named is judged by its money alone.
FLOORS: Mapping[str, str] = {
    "CTL-CNT-01": "S1",
    "CTL-STALE-01": "S2",
    "CTL-XREF-01": "S3",
    "CTL-CORR-01": "S2",
    "CUS-MISS-02": "S2",
    "CUS-LINK-01": "S2",
    "HIE-PAR-01": "S3",
    "HIE-BILL-01": "S2",
    "PRD-MAP-01": "S2",
    "PRD-GL-01": "S2",
    "PRD-PRC-01": "S3",
    "PRD-BAS-01": "S1",
    "CON-MISS-02": "S3",
    "CON-TERM-01": "S3",
    "CON-COT-01": "S3",
    "SUB-DUP-01": "S1",
    "INV-DUP-01": "S1",
    "INV-MISS-02": "S3",
    "INV-LINE-01": "S3",
    "INV-STAT-01": "S2",
    "CRN-APPL-01": "S3",
    "TAX-CODE-01": "S2",
    "PAY-DUP-01": "S1",
    "PAY-APPL-01": "S3",
    "PAY-OOB-01": "S2",
    "PAY-RET-01": "S2",
    "RFD-DUP-01": "S1",
    "PYT-COMP-01": "S2",
    "REV-ROLL-01": "S2",
    "JE-DUP-01": "S1",
    "JE-ENT-01": "S1",
    "JE-BAL-01": "S2",
    "JE-EDIT-01": "S2",
    "JE-CLS-01": "S1",
    "MRR-ROLL-01": "S2",
}
# Attributes that change tax, posting or the timing of revenue.
FIELD_FLOORS: Mapping[tuple[str, str], str] = {
    ("CUS-ATTR-01", "tax_id"): "S2",
    ("CUS-ATTR-01", "country_code"): "S2",
    ("CUS-ATTR-01", "currency"): "S2",
    ("INV-LINE-01", "product_code"): "S2",
    ("INV-LINE-01", "service_start_date"): "S2",
    ("INV-LINE-01", "service_end_date"): "S2",
}


def floor_of(code: str, attribute: str = "") -> nw.Expr:
    return nw.lit(FIELD_FLOORS.get((code, attribute), FLOORS.get(code, MILDEST)))


def severity(floor: nw.Expr, reporting_minor: nw.Expr) -> nw.Expr:
    """The worse of the floor and the band of the (signed) impact."""
    amount = reporting_minor.abs()
    banded: nw.Expr = nw.lit(MILDEST)
    for name, least in reversed(BANDS):
        banded = nw.when(amount >= least).then(nw.lit(name)).otherwise(banded)
    # 'S1' sorts before 'S4', so the worse of two is the smaller.
    return nw.when(banded < floor).then(banded).otherwise(floor)
