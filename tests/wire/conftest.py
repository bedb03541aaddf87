import pytest
import stamina

from tests.wire.sandbox import sandbox, sandbox_store  # noqa: F401  (fixtures)
from tests.wire.vendors import running


@pytest.fixture
def vendors(tmp_path, vendor_secrets):
    with running(tmp_path, vendor_secrets) as vendors:
        yield vendors


@pytest.fixture
def impatient():
    """Retries happen, waiting does not."""
    with stamina.set_testing(True, attempts=3, cap=True):
        yield
