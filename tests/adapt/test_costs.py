import torch

from wirelessfm.adapt import measure_costs
from wirelessfm.csi import CSI


def some_csi(n=3):
    return CSI(torch.ones(n, 4, 8, dtype=torch.complex64), ("sample", "antenna", "subcarrier"))


def test_multiply_accumulates_and_memory_are_those_of_the_mathematics():
    weights = torch.randn(32, 1000)

    def features(csi):
        hidden = torch.ones(len(csi), 32) @ weights
        return hidden[:, :10].clone()

    costs = measure_costs(features, some_csi())
    assert costs["macs"] == 32 * 1000
    # The ones are freed before the copy of ten columns is made.
    assert costs["peak_mb"] * 1e6 == 32 * 4 * (32 + 1000)


def test_memory_that_was_freed_does_not_count():
    def twice(csi):
        for _ in range(2):
            held = torch.zeros(len(csi), 1000)
            del held
        return csi

    costs = measure_costs(twice, some_csi())
    assert costs["peak_mb"] * 1e6 == 32 * 4 * 1000
    assert "macs" not in costs and costs["latency_ms_32"] > 0
