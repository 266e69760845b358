import torch

from wirelessfm.signal.power import squared_magnitude


def test_squared_magnitude_is_that_of_abs_and_has_its_gradient() -> None:
    values = torch.randn(40, dtype=torch.complex64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    found, expected = squared_magnitude(values), values.abs().square()
    assert torch.allclose(found, expected, rtol=1e-6)
    assert torch.allclose(squared_magnitude(values.conj()), expected, rtol=1e-6)
    gradients = [torch.autograd.grad(part.sum(), values)[0] for part in (found, expected)]
    assert torch.allclose(*gradients, rtol=1e-5)
