"""Pure functions from paths to CSI and between domains."""

from wirelessfm.signal.arrays import PlanarArray, direction_cosines
from wirelessfm.signal.codebooks import beam_powers, dft_codebook
from wirelessfm.signal.correlation import antenna_autocorrelation
from wirelessfm.signal.noise import add_noise
from wirelessfm.signal.ofdm import OFDM
from wirelessfm.signal.synthesis import channel_response, synthesize
from wirelessfm.signal.transforms import from_angle_delay, to_angle_delay

__all__ = [
    "OFDM",
    "PlanarArray",
    "add_noise",
    "antenna_autocorrelation",
    "beam_powers",
    "channel_response",
    "dft_codebook",
    "direction_cosines",
    "from_angle_delay",
    "synthesize",
    "to_angle_delay",
]
