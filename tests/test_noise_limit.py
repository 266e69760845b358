"""benchmarks/noise_limit.py: where there is one path, a fit from the truth is the sweep, and the truth is right."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import torch

from tests.synthetic_sites import make_site
from wirelessfm.tasks import get_task

sys.path.append(str(Path(__file__).resolve().parents[1] / "benchmarks"))
noise_limit = importlib.import_module("noise_limit")


def test_a_lone_path_is_fitted_as_well_as_it_can_be_known() -> None:
    site = make_site(200, seed=3, n_reflections=0)
    cells = noise_limit.line(get_task("beam-64-antennas-4-10db").build([site]), [site.sub6])
    assert len(cells) == len(noise_limit.COLUMNS) and cells[0] == "beam-64-antennas-4-10db"
    sweep, resolved, fitted, *_, true = (float(cell.rstrip("%")) for cell in cells[1:])
    assert true == 100.0 and 70 < fitted < 97
    assert abs(sweep - fitted) < 3 and abs(resolved - fitted) < 3


def test_the_strongest_paths_come_first_and_missing_ones_have_no_power() -> None:
    paths = make_site(50, seed=3).sub6.connected()
    cosine, delay_s, power = noise_limit.strongest(paths, 9)
    assert cosine.shape == delay_s.shape == power.shape == (50, 9)
    assert bool((power.diff(dim=1) <= 0).all()) and not power[:, paths.gain.shape[1] :].any()
    assert torch.allclose(power[:, 0].float(), paths.gain.abs().square().amax(dim=1))


def test_without_noise_a_fit_that_begins_at_the_truth_stays_there() -> None:
    site = make_site(100, seed=3)
    cells = noise_limit.noiseless_line(get_task("beam-64-antennas-4").build([site]), [site.sub6])
    assert len(cells) == len(noise_limit.NOISELESS_COLUMNS) and cells[0] == "beam-64-antennas-4"
    sweep, resolved, fitted, true = (float(cell.rstrip("%")) for cell in cells[1:])
    assert sweep < resolved <= fitted + 5 and true - 10 < fitted <= 100
    los = noise_limit.noiseless_line(get_task("los").build([site]), [site.sub6])
    assert los[-1] == "100.0%"
