import pytest


@pytest.fixture(scope="session")
def exported(tmp_path_factory):
    """The graphs of two small networks: exporting takes most of the time of the tests that use them."""
    from tests.exported_networks import export_networks

    return export_networks(tmp_path_factory.mktemp("exported"))
