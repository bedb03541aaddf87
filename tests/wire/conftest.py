import pytest
import stamina

from extractors.sandbox import reference
from tests.wire.sandbox import sandbox, sandbox_store  # noqa: F401  (fixtures)
from tests.wire.vendors import LONG_AGO, running


@pytest.fixture
def vendors(tmp_path, vendor_secrets):
    with running(tmp_path, vendor_secrets) as vendors:
        yield vendors


@pytest.fixture
def company(vendors):
    """An ERP that is set up, with open periods and one customer."""
    for table, rows in reference.netsuite_rows("2026-01-01 00:00:00").items():
        vendors.store.put_many("netsuite", table, rows)
    periods = reference.accounting_periods(2026, 2026)
    vendors.store.put_many("netsuite", "accountingperiod", periods)
    customer = {"id": "71", "companyname": "Acme", "subsidiary": "1", "currency": "1"}
    stamps = {"datecreated": LONG_AGO, "lastmodifieddate": LONG_AGO, "isinactive": "F"}
    vendors.store.put_many("netsuite", "customer", [{**customer, **stamps, "externalid": "c-1"}])
    return vendors


@pytest.fixture
def impatient():
    """Retries happen, waiting does not."""
    with stamina.set_testing(True, attempts=3, cap=True):
        yield
