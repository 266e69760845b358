import pytest
import torch

from wirelessfm.csi import CSI
from wirelessfm.data.leakage import count_leakage
from wirelessfm.data.splits import Split
from wirelessfm.errors import WirelessFMError

N_TRAIN, N_TEST = 1500, 1100  # more than one block on either side


def channels(seed=0, gain=1e-6):
    generator = torch.Generator().manual_seed(seed)
    return gain * torch.randn(N_TRAIN + N_TEST, 4, 16, dtype=torch.complex64, generator=generator)


def count(values, **options):
    split = Split(torch.arange(N_TRAIN), torch.arange(N_TRAIN, N_TRAIN + N_TEST), "")
    return count_leakage(CSI(values, ("sample", "antenna", "subcarrier")), split, **options)


@pytest.mark.parametrize("gain", [1e-9, 1.0, 1e6])
def test_independent_channels_leak_nothing(gain):
    found = count(channels(gain=gain))
    assert (found.duplicates, found.near_duplicates) == (0, 0)
    assert (found.n_test, found.n_train) == (N_TEST, N_TRAIN)


def test_planted_copies_are_found_as_both():
    values = channels()
    values[[N_TRAIN, N_TRAIN + 700, N_TRAIN + 1099]] = values[[3, 3, 1499]]
    found = count(values, threshold=1.0)
    assert (found.duplicates, found.near_duplicates) == (3, 3)
    assert found.notes() == {
        "duplicates": 3,
        "near_duplicates": 3,
        "near_duplicate_share": 0.0027,
        "compared": "1100 × 1500",
    }


def test_rotated_and_scaled_copies_are_near_only():
    values = channels()
    values[N_TRAIN : N_TRAIN + 5] = values[:5] * torch.polar(torch.tensor(20.0), torch.tensor(2.1))
    found = count(values)
    assert (found.duplicates, found.near_duplicates) == (0, 5)


@pytest.mark.parametrize(("correlation", "expected"), [(0.9995, 10), (0.9980, 0)])
def test_the_threshold_is_the_correlation(correlation, expected):
    values = channels(gain=1.0)
    for i in range(10):
        a, b = values[i].flatten(), values[N_TRAIN + i].flatten()
        across = b - torch.vdot(a, b) / torch.vdot(a, a) * a
        mixed = correlation * a / a.norm() + (1 - correlation**2) ** 0.5 * across / across.norm()
        values[N_TRAIN + i] = mixed.reshape(4, 16)
    assert count(values).near_duplicates == expected
    assert count(values, threshold=0.99).near_duplicates == 10


def test_copies_within_one_side_do_not_count():
    values = channels()
    values[1], values[N_TRAIN + 1] = values[0], values[N_TRAIN]
    assert count(values).near_duplicates == 0


def test_zero_channels_are_copies_but_resemble_nothing():
    values = channels()
    values[0] = values[N_TRAIN] = 0
    found = count(values)
    assert (found.duplicates, found.near_duplicates) == (1, 0)


def test_a_bounded_count_says_what_it_compared_and_repeats():
    values = channels()
    values[N_TRAIN:] = values[:N_TEST]
    found, again = (count(values, max_test=50, max_train=N_TRAIN, seed=3) for _ in range(2))
    assert found == again and (found.n_test, found.near_duplicates) == (50, 50)
    assert found.duplicates == N_TEST
    fewer = count(values, max_test=N_TEST, max_train=300)
    assert fewer.n_train == 300 and 0 < fewer.near_duplicates <= 300


def test_bad_input_is_explained():
    values = channels()
    with pytest.raises(WirelessFMError, match="threshold"):
        count(values, threshold=1.5)
    with pytest.raises(WirelessFMError, match="more samples than the 100"):
        count(values[:100])
