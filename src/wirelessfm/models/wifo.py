"""WiFo: one masked autoencoder for time × antenna × subcarrier CSI; prediction is mask filling.

B. Liu, S. Gao, X. Liu, X. Cheng, L. Yang, "WiFo: Wireless Foundation Model for Channel Prediction",
Sci. China Inf. Sci. 68(6):162302 (2025), arXiv:2412.08908. The release's axis order is followed. Tokens are in the
order of the decoder's output, real and imaginary parts last, so that tokens, targets and predictions agree.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional

from wirelessfm.baselines.known_part import known_part
from wirelessfm.csi import CSI
from wirelessfm.errors import WirelessFMError, unknown_name
from wirelessfm.models.published import (
    Origin,
    PublishedEncoder,
    Shapes,
    System,
    check_input_scaling,
    count_layers,
    joined,
    pad_to_multiple,
    require_complex,
    require_tokens,
)
from wirelessfm.nn.published_attention import SelfAttention
from wirelessfm.nn.published_masks import take, wifo_frequency, wifo_time


@dataclass(frozen=True)
class WiFoConfig:
    """Sizes and input scaling of one WiFo.

    Attributes:
        patch: along (time, antenna, subcarrier).
        input_scaling: mean and standard deviation of real and imaginary parts jointly that the input is standardised
            with. None takes those of the CSI given, as the authors do with every data set.
    """

    width: int
    encoder_depth: int = 6
    decoder_depth: int = 4
    heads: int = 8
    mlp_ratio: int = 2
    patch: tuple[int, int, int] = (4, 4, 4)
    input_scaling: tuple[float, float] | None = None

    @property
    def features(self) -> int:
        """Real numbers in a token."""
        return 2 * self.patch[0] * self.patch[1] * self.patch[2]


CONFIGS = {
    "wifo-tiny": WiFoConfig(64),
    "wifo-little": WiFoConfig(128),
    "wifo-small": WiFoConfig(256),
    "wifo-base": WiFoConfig(512),
    "wifo-large": WiFoConfig(768, encoder_depth=8, mlp_ratio=4),
}
ORIGINS = {
    name: Origin(
        "B. Liu, S. Gao, X. Liu, X. Cheng, L. Yang, WiFo: Wireless Foundation Model for Channel Prediction, "
        "Sci. China Inf. Sci. 68(6):162302, 2025, arXiv:2412.08908",
        "liuboxun/WiFo",
        f"{name.replace('-', '_')}.pkl",
        "none recorded with the weights: ask the authors before redistributing them",
    )
    for name in CONFIGS
}


class Block(nn.Module):
    """Pre-norm layer: x += Attn(LN x), x += MLP(LN x), exact GELU, LN ε 1e-6."""

    def __init__(self, config: WiFoConfig) -> None:
        super().__init__()
        width = config.width
        self.norm1, self.norm2 = nn.LayerNorm(width, eps=1e-6), nn.LayerNorm(width, eps=1e-6)
        self.attention = SelfAttention(width, config.heads)
        self.widen = nn.Linear(width, width * config.mlp_ratio)
        self.narrow = nn.Linear(width * config.mlp_ratio, width)

    def forward(self, x: Tensor) -> Tensor:
        """Float [sample, token, width] to the same."""
        x = x + self.attention(self.norm1(x))
        return x + self.narrow(functional.gelu(self.widen(self.norm2(x))))


class WiFo(PublishedEncoder):
    """Encoder of the visible tokens and decoder of all. There is no cls token."""

    title = "WiFo"
    axes = "sample time antenna subcarrier"

    def __init__(self, config: WiFoConfig = CONFIGS["wifo-tiny"]) -> None:
        super().__init__()
        if config.width % config.heads:
            raise WirelessFMError(f"width must be a multiple of the heads, found {config.width} and {config.heads}")
        if config.input_scaling is not None:
            check_input_scaling(config.input_scaling, 2)
        self.config, width = config, config.width
        self.project = nn.Linear(config.features, width)
        self.encoder = nn.Sequential(*(Block(config) for _ in range(config.encoder_depth)))
        self.encoder_norm = nn.LayerNorm(width, eps=1e-6)
        self.bridge = nn.Linear(width, width)
        self.mask_token = nn.Parameter(torch.randn(width) * 0.02)
        self.decoder = nn.Sequential(*(Block(config) for _ in range(config.decoder_depth)))
        self.decoder_norm = nn.LayerNorm(width, eps=1e-6)
        self.predict_tokens = nn.Linear(width, config.features)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)

    def scaled(self, csi_values: Tensor) -> Tensor:
        """Standardised as the configuration says, real and imaginary parts alike."""
        parts = torch.view_as_real(csi_values.resolve_conj())
        mean, std = self.config.input_scaling or self.input_scaling_of(csi_values)
        return torch.view_as_complex((parts - mean) / std)

    def standardised_for(self, csi: CSI) -> WiFo:
        """With mean and standard deviation of ``csi``, unless the configuration has its own."""
        if self.config.input_scaling is not None:
            return self
        model = copy.copy(self)
        scaling = self.input_scaling_of(csi.denormalise().values.to(torch.complex64))
        model.config = replace(self.config, input_scaling=scaling)
        return model

    def input_scaling_of(self, csi_values: Tensor) -> tuple[float, float]:
        """Mean and standard deviation of real and imaginary parts jointly."""
        parts = torch.view_as_real(csi_values.resolve_conj())
        return float(parts.mean()), float(parts.std()) or 1.0

    def repeated(self, csi: CSI, resize: str | None) -> CSI:
        """A single time becomes as many equal ones as a patch has."""
        if "time" in csi.axes and (csi.size("time") > 1 or resize != "repeat"):
            return csi
        if resize != "repeat":
            raise WirelessFMError(
                f"WiFo takes CSI with a time axis, found axes {', '.join(csi.axes)}; use resize='repeat' to repeat a "
                f"static channel {self.config.patch[0]} times"
            )
        if "time" not in csi.axes:
            csi = replace(csi, values=csi.values.unsqueeze(1), axes=(csi.axes[0], "time", *csi.axes[1:]))
        return csi.isel(time=[0] * self.config.patch[0])

    def fitted(self, csi_values: Tensor, resize: str | None) -> Tensor:
        """Any multiple of the patch along every axis; others by padding."""
        sizes = csi_values.shape[1:]
        if all(n % p == 0 for n, p in zip(sizes, self.config.patch, strict=True)):
            return csi_values
        if resize == "pad":
            return pad_to_multiple(csi_values, self.config.patch)
        raise WirelessFMError(
            f"WiFo takes multiples of {self.config.patch} (time, antenna, subcarrier), found {tuple(sizes)}; "
            "use resize='pad' to append zeros, 'repeat' for a single time, or isel"
        )

    def grid(self, shape: Sequence[int]) -> tuple[int, int, int]:
        """Tokens along (time, antenna, subcarrier) of CSI with the sizes ``shape``."""
        if len(shape) != 3 or any(n % p or n < p for n, p in zip(shape, self.config.patch, strict=True)):
            raise WirelessFMError(
                f"WiFo takes multiples of {self.config.patch} (time, antenna, subcarrier), found {tuple(shape)}; pad it"
            )
        time, antenna, subcarrier = (n // p for n, p in zip(shape, self.config.patch, strict=True))
        return time, antenna, subcarrier

    def tokenize(self, csi_values: Tensor) -> Tensor:
        """Complex [sample, time, antenna, subcarrier] to float tokens, row-major over the patches.

        Features are (time offset, antenna offset, subcarrier offset, re/im), re/im fastest.
        """
        require_complex(csi_values, self.axes)
        self.grid(csi_values.shape[1:])
        t, a, f = self.config.patch
        both = torch.view_as_real(csi_values.resolve_conj())
        return rearrange(both, "b (i t) (j a) (k f) c -> b (i j k) (t a f c)", t=t, a=a, f=f)

    def untokenize(self, tokens: Tensor, shape: Sequence[int]) -> Tensor:
        """Float [sample, token, feature] to complex [sample, time, antenna, subcarrier] of the sizes ``shape``."""
        require_tokens(tokens, self.config.features, self.title)
        i, j, k = self.grid(shape)
        t, a, f = self.config.patch
        both = rearrange(tokens, "b (i j k) (t a f c) -> b (i t) (j a) (k f) c", i=i, j=j, k=k, t=t, a=a, f=f, c=2)
        return torch.view_as_complex(both.contiguous())

    def encode(
        self,
        tokens: Tensor,
        visible: Tensor | None = None,
        shape: Sequence[int] | None = None,
        mask: str = "random",
    ) -> Tensor:
        """Float [sample, token, width], of the ``visible`` int64 [sample, kept] only, in their order, if given.

        Args:
            tokens: float [sample, token, feature].
            visible: token indices, or None for all.
            shape: (time, antenna, subcarrier) of the CSI, needed for the position code.
            mask: the rule that chose ``visible``: ``random``, ``time`` or ``frequency``. Under the last two the
                release gives a token not its own code but that of the token whose index is its time (frequency)
                slice; the published weights were trained so.
        """
        require_tokens(tokens, self.config.features, self.title)
        code = self._code(tokens, shape)
        if visible is not None:
            tokens, code = take(tokens, visible), code[self._coded(visible, shape, mask)]
        return self.encoder_norm(self.encoder(self.project(tokens) + code))

    def reconstruct(
        self, tokens: Tensor, visible: Tensor, shape: Sequence[int] | None = None, mask: str = "random"
    ) -> Tensor:
        """All tokens, float [sample, token, feature], predicted from the visible ones; ``mask`` as in encode."""
        encoded, code = self.bridge(self.encode(tokens, visible, shape, mask)), self._code(tokens, shape)
        blank = self.mask_token.to(encoded.dtype).expand(len(encoded), len(code), -1)
        x = blank.scatter(1, visible[..., None].expand_as(encoded), encoded) + code
        return self.predict_tokens(self.decoder_norm(self.decoder(x)))

    def predict(self, csi_values: Tensor, along: str = "time", ratio: float = 0.5) -> Tensor:
        """Fill in the last part of an axis from the first.

        Args:
            csi_values: complex [sample, time, antenna, subcarrier], standardised; the unknown part is not read.
            along: ``time`` or ``frequency``.
            ratio: fraction to predict.

        Returns:
            complex, the same shape: the known patches as given, the others predicted.
        """
        rules = {"time": wifo_time, "frequency": wifo_frequency}
        if along not in rules:
            raise unknown_name("direction of prediction", along, rules)
        tokens, shape = self.tokenize(csi_values), csi_values.shape[1:]
        visible = rules[along](len(tokens), self.grid(shape), ratio).to(tokens.device)
        index = visible[..., None].expand(-1, -1, tokens.shape[-1])
        predicted = self.reconstruct(tokens, visible, shape, along).to(tokens.dtype)
        return self.untokenize(predicted.scatter(1, index, tokens.gather(1, index)), shape)

    @torch.no_grad()
    def complete(self, csi: CSI, batch_size: int = 64) -> Tensor:
        """The asked end of time or subcarriers of a prediction task, complex64 in the axes and scale of ``csi``.

        Every sample is scaled by the power it is observed with; the authors standardise a whole data set, the asked
        part included.

        Raises:
            WirelessFMError: what is observed is not the beginning of one axis, or sizes are not whole patches.
        """
        known = known_part(csi)
        along = "time" if known.axis == "time" else "frequency"
        ratio = known.n_asked / (known.n_asked + known.n_known)
        # Standardised real and imaginary parts have a power of 2 together.
        unit = known.completed(torch.zeros_like(known.asked(csi.values))) / known.scale[:, None, None, None] * 2**0.5
        parts = [self.predict(self.fitted(part, None), along, ratio) for part in unit.split(batch_size)]
        return known.completed(known.asked(torch.cat(parts) * (known.scale / 2**0.5)[:, None, None, None]))

    def _coded(self, visible: Tensor, shape: Sequence[int] | None, mask: str) -> Tensor:
        _, antenna, subcarrier = self.grid(shape or ())
        rules = {"random": visible, "time": visible // (antenna * subcarrier), "frequency": visible % subcarrier}
        if mask not in rules:
            raise unknown_name("mask rule", mask, rules)
        return rules[mask]

    def _code(self, tokens: Tensor, shape: Sequence[int] | None) -> Tensor:
        if shape is None:
            raise WirelessFMError("WiFo needs shape=(time, antenna, subcarrier) of the CSI for its position code")
        grid = self.grid(shape)
        if grid[0] * grid[1] * grid[2] != tokens.shape[1]:
            raise WirelessFMError(f"shape {tuple(shape)} has {grid} patches, found {tokens.shape[1]} tokens")
        return position_code(grid, self.config.width).to(tokens.device)


def position_code(grid: Sequence[int], width: int) -> Tensor:
    """The STF code: three one-dimensional sine and cosine codes side by side.

    Time and antenna take the even number nearest to a third of the width each, frequency the rest.

    Args:
        grid: tokens along (time, antenna, subcarrier).
        width: features of a token.

    Returns:
        float32 [token, width].
    """
    third = 2 * round(width / 6)
    codes = [_sines(n, w) for n, w in zip(grid, (third, third, width - 2 * third), strict=True)]
    time, antenna, subcarrier = torch.meshgrid(*(torch.arange(n) for n in grid), indexing="ij")
    return torch.cat([c[i.flatten()] for c, i in zip(codes, (time, antenna, subcarrier), strict=True)], dim=1)


def _sines(count: int, width: int) -> Tensor:
    rates = 10000.0 ** (-torch.arange(0, width, 2, dtype=torch.float64) / width)
    angles = torch.arange(count, dtype=torch.float64)[:, None] * rates
    return torch.cat([angles.sin(), angles.cos()], dim=1).float()


# Our names and the release's, outside and inside the blocks.
_MODULES = {
    "encoder_norm": "norm",
    "bridge": "decoder_embed",
    "decoder_norm": "decoder_norm",
    "predict_tokens": "decoder_pred",
}
_BLOCK = {"norm1": "norm1", "norm2": "norm2", "attention.out": "attn.proj", "widen": "mlp.fc1", "narrow": "mlp.fc2"}
_CONVOLUTION = "Embedding.value_embedding.tokenConv"


def published_shapes(config: WiFoConfig) -> Shapes:
    """Name and shape of every tensor the release uses."""
    width, hidden = config.width, config.width * config.mlp_ratio
    shapes: Shapes = {
        "mask_token": (1, 1, width),
        f"{_CONVOLUTION}.weight": (width, 2, *config.patch),
        f"{_CONVOLUTION}.bias": (width,),
    }
    linears = {"decoder_embed": (width, width), "decoder_pred": (config.features, width)}
    norms = ["norm", "decoder_norm"]
    for side, depth in (("blocks", config.encoder_depth), ("decoder_blocks", config.decoder_depth)):
        for i in range(depth):
            linears |= {f"{side}.{i}.attn.{name}": (width, width) for name in ("q", "k", "v", "proj")}
            linears |= {f"{side}.{i}.mlp.fc1": (hidden, width), f"{side}.{i}.mlp.fc2": (width, hidden)}
            norms += [f"{side}.{i}.norm1", f"{side}.{i}.norm2"]
    for name, shape in linears.items():
        shapes |= {f"{name}.weight": shape, f"{name}.bias": shape[:1]}
    return shapes | {f"{name}.{part}": (width,) for name in norms for part in ("weight", "bias")}


def convert(state: Mapping[str, Tensor], config: WiFoConfig) -> dict[str, Tensor]:
    """The release's tensors under our names; the convolution becomes a linear map of tokens in our order."""
    ours = {
        "mask_token": state["mask_token"].flatten(),
        "project.weight": rearrange(state[f"{_CONVOLUTION}.weight"], "d c t a f -> d (t a f c)"),
        "project.bias": state[f"{_CONVOLUTION}.bias"],
    }
    modules = dict(_MODULES)
    sides = (("encoder", "blocks", config.encoder_depth), ("decoder", "decoder_blocks", config.decoder_depth))
    for mine, theirs, depth in sides:
        for i in range(depth):
            modules |= {f"{mine}.{i}.{a}": f"{theirs}.{i}.{b}" for a, b in _BLOCK.items()}
            for part in ("weight", "bias"):
                names = [f"{theirs}.{i}.attn.{letter}.{part}" for letter in "qkv"]
                ours[f"{mine}.{i}.attention.qkv.{part}"] = joined(state, names)
    for mine, theirs in modules.items():
        ours |= {f"{mine}.weight": state[f"{theirs}.weight"], f"{mine}.bias": state[f"{theirs}.bias"]}
    return ours


def infer(shapes: Mapping[str, Sequence[int]], config: WiFoConfig) -> WiFoConfig:
    """The configuration with the sizes of a checkpoint; the number of heads stays."""
    width, _, *patch = shapes[f"{_CONVOLUTION}.weight"]
    return replace(
        config,
        width=width,
        patch=(patch[0], patch[1], patch[2]),
        mlp_ratio=shapes["blocks.0.mlp.fc1.weight"][0] // width,
        encoder_depth=count_layers(shapes, "blocks."),
        decoder_depth=count_layers(shapes, "decoder_blocks."),
    )


SYSTEM = System(WiFo, published_shapes, ("pos_embed_*", "decoder_pos_embed_*"), convert, infer)
