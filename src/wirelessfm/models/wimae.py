"""WiMAE and ContraWiMAE: masked autoencoders of static CSI matrices, the second with a contrastive head.

B. Guler, G. Geraci, H. Jafarkhani, "A Multi-Task Foundation Model for Wireless Channel Representation Using
Contrastive and Masked Autoencoder Learning", arXiv:2505.09160. The release's array order is followed; whether a
patch of (16, 1) spans antennas or subcarriers is ambiguous there, so the patch is a parameter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional

from wirelessfm.errors import WirelessFMError
from wirelessfm.models.published import (
    Origin,
    PublishedEncoder,
    Shapes,
    System,
    check_input_scaling,
    count_layers,
    interpolate_positions,
    pad_to,
    require_complex,
    require_tokens,
)
from wirelessfm.nn.published_attention import Dropout, SelfAttention
from wirelessfm.nn.published_masks import take

# Means and standard deviations of the authors' pretraining set, given by them for channels multiplied by 1e6.
REAL_MEAN, REAL_STD = 0.021121172234416008e-6, 30.7452392578125e-6
IMAGINARY_MEAN, IMAGINARY_STD = -0.01027622725814581e-6, 30.70543670654297e-6


@dataclass(frozen=True)
class WiMAEConfig:
    """Sizes and input scaling of one WiMAE.

    Attributes:
        contrastive: (hidden, output) of the contrastive head, None without.
        input_scaling: mean and standard deviation of the real parts, then of the imaginary parts, of the channels it
            is trained on (linear gains per unit transmit power); the default is that of the published weights.
    """

    rows: int = 32
    columns: int = 32
    patch: tuple[int, int] = (16, 1)
    width: int = 64
    encoder_depth: int = 12
    encoder_heads: int = 16
    decoder_depth: int = 4
    decoder_heads: int = 8
    hidden: int = 128
    contrastive: tuple[int, int] | None = None
    dropout: float = 0.1
    input_scaling: tuple[float, float, float, float] = (REAL_MEAN, REAL_STD, IMAGINARY_MEAN, IMAGINARY_STD)

    @property
    def features(self) -> int:
        """Real numbers in a token."""
        return self.patch[0] * self.patch[1]

    @property
    def tokens(self) -> int:
        """Real and imaginary patches of the published shape."""
        return 2 * (self.rows // self.patch[0]) * (self.columns // self.patch[1])


def _variants(name: str, base: WiMAEConfig) -> dict[str, WiMAEConfig]:
    return {
        name: base,
        f"{name}-1x16": replace(base, patch=(1, 16)),
        f"{name}-4x4": replace(base, patch=(4, 4)),
    }


CONFIGS = {
    **_variants("wimae", WiMAEConfig()),
    **_variants("contrawimae", WiMAEConfig(contrastive=(128, 64))),
    **{
        f"wimae-{e}-{d}": WiMAEConfig(encoder_depth=e, decoder_depth=d) for e, d in ((6, 4), (18, 4), (12, 8), (12, 12))
    },
    **{f"wimae-d{w}": WiMAEConfig(width=w) for w in (32, 96, 128)},
}
_ORIGIN = Origin(
    "B. Guler, G. Geraci, H. Jafarkhani, A Multi-Task Foundation Model for Wireless Channel Representation Using "
    "Contrastive and Masked Autoencoder Learning, arXiv:2505.09160",
    "BerkIGuler/WirelessContrastiveMaskedLearning",
    "best_checkpoint.pt",
    "none recorded with the weights: ask the authors before redistributing them",
)
ORIGINS = dict.fromkeys(CONFIGS, _ORIGIN)


class Block(nn.Module):
    """Post-norm transformer layer: x ← LN(x + MHA(x)), x ← LN(x + FFN(x)), exact GELU."""

    def __init__(self, config: WiMAEConfig, heads: int) -> None:
        super().__init__()
        self.attention = SelfAttention(config.width, heads, weight_dropout=config.dropout)
        self.norm1, self.norm2 = nn.LayerNorm(config.width), nn.LayerNorm(config.width)
        self.widen = nn.Linear(config.width, config.hidden)
        self.narrow = nn.Linear(config.hidden, config.width)
        self.dropout = Dropout(config.dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Float [sample, token, width] to the same."""
        x = self.norm1(x + self.dropout(self.attention(x)))
        return self.norm2(x + self.dropout(self.narrow(self.dropout(functional.gelu(self.widen(x))))))


