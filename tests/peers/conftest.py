import pytest

from tests.peers.company import serving_company
from tests.peers.environments import PeerMissingError, interpreter


@pytest.fixture(scope="module")
def company(tmp_path_factory):
    """A company of several pages on servers of their own, as far as this module goes."""
    with serving_company(tmp_path_factory.mktemp("company")) as company:
        yield company


def _installed(name):
    try:
        interpreter(name)
    except PeerMissingError as error:
        pytest.skip(str(error))
    return name


@pytest.fixture(scope="session")
def clients():
    return _installed("clients")


@pytest.fixture(scope="session")
def tap_stripe():
    return _installed("tap-stripe")


@pytest.fixture(scope="session")
def tap_salesforce():
    return _installed("tap-salesforce")
