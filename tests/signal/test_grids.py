import pytest
import torch

from wirelessfm.signal.grids import line_step, regular_grid, regular_step


def line(*places: float) -> torch.Tensor:
    return torch.tensor([[0.0, place, 0.0] for place in places])


@pytest.mark.parametrize(
    ("places", "step"), [([0.0, 0.5, 1.0], 0.5), ([3.0, 6.0, 9.0], 3.0), ([0.0, 1.0, 3.0], 0.0), ([7.0], 1.0)]
)
def test_steps_are_those_of_regular_places(places: list[float], step: float) -> None:
    assert regular_step(torch.tensor(places)) == pytest.approx(step)


def test_a_step_may_be_off_by_rounding_and_no_more() -> None:
    frequencies_hz = 3.5e9 + 30e3 * torch.arange(32, dtype=torch.float64)
    assert regular_step(frequencies_hz) == pytest.approx(30e3)
    frequencies_hz[7] += 300
    assert regular_step(frequencies_hz) == 0.0


def test_a_line_is_along_y_wherever_it_is() -> None:
    assert line_step(line(0.0, 0.5, 1.0) + torch.tensor([4.0, 1.0, -2.0])) == pytest.approx(0.5)
    assert line_step(line(0.0, 0.5, 1.0).roll(1, dims=1)) == 0.0
    assert line_step(line(0.0)) == 0.5


def test_a_grid_is_regular_in_both_axes_or_not_at_all() -> None:
    even, uneven = torch.tensor([0.0, 1.0, 2.0]), torch.tensor([0.0, 1.0, 3.0])
    assert regular_grid(line(0.0, 0.5, 1.0), even) and regular_grid(None, even) and regular_grid(None, None)
    assert not regular_grid(line(0.0, 0.5, 2.0), even)
    assert not regular_grid(line(0.0, 0.5, 1.0), uneven) and not regular_grid(None, uneven)