class WiMAE(PublishedEncoder):
    """Encoder, decoder and, in ContraWiMAE, the contrastive head. There is no cls token."""

    def __init__(self, config: WiMAEConfig = CONFIGS["wimae"]) -> None:
        super().__init__()
        for heads in (config.encoder_heads, config.decoder_heads):
            if config.width % heads:
                raise WirelessFMError(f"width must be a multiple of the heads, found {config.width} and {heads} heads")
        check_input_scaling(config.input_scaling, 4)
        self.config = config
        self.title = "ContraWiMAE" if config.contrastive else "WiMAE"
        width = config.width
        self.project = nn.Linear(config.features, width)
        self.encoder_positions = nn.Parameter(torch.zeros(config.tokens, width))
        self.encoder = nn.Sequential(*(Block(config, config.encoder_heads) for _ in range(config.encoder_depth)))
        self.mask_token = nn.Parameter(torch.zeros(width))
        self.decoder_positions = nn.Parameter(torch.zeros(config.tokens, width))
        self.decoder = nn.Sequential(*(Block(config, config.decoder_heads) for _ in range(config.decoder_depth)))
        self.predict = nn.Linear(width, config.features)
        if config.contrastive:
            hidden, output = config.contrastive
            self.head = nn.Sequential(nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, output))
        for table in (self.encoder_positions, self.decoder_positions):
            nn.init.trunc_normal_(table, std=0.02)

    def scaled(self, csi_values: Tensor) -> Tensor:
        """Real and imaginary parts standardised with the constants of the configuration."""
        real_mean, real_std, imaginary_mean, imaginary_std = self.config.input_scaling
        real, imaginary = csi_values.real - real_mean, csi_values.imag - imaginary_mean
        return torch.complex(real / real_std, imaginary / imaginary_std)

    def input_scaling_of(self, csi_values: Tensor) -> tuple[float, ...]:
        """Mean and standard deviation of the real parts, then of the imaginary parts."""
        return tuple(float(x) for part in (csi_values.real, csi_values.imag) for x in (part.mean(), part.std()))

    def fitted(self, csi_values: Tensor, resize: str | None) -> Tensor:
        """One shape; smaller ones by padding, multiples of the patch by interpolated positions."""
        shape, wanted = tuple(csi_values.shape[1:]), (self.config.rows, self.config.columns)
        divides = all(n % p == 0 for n, p in zip(shape, self.config.patch, strict=True))
        if shape == wanted or (resize == "interpolate" and divides):
            return csi_values
        if resize == "pad" and all(n <= w for n, w in zip(shape, wanted, strict=True)):
            return pad_to(csi_values, wanted)
        raise WirelessFMError(
            f"{self.title} takes {wanted[0]} antennas x {wanted[1]} subcarriers, found {shape[0]} x {shape[1]}; use "
            f"resize='pad' up to that, resize='interpolate' for multiples of the patch {self.config.patch}, or isel"
        )

    def tokenize(self, csi_values: Tensor) -> Tensor:
        """Complex [sample, antenna, subcarrier] to float tokens: all real patches, then all imaginary.

        Patches are scanned row by row of blocks; inside a patch row-major.
        """
        require_complex(csi_values, self.axes)
        rows, columns = self.config.patch
        if csi_values.shape[1] % rows or csi_values.shape[2] % columns:
            raise WirelessFMError(
                f"{self.title} cuts patches of {rows} antennas x {columns} subcarriers, "
                f"found {csi_values.shape[1]} x {csi_values.shape[2]}; pad to multiples"
            )
        both = torch.view_as_real(csi_values.resolve_conj())
        return rearrange(both, "b (i p) (j q) c -> b (c i j) (p q)", p=rows, q=columns)

    def untokenize(self, tokens: Tensor, shape: Sequence[int]) -> Tensor:
        """Float [sample, token, feature] to complex [sample, antenna, subcarrier] of the sizes ``shape``."""
        require_tokens(tokens, self.config.features, self.title)
        rows, columns = self.config.patch
        both = rearrange(tokens, "b (c i j) (p q) -> b (i p) (j q) c", c=2, i=shape[0] // rows, p=rows, q=columns)
        return torch.view_as_complex(both.contiguous())

    def encode(self, tokens: Tensor, visible: Tensor | None = None, shape: Sequence[int] | None = None) -> Tensor:
        """Float [sample, token, width], of the ``visible`` int64 [sample, kept] only, in their order, if given.

        ``shape`` other than the published one interpolates the position table.
        """
        require_tokens(tokens, self.config.features, self.title)
        positions = self._positions(self.encoder_positions, tokens.shape[1], shape)
        if visible is None:
            return self.encoder(self.project(tokens) + positions)
        return self.encoder(self.project(take(tokens, visible)) + positions[visible])

    def decode(
        self, encoded: Tensor, visible: Tensor | None, n_tokens: int, shape: Sequence[int] | None = None
    ) -> Tensor:
        """All tokens, float [sample, n_tokens, feature], from what :meth:`encode` gave for ``visible`` (None: all)."""
        if visible is not None:
            blank = self.mask_token.to(encoded.dtype).expand(len(encoded), n_tokens, -1)
            encoded = blank.scatter(1, visible[..., None].expand_as(encoded), encoded)
        return self.predict(self.decoder(encoded + self._positions(self.decoder_positions, n_tokens, shape)))

    def reconstruct(self, tokens: Tensor, visible: Tensor, shape: Sequence[int] | None = None) -> Tensor:
        """All tokens, predicted from the visible ones."""
        return self.decode(self.encode(tokens, visible, shape), visible, tokens.shape[1], shape)

    def contrast(self, encoded: Tensor) -> Tensor:
        """ContraWiMAE: float [sample, token, width] to unit vectors [sample, output]."""
        if not self.config.contrastive:
            raise WirelessFMError("WiMAE has no contrastive head; build 'contrawimae'")
        return functional.normalize(self.head(encoded.mean(dim=1)), dim=-1)

    def _positions(self, table: Tensor, count: int, shape: Sequence[int] | None) -> Tensor:
        grids = [
            tuple(n // p for n, p in zip(sizes, self.config.patch, strict=True))
            for sizes in ((self.config.rows, self.config.columns), shape or (self.config.rows, self.config.columns))
        ]
        table = torch.cat([interpolate_positions(half, *grids) for half in table.chunk(2)])
        if len(table) != count:
            raise WirelessFMError(
                f"{self.title} has {len(table)} positions, found {count} tokens; "
                "give the shape of the CSI to interpolate the position table"
            )
        return table


# Our names inside a block and the release's.
_BLOCK = {
    "attention.out": "self_attn.out_proj",
    "widen": "linear1",
    "narrow": "linear2",
    "norm1": "norm1",
    "norm2": "norm2",
}


def published_shapes(config: WiMAEConfig) -> Shapes:
    """Name and shape of every tensor of the release."""
    width = config.width
    block = {"self_attn.in_proj_weight": (3 * width, width), "self_attn.in_proj_bias": (3 * width,)}
    linears = {
        "self_attn.out_proj": (width, width),
        "linear1": (config.hidden, width),
        "linear2": (width, config.hidden),
    }
    block |= _linear_shapes(linears) | {f"{n}.{p}": (width,) for n in ("norm1", "norm2") for p in ("weight", "bias")}
    shapes: Shapes = {"decoder.mask_token": (1, 1, width)}
    shapes |= _linear_shapes({"encoder.linear_1": (width, config.features), "decoder.linear": (config.features, width)})
    for side, depth in (("encoder", config.encoder_depth), ("decoder", config.decoder_depth)):
        shapes[f"{side}.positional_encoding.position_embeddings"] = (1, config.tokens, width)
        for i in range(depth):
            shapes |= {f"{side}.transformer.layers.{i}.{name}": shape for name, shape in block.items()}
    if config.contrastive:
        hidden, output = config.contrastive
        head = {"contrastive_head.proj_head.0": (hidden, width), "contrastive_head.proj_head.2": (output, hidden)}
        shapes |= _linear_shapes(head)
    return shapes


def _linear_shapes(weights: Mapping[str, tuple[int, int]]) -> Shapes:
    shapes: Shapes = {f"{name}.weight": shape for name, shape in weights.items()}
    return shapes | {f"{name}.bias": shape[:1] for name, shape in weights.items()}


def convert(state: Mapping[str, Tensor], config: WiMAEConfig) -> dict[str, Tensor]:
    """The release's tensors under our names."""
    ours = {"mask_token": state["decoder.mask_token"].flatten()}
    modules = {"project": "encoder.linear_1", "predict": "decoder.linear"}
    if config.contrastive:
        modules |= {"head.0": "contrastive_head.proj_head.0", "head.2": "contrastive_head.proj_head.2"}
    for side, depth in (("encoder", config.encoder_depth), ("decoder", config.decoder_depth)):
        ours[f"{side}_positions"] = state[f"{side}.positional_encoding.position_embeddings"][0]
        for i in range(depth):
            theirs = f"{side}.transformer.layers.{i}"
            modules |= {f"{side}.{i}.{mine}": f"{theirs}.{name}" for mine, name in _BLOCK.items()}
            ours[f"{side}.{i}.attention.qkv.weight"] = state[f"{theirs}.self_attn.in_proj_weight"]
            ours[f"{side}.{i}.attention.qkv.bias"] = state[f"{theirs}.self_attn.in_proj_bias"]
    for mine, theirs in modules.items():
        ours |= {f"{mine}.weight": state[f"{theirs}.weight"], f"{mine}.bias": state[f"{theirs}.bias"]}
    return ours


def infer(shapes: Mapping[str, Sequence[int]], config: WiMAEConfig) -> WiMAEConfig:
    """The configuration with the sizes of a checkpoint; heads, patch and input shape stay."""
    hidden, width = shapes["encoder.transformer.layers.0.linear1.weight"]
    head = shapes.get("contrastive_head.proj_head.2.weight")
    return replace(
        config,
        width=width,
        hidden=hidden,
        encoder_depth=count_layers(shapes, "encoder.transformer.layers."),
        decoder_depth=count_layers(shapes, "decoder.transformer.layers."),
        contrastive=None if head is None else (head[1], head[0]),
    )


# The published runs use 16 encoder heads, the released class defaults to 8; a state dict shows neither.
SYSTEM = System(
    WiMAE,
    published_shapes,
    (),
    convert,
    infer,
    silent={"encoder_heads": (16, 8), "patch": ((16, 1), (1, 16), (4, 4))},
    metadata={"encoder_nhead": "encoder_heads", "decoder_nhead": "decoder_heads", "patch_size": "patch"},
)
