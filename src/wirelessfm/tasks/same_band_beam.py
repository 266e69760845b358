"""The best beam of a sweep from part of what a full sweep would measure, at the same carrier."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from wirelessfm.csi import CSI
from wirelessfm.errors import WirelessFMError
from wirelessfm.signal import OFDM, PlanarArray, add_noise, beam_powers, dft_codebook, synthesize
from wirelessfm.tasks.base import NARROW_BAND, TaskData, assemble
from wirelessfm.tasks.crossband_beam import score_beams
from wirelessfm.tasks.sites import SitePaths, connected_sites
from wirelessfm.tasks.splitters import SpatialBlocks
from wirelessfm.tasks.truth import Truth

PARTIAL, PROBED = "beam-partial", "beam-probed"


@dataclass(frozen=True)
class SameBandBeamTask:
    """Label: the strongest of ``n_beams`` beams of the complete noiseless channel of ``n_antennas``.

    Seen is one of two things, at an SNR per antenna of ``snr_db``, noiseless by default:

    * kind ``beam-partial``: the first ``n_observed`` antennas. With all of them and no noise the answer is a
      function of the input, a sanity check and marked so in the notes. The rule ``same-sweep-beam``, a sweep with
      the observed antennas, needs no label.
    * kind ``beam-probed``: the received amplitudes of ``n_observed`` beams of the sweep, evenly spread from the
      first on, on the axis ``antenna``: a beamformed port is an antenna port (TS 38.211, 4.4.1), but has no
      position. This is spatial-domain beam prediction of TR 38.843 (set B within set A), with amplitudes where that
      has powers. The rules ``strongest-probed-beam`` and ``probed-beam-match`` need no label.

    Split by ground blocks of ``block_m``; ranked by accuracy. ``noise_seed`` matters only with ``snr_db``.

    Raises:
        WirelessFMError: another kind, or parts that do not divide the whole.
    """

    name: str
    kind: str = PARTIAL
    n_observed: int = 8
    n_beams: int = 64
    n_antennas: int = 32
    ofdm: OFDM = NARROW_BAND
    snr_db: float | None = None
    noise_seed: int = 0
    block_m: float = 20.0
    test_fraction: float = 0.3
    output: str = "class"
    made_from: str = "sites"
    metric: str = "accuracy"

    def __post_init__(self) -> None:
        whole = {PARTIAL: self.n_antennas, PROBED: self.n_beams}.get(self.kind)
        if whole is None:
            raise WirelessFMError(f"kind is '{PARTIAL}' or '{PROBED}', found '{self.kind}'")
        if not 1 <= self.n_observed <= whole or (self.kind == PROBED and whole % self.n_observed):
            raise WirelessFMError(
                f"expected between 1 and {self.n_antennas} observed antennas, or a number of probed beams that divides "
                f"{self.n_beams}; found {self.n_observed}"
            )

    @property
    def n_classes(self) -> int:
        """One class per beam."""
        return self.n_beams

    def build(self, sites: Sequence[SitePaths]) -> TaskData:
        """Users connected at every carrier of their site."""
        kept = connected_sites(sites, self.name)
        generator = torch.Generator().manual_seed(self.noise_seed)
        codebook = dft_codebook(self.n_antennas, self.n_beams)
        inputs, powers = [], []
        for site in kept:
            clean = synthesize(site.sub6, PlanarArray(self.n_antennas), self.ofdm)
            powers.append(_powers(clean.values, codebook))
            inputs.append(self._seen(clean, codebook, generator).asked_at(site.sub6.meta.carrier_hz))
        truth = torch.cat(powers)
        notes = {
            "carrier_ghz": kept[0].sub6.meta.carrier_hz / 1e9,
            "antennas": self.n_antennas,
            "beams": self.n_beams,
            "observed": self.n_observed,
            "snr_db": self.snr_db,
            "sanity_check": self.kind == PARTIAL and self.n_observed == self.n_antennas and self.snr_db is None,
        }
        splitter = SpatialBlocks(self.block_m, self.test_fraction)
        return assemble(self, kept, inputs, {"labels": truth.argmax(dim=1), "beam_powers": truth}, notes, splitter)

    def _seen(self, clean: CSI, codebook: Tensor, generator: torch.Generator) -> CSI:
        csi = clean if self.snr_db is None else replace(clean, values=add_noise(clean.values, self.snr_db, generator))
        if self.kind == PARTIAL:
            return csi.isel(antenna=slice(0, self.n_observed))
        probes = codebook[:: self.n_beams // self.n_observed]
        coords = {name: value for name, value in csi.coords.items() if name != "antenna"}
        return replace(csi, values=torch.einsum("ba,sak->sbk", probes.conj(), csi.values), coords=coords)

    def score(self, scores: Tensor, truth: Truth) -> dict[str, float]:
        """See :func:`wirelessfm.tasks.crossband_beam.score_beams`."""
        return score_beams(scores, truth)


def _powers(values: Tensor, codebook: Tensor) -> Tensor:
    return torch.cat([beam_powers(part, codebook) for part in values.split(2048)])
