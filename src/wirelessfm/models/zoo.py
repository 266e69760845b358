"""Every model by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import partial
from typing import Any

import torch
from torch import nn

from wirelessfm.errors import WirelessFMError, unknown_name
from wirelessfm.models.csi_clip import CSIClip, CSIClipConfig
from wirelessfm.models.masked_autoencoder import MaskedAutoencoder, MaskedAutoencoderConfig
from wirelessfm.models.next_token import NextTokenConfig, NextTokenModel
from wirelessfm.models.published_zoo import PUBLISHED, build_published
from wirelessfm.models.spectrum import SIZES, SpectrumConfig, SpectrumModel


def build_mae(**config: Any) -> nn.Module:
    """Our masked autoencoder; keys are the fields of MaskedAutoencoderConfig."""
    _check_settings("wfm-mae", config, MaskedAutoencoderConfig)
    return MaskedAutoencoder(MaskedAutoencoderConfig(**config))


def build_next_token(**config: Any) -> nn.Module:
    """Our next-token model; keys are the fields of NextTokenConfig."""
    _check_settings("wfm-next-token", config, NextTokenConfig)
    return NextTokenModel(NextTokenConfig(**config))


def build_csi_clip(**config: Any) -> nn.Module:
    """CSI-CLIP at sizes of our own, for its are not published; keys are the fields of CSIClipConfig."""
    _check_settings("csi-clip", config, CSIClipConfig)
    return CSIClip(CSIClipConfig(**config))


def build_spectrum(**config: Any) -> nn.Module:
    """Our flagship; keys are the fields of SpectrumConfig."""
    _check_settings("wfm-spectrum", config, SpectrumConfig)
    return SpectrumModel(SpectrumConfig(**config))


def _check_settings(model: str, config: Mapping[str, Any], settings: type) -> None:
    known = {f.name for f in fields(settings)}
    for key in config:
        if key not in known:
            raise unknown_name(f"setting of {model}", key, known)


MODELS: dict[str, Callable[..., nn.Module]] = {
    "wfm-mae": build_mae,
    "wfm-next-token": build_next_token,
    "csi-clip": build_csi_clip,
    "wfm-spectrum": build_spectrum,
    **{f"wfm-spectrum-{size}": partial(build_spectrum, **config) for size, config in SIZES.items()},
    **{name: partial(build_published, name) for name in PUBLISHED},
}


def build_model(name: str, config: Mapping[str, Any] | None = None, seed: int = 0) -> nn.Module:
    """A model with random weights drawn from ``seed``; the global random state is left as it was.

    Raises:
        WirelessFMError: unknown name or setting, or settings that do not fit together.
    """
    if name not in MODELS:
        raise unknown_name("model", name, MODELS)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        try:
            return MODELS[name](**(config or {}))
        except (TypeError, RuntimeError, AssertionError, ZeroDivisionError) as error:
            raise WirelessFMError(f"cannot build {name} with {dict(config or {})}: {error}") from error
