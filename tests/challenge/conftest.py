"""One small prepared challenge for all tests of the folder."""

import pytest

from tests.synthetic_sites import make_site
from wirelessfm.challenge import prepare

SITES = [make_site(110, seed=0), make_site(110, seed=1, site="bs1", bs=(40.0, 10.0, 20.0))]


@pytest.fixture(scope="session")
def prepared(tmp_path_factory):
    """Folder with public/ and private/, seed 0."""
    folder = tmp_path_factory.mktemp("challenge") / "prepared"
    prepare(folder, SITES, seed=0)
    return folder
