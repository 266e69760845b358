import dataclasses

import pytest
import torch

from tests.synthetic_sites import make_site
from wirelessfm.errors import WirelessFMError
from wirelessfm.tasks import PathLossTask, SitePaths

SITE = make_site(100)


def test_labels_are_the_sum_of_path_powers_at_28_ghz():
    data = PathLossTask().build([SITE])
    power = SITE.mmwave.gain.abs().square().sum(dim=1)
    torch.testing.assert_close(data.truth.labels[:, 0], -10 * power.log10())
    assert data.inputs.meta.carrier_hz == 3.5e9 and 60 < float(data.truth.labels.mean()) < 130


def test_scores_by_hand():
    data = PathLossTask().build([SITE])
    index = torch.arange(4)
    error = torch.tensor([[3.0], [-1.0], [0.0], [0.0]])
    result = data.score(data.truth.labels[index] + error, index)
    assert result == pytest.approx({"mae_db": 1.0, "rmse_db": 2.5**0.5}, rel=1e-4)


def test_another_second_carrier_is_refused():
    other = dataclasses.replace(SITE.mmwave, meta=dataclasses.replace(SITE.mmwave.meta, carrier_hz=60e9))
    with pytest.raises(WirelessFMError, match=r"28 GHz at testville/bs0, found 60 GHz"):
        PathLossTask().build([SitePaths(SITE.sub6, other)])
    with pytest.raises(WirelessFMError, match="found none"):
        PathLossTask().build([SitePaths(SITE.sub6)])
