"""A fitted scale knows the training samples only, is recorded and can be undone; power survives as a feature."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from wirelessfm import CSI
from wirelessfm.data.normalise import Scale, fit_scale, log_power_db
from wirelessfm.data.store import CsiStore
from wirelessfm.errors import WirelessFMError


def faint(n: int = 40) -> CSI:
    """Channels between -130 and -60 dB."""
    generator = torch.Generator().manual_seed(0)
    level = 10 ** ((-130 + 70 * torch.rand(n, 1, 1, generator=generator)) / 20)
    values = level * torch.randn(n, 4, 6, dtype=torch.complex64, generator=generator)
    return CSI(values, ("sample", "antenna", "subcarrier"), labels={"level_db": 20 * level[:, 0, 0].log10()})


TRAIN = torch.randperm(40, generator=torch.Generator().manual_seed(1))[:25]


def test_the_scale_is_that_of_the_training_samples_alone(tmp_path: Path) -> None:
    csi = faint()
    csi.save(tmp_path / "csi", shard_bytes=7 * 24 * 8)
    scale = fit_scale(CsiStore(tmp_path / "csi"), TRAIN, block_bytes=3 * 24 * 8)
    expected = csi[TRAIN].normalise("dataset").history[0].scale
    assert scale.n_samples == 25 and scale.rms == pytest.approx(float(expected), rel=1e-6)
    assert fit_scale(csi, np.isin(np.arange(40), TRAIN)) == fit_scale(csi, TRAIN)
    test = np.setdiff1d(np.arange(40), TRAIN)
    values = csi.values.clone()
    values[test] = 1e3
    changed = CSI(values, csi.axes)
    assert fit_scale(changed, TRAIN) == fit_scale(csi, TRAIN)
    torch.testing.assert_close(
        scale.apply(csi)[TRAIN].values.abs().square().mean().sqrt(), torch.tensor(1.0), rtol=1e-5, atol=0
    )


def test_applying_is_recorded_and_undone(tmp_path: Path) -> None:
    csi = faint()
    scaled = fit_scale(csi, TRAIN).apply(csi).normalise("sample")
    assert [h.kind for h in scaled.history] == ["fitted", "sample"]
    scaled.save(tmp_path / "scaled")
    for again in (scaled, CSI.load(tmp_path / "scaled"), CsiStore(tmp_path / "scaled")[:]):
        torch.testing.assert_close(again.denormalise().values, csi.values, rtol=1e-5, atol=0)


def test_log_power_is_that_before_normalisation() -> None:
    csi = faint()
    expected = 10 * torch.log10(csi.values.abs().double().square().mean(dim=(1, 2))).float()
    everything = fit_scale(csi, TRAIN).apply(csi.normalise("sample")).normalise("dataset")
    for version in (csi, csi.normalise("sample"), csi.normalise("dataset"), everything, everything.denormalise()):
        torch.testing.assert_close(log_power_db(version), expected, rtol=0, atol=1e-3)
    assert log_power_db(everything).shape == (40,)


def test_log_power_of_nothing_is_finite() -> None:
    csi = CSI(torch.zeros(2, 3, dtype=torch.complex64), ("sample", "antenna"))
    assert log_power_db(csi).tolist() == [-300.0, -300.0]


def test_nothing_to_fit() -> None:
    with pytest.raises(WirelessFMError, match="at least one training sample"):
        fit_scale(faint(), [])
    silent = CSI(torch.zeros(2, 3, dtype=torch.complex64), ("sample", "antenna"))
    with pytest.raises(WirelessFMError, match="are zero"):
        fit_scale(silent, [0, 1])
    with pytest.raises(WirelessFMError, match="positive and finite"):
        Scale(float("nan"), 3)
