"""How networks that estimate channels are trained: at the scale of what is observed, with fresh noise, on the NMSE."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from wirelessfm.baselines.observed import Observed, observed_part
from wirelessfm.baselines.training import train_network
from wirelessfm.csi import CSI
from wirelessfm.errors import WirelessFMError

# Copies of the labelled channels with other noise and phase; more samples than this are not repeated.
_N_VIEWS, _MAX_COPIES = 8192, 64
# 30 epochs, within what bounds the cost to 15 s on one core.
_EPOCHS, _MIN_STEPS, _MAX_STEPS = 30, 300, 500

Prepare = Callable[[Observed], Tensor]


class TrainedEstimator:
    """A fitted network; ``prepare`` makes its real input [sample, d], its output is real and imaginary parts."""

    def __init__(self, model: nn.Module, prepare: Prepare) -> None:
        self.model, self.prepare = model, prepare

    @property
    def n_parameters(self) -> int:
        """Trained numbers."""
        return sum(p.numel() for p in self.model.parameters())

    @torch.no_grad()
    def __call__(self, csi: CSI) -> Tensor:
        seen = observed_part(csi)
        found = torch.cat([self.model(part) for part in self.prepare(seen).split(1024)])
        return torch.view_as_complex(found.reshape(len(seen), *seen.shape, 2)) * seen.scale


def train_estimator(
    build: Callable[[Observed], nn.Module],
    prepare: Prepare,
    csi: CSI,
    labels: Tensor,
    seed: int,
    learning_rate: float,
) -> TrainedEstimator:
    """Train ``build(example)`` on the clean channels ``labels``, complex [sample, antenna, subcarrier].

    What was observed of a labelled sample is one draw of the noise; since its clean channel was paid for, others are
    drawn from it at noise levels of the labelled samples. Noise, phases, weights and batches follow from the seed.
    """
    given = observed_part(csi)
    if tuple(labels.shape) != (len(given), *given.shape) or not labels.is_complex():
        raise WirelessFMError(
            f"expected clean channels complex {[len(given), *given.shape]}, found {labels.dtype} {list(labels.shape)}"
        )
    generator = torch.Generator().manual_seed(seed)
    copies = max(1, min(_MAX_COPIES, _N_VIEWS // len(given)))
    seen, target = _views(given, labels / given.scale, copies, generator)
    n_steps = min(_MAX_STEPS, max(_MIN_STEPS, _EPOCHS * len(target) // 128))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = build(seen)
        train_network(model, prepare(seen), torch.view_as_real(target).flatten(1), learning_rate, n_steps, nmse_loss)
    return TrainedEstimator(model, prepare)


def nmse_loss(estimate: Tensor, target: Tensor) -> Tensor:
    """Mean over samples of ‖ĥ − h‖² / ‖h‖², real or complex [sample, ...]."""
    error = (estimate - target).abs().square().flatten(1).sum(dim=1)
    return (error / target.abs().square().flatten(1).sum(dim=1).clamp_min(1e-20)).mean()


def _views(given: Observed, clean: Tensor, copies: int, generator: torch.Generator) -> tuple[Observed, Tensor]:
    """``copies`` of every sample with a turned phase and new noise, at unit observed power: (observed, clean)."""
    clean = clean.repeat(copies, 1, 1)
    n = len(clean)
    turn = 2 * torch.pi * torch.rand(n, 1, 1, generator=generator)
    clean = clean * torch.polar(torch.ones_like(turn), turn)
    # Relative to the power of the clean channel, a noise level says the same of any sample.
    power = clean.abs().square().mean(dim=(1, 2))
    level = (given.noise.repeat(copies) / power.clamp_min(1e-20))[torch.randperm(n, generator=generator)]
    noise = level * power
    entries = clean[:, given.antennas][:, :, given.subcarriers]
    white = torch.randn(entries.shape, dtype=entries.dtype, generator=generator)
    entries = entries + noise[:, None, None].sqrt() * white
    scale = entries.abs().square().mean(dim=(1, 2), keepdim=True).sqrt().clamp_min(1e-20)
    seen = Observed(
        entries / scale, noise / scale.flatten().square(), scale, given.antennas, given.subcarriers, given.shape
    )
    return seen, clean / scale


def noise_level(seen: Observed) -> Tensor:
    """Noise against observed power as an input of a network: float32 [sample, 1], 0 at 0 dB, −1 at −40 dB and below."""
    return torch.log10(seen.noise.clamp(1e-4, 10))[:, None] / 4
