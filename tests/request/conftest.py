"""What the tests of the request share."""

import pytest
from request_catalogue import CATALOGUE

from autocompress.request import DeviceNames


@pytest.fixture(scope="session")
def devices() -> DeviceNames:
    return CATALOGUE
