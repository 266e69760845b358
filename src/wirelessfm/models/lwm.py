"""LWM 1.0 and 1.1: BERT-style encoders of static CSI matrices.

S. Alikhani, G. Charan, A. Alkhateeb, "Large Wireless Model (LWM): A Foundation Model for Wireless Channels",
arXiv:2411.08872. Where paper and released weights differ, the release is followed: the cls token is the constant
0.2 and the mask 0.1, layer normalisation divides by the unbiased standard deviation, LWM 1.0 has no normalisation
after its feed-forward part, and LWM 1.1 adds the residual of its attention twice.
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
    count_layers,
    interpolate_positions,
    joined,
    pad_to,
    pad_to_multiple,
    require_complex,
    require_tokens,
)
from wirelessfm.nn.published_attention import Dropout, SelfAttention
from wirelessfm.nn.published_masks import complement, take

CLS_VALUE = 0.2
MASK_VALUE = 0.1
# The authors multiply DeepMIMO channels (linear gains per unit transmit power) by this and nothing else.
INPUT_SCALE = 1e6


@dataclass(frozen=True)
class LWMConfig:
    """Sizes of one LWM. ``positions`` counts the cls token; ``release`` chooses tokens and block."""

    antennas: int = 32
    subcarriers: int = 32
    patch: tuple[int, int] = (1, 16)
    width: int = 64
    depth: int = 12
    heads: int = 12
    head_dim: int = 5
    hidden: int = 256
    positions: int = 129
    dropout: float = 0.1
    release: str = "1.0"

    @property
    def features(self) -> int:
        """Real numbers in a token."""
        return self.patch[0] * self.patch[1] * (2 if self.interleaved else 1)

    @property
    def interleaved(self) -> bool:
        """Whether a token holds real and imaginary parts, as in LWM 1.1, or one of them, as in 1.0."""
        return self.release == "1.1"


LWM_1_0 = LWMConfig()
LWM_1_1 = LWMConfig(patch=(4, 4), width=128, heads=8, head_dim=16, hidden=512, positions=513, release="1.1")
CONFIGS = {"lwm-1.0": LWM_1_0, "lwm-1.1": LWM_1_1}

_CITATION = (
    "S. Alikhani, G. Charan, A. Alkhateeb, Large Wireless Model (LWM): A Foundation Model for Wireless Channels, "
    "arXiv:2411.08872"
)
_LICENCE = "none recorded with the weights: ask the authors before redistributing them"
ORIGINS = {
    "lwm-1.0": Origin(
        _CITATION,
        "wi-lab/lwm",
        "model_weights.pth",
        _LICENCE,
        "838d9f35e9e1bfd46e4c3212d00fa069f5ea02a93c0f807d25399e755b2eebbc",
    ),
    "lwm-1.1": Origin(_CITATION, "wi-lab/lwm-v1.1", "models/model.pth", _LICENCE),
}


class UnbiasedNorm(nn.Module):
    """Layer normalisation by the unbiased (n - 1) standard deviation s.

    The release divides by s + 1e-6; the fused kernel used here divides by s, a relative difference of 1e-6 / s.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.bias = nn.Parameter(torch.zeros(width))

    def forward(self, x: Tensor) -> Tensor:
        """Float [..., width] to the same."""
        width = x.shape[-1]
        return functional.layer_norm(x, (width,), self.weight * (1 - 1 / width) ** 0.5, self.bias, eps=1e-12)


class Block(nn.Module):
    """One layer of LWM 1.0, or of 1.1 with ``config.release`` 1.1."""

    def __init__(self, config: LWMConfig) -> None:
        super().__init__()
        self.attention = SelfAttention(config.width, config.heads, config.head_dim)
        self.norm1 = UnbiasedNorm(config.width)
        self.widen = nn.Linear(config.width, config.hidden)
        self.narrow = nn.Linear(config.hidden, config.width)
        self.norm2 = UnbiasedNorm(config.width) if config.interleaved else None
        self.dropout = Dropout(config.dropout)

    def forward(self, x: Tensor, queries: Tensor | None = None) -> Tensor:
        """Float [sample, token, width] to the same, or to the ``queries`` only."""
        residual = x if queries is None else queries
        if self.norm2 is not None:
            residual = 2 * residual
        y = self.norm1(residual + self.dropout(self.attention(x, queries)))
        y = y + self.dropout(self.narrow(self.dropout(self.widen(y).relu())))
        return y if self.norm2 is None else self.norm2(y)


class LWM(PublishedEncoder):
    """Encoder and reconstruction head. Tokens never include the cls token; encodings have it at position 0."""

    has_cls = True

    def __init__(self, config: LWMConfig = LWM_1_0) -> None:
        super().__init__()
        self.config = config
        self.title = "LWM 1.1" if config.interleaved else "LWM 1.0"
        self.project = nn.Linear(config.features, config.width)
        self.positions = nn.Parameter(torch.randn(config.positions, config.width))
        self.norm = UnbiasedNorm(config.width)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.depth))
        self.head = nn.Sequential(nn.Linear(config.width, config.width), nn.ReLU(), UnbiasedNorm(config.width))
        self.decode = nn.Linear(config.width, config.features)

    def scaled(self, csi_values: Tensor) -> Tensor:
        """Channels as DeepMIMO gives them, multiplied by 1e6."""
        return csi_values * INPUT_SCALE

    def fitted(self, csi_values: Tensor, resize: str | None) -> Tensor:
        """LWM 1.0 takes one shape; LWM 1.1 every shape of at most ``positions - 1`` patches."""
        shape, (rows, columns) = tuple(csi_values.shape[1:]), self.config.patch
        if self.config.interleaved:
            limit = self.config.positions - 1
            if resize == "interpolate" or -(-shape[0] // rows) * -(-shape[1] // columns) <= limit:
                return csi_values
            raise WirelessFMError(
                f"{self.title} takes at most {limit} patches of {rows} antennas x {columns} subcarriers, found "
                f"{shape[0]} x {shape[1]} entries; use resize='interpolate' for the position table, or isel"
            )
        wanted = (self.config.antennas, self.config.subcarriers)
        if shape == wanted or (resize == "interpolate" and shape[1] % columns == 0):
            return csi_values
        if resize == "pad" and shape[0] <= wanted[0] and shape[1] <= wanted[1]:
            return pad_to(csi_values, wanted)
        raise WirelessFMError(
            f"{self.title} takes {wanted[0]} antennas x {wanted[1]} subcarriers, found {shape[0]} x {shape[1]}; use "
            f"resize='pad' up to that, resize='interpolate' for multiples of {columns} subcarriers, or isel"
        )

    def tokenize(self, csi_values: Tensor) -> Tensor:
        """Complex [sample, antenna, subcarrier] to float tokens.

        LWM 1.0: row-major, 16 neighbouring subcarriers of one antenna a token, all real parts and then all
        imaginary. LWM 1.1: 4 antennas x 4 subcarriers, zero-padded, antenna blocks first, inside a token row-major
        with real and imaginary parts interleaved along subcarriers.
        """
        require_complex(csi_values, self.axes)
        rows, columns = self.config.patch
        if self.config.interleaved:
            both = torch.view_as_real(pad_to_multiple(csi_values, self.config.patch).resolve_conj())
            return rearrange(both, "b (i p) (j q) c -> b (i j) (p q c)", p=rows, q=columns)
        flat = csi_values.flatten(1)
        if flat.shape[1] % columns:
            raise WirelessFMError(
                f"{self.title} cuts antennas x subcarriers into patches of {columns}, "
                f"found {flat.shape[1]} entries; pad the subcarriers to a multiple of {columns}"
            )
        return torch.cat([flat.real, flat.imag], dim=1).unflatten(1, (-1, columns))

    def untokenize(self, tokens: Tensor, shape: Sequence[int]) -> Tensor:
        """Float [sample, token, feature] to complex [sample, antenna, subcarrier] of the sizes ``shape``."""
        require_tokens(tokens, self.config.features, self.title)
        antennas, subcarriers = shape
        if not self.config.interleaved:
            real, imaginary = tokens.flatten(1).chunk(2, dim=1)
            return torch.complex(real.contiguous(), imaginary.contiguous()).unflatten(1, (antennas, subcarriers))
        rows, columns = self.config.patch
        blocks = -(-antennas // rows)
        both = rearrange(tokens, "b (i j) (p q c) -> b (i p) (j q) c", i=blocks, p=rows, q=columns, c=2)
        return torch.view_as_complex(both.contiguous())[:, :antennas, :subcarriers]

    def encode(self, tokens: Tensor, visible: Tensor | None = None, shape: Sequence[int] | None = None) -> Tensor:
        """Float [sample, 1 + token, width], cls first.

        Args:
            tokens: float [sample, token, feature].
            visible: not possible: LWM sees every token.
            shape: sizes of the CSI; when they are not those the position table was made for, it is interpolated.
                None takes the first positions, as the release does.
        """
        if visible is not None:
            raise WirelessFMError(f"{self.title} encodes all tokens; it cannot be given the visible ones only")
        return self.forward(self.with_cls(tokens), shape=shape)

    def with_cls(self, tokens: Tensor) -> Tensor:
        """The cls token, a constant, put before the tokens."""
        require_tokens(tokens, self.config.features, self.title)
        return functional.pad(tokens, (0, 0, 1, 0), value=CLS_VALUE)

    def forward(self, input_tokens: Tensor, read: Tensor | None = None, shape: Sequence[int] | None = None) -> Tensor:
        """The published forward pass.

        Args:
            input_tokens: float [sample, 1 + token, feature], cls first.
            read: int64 [sample, n], the only positions needed; the last layer is computed for those alone.
            shape: as in :meth:`encode`.

        Returns:
            float [sample, 1 + token, width], or [sample, n, width] of the positions read.
        """
        x = self.norm(self.project(input_tokens) + self._positions(input_tokens.shape[1], shape))
        for block in self.blocks[:-1]:
            x = block(x)
        return self.blocks[-1](x, None if read is None else take(x, read))

    def predict(self, input_tokens: Tensor, read: Tensor) -> Tensor:
        """The published reconstruction head at the positions ``read`` (0 is cls): float [sample, n, feature]."""
        return self.decode(self.head(self.forward(input_tokens, read)))

    def reconstruct(self, tokens: Tensor, visible: Tensor, shape: Sequence[int] | None = None) -> Tensor:
        """All tokens, predicted with the mask constant at every token that is not visible."""
        hidden_positions = complement(visible, tokens.shape[1])[..., None].expand(-1, -1, tokens.shape[-1])
        masked = tokens.scatter(1, hidden_positions, MASK_VALUE)
        return self.decode(self.head(self.encode(masked, shape=shape)[:, 1:]))

    def _pooled(self, values: Tensor, pooling: str) -> Tensor:
        if pooling != "cls":
            return super()._pooled(values, pooling)
        read = torch.zeros(len(values), 1, dtype=torch.int64, device=values.device)
        return self.forward(self.with_cls(self.tokenize(values)), read, values.shape[1:])[:, 0]

    def _positions(self, count: int, shape: Sequence[int] | None) -> Tensor:
        cls, table = self.positions[:1], self.positions[1:]
        if shape is not None and not self.config.interleaved:
            (rows, columns), native = self.config.patch, (self.config.antennas, self.config.subcarriers)
            grids = [(antennas // rows, subcarriers // columns) for antennas, subcarriers in (native, tuple(shape))]
            return torch.cat([cls, *(interpolate_positions(half, *grids) for half in table.chunk(2))])
        if shape is not None and count > len(self.positions):
            return torch.cat([cls, interpolate_positions(table, (1, len(table)), (1, count - 1))])
        if count > len(self.positions):
            raise WirelessFMError(
                f"{self.title} has {len(table)} positions, found {count - 1} tokens; "
                "give encode the shape of the CSI to interpolate the position table"
            )
        return self.positions[:count]


def published_shapes(config: LWMConfig) -> Shapes:
    """Name and shape of every tensor the release uses."""
    width, inner = config.width, config.heads * config.head_dim
    shapes: Shapes = {
        "embedding.proj.weight": (width, config.features),
        "embedding.proj.bias": (width,),
        "embedding.pos_embed.weight": (config.positions, width),
        "decoder.weight": (config.features, width),
        "decoder_bias": (config.features,),
        "linear.weight": (width, width),
        "linear.bias": (width,),
    }
    norms = ["embedding.norm", "norm"]
    for i in range(config.depth):
        attention, ffn = f"layers.{i}.enc_self_attn", f"layers.{i}.pos_ffn"
        for part in ("W_Q", "W_K", "W_V"):
            shapes |= {f"{attention}.{part}.weight": (inner, width), f"{attention}.{part}.bias": (inner,)}
        shapes |= {f"{attention}.linear.weight": (width, inner), f"{attention}.linear.bias": (width,)}
        shapes |= {f"{ffn}.fc1.weight": (config.hidden, width), f"{ffn}.fc1.bias": (config.hidden,)}
        shapes |= {f"{ffn}.fc2.weight": (width, config.hidden), f"{ffn}.fc2.bias": (width,)}
        norms += [f"layers.{i}.norm1", f"layers.{i}.norm2"] if config.interleaved else [f"layers.{i}.norm"]
    return shapes | {f"{norm}.{part}": (width,) for norm in norms for part in ("alpha", "bias")}


def convert(state: Mapping[str, Tensor], config: LWMConfig) -> dict[str, Tensor]:
    """The release's tensors under our names, queries, keys and values joined."""
    ours = {"positions": state["embedding.pos_embed.weight"]}
    ours |= {"decode.weight": state["decoder.weight"], "decode.bias": state["decoder_bias"]}
    modules = {"project": "embedding.proj", "head.0": "linear"}
    norms = {"norm": "embedding.norm", "head.2": "norm"}
    for i in range(config.depth):
        theirs = f"layers.{i}"
        for part in ("weight", "bias"):
            names = [f"{theirs}.enc_self_attn.{w}.{part}" for w in ("W_Q", "W_K", "W_V")]
            ours[f"blocks.{i}.attention.qkv.{part}"] = joined(state, names)
        modules[f"blocks.{i}.attention.out"] = f"{theirs}.enc_self_attn.linear"
        modules |= {f"blocks.{i}.widen": f"{theirs}.pos_ffn.fc1", f"blocks.{i}.narrow": f"{theirs}.pos_ffn.fc2"}
        norms[f"blocks.{i}.norm1"] = f"{theirs}.norm1" if config.interleaved else f"{theirs}.norm"
        if config.interleaved:
            norms[f"blocks.{i}.norm2"] = f"{theirs}.norm2"
    for mine, theirs in modules.items():
        ours |= {f"{mine}.weight": state[f"{theirs}.weight"], f"{mine}.bias": state[f"{theirs}.bias"]}
    for mine, theirs in norms.items():
        ours |= {f"{mine}.weight": state[f"{theirs}.alpha"], f"{mine}.bias": state[f"{theirs}.bias"]}
    return ours


def infer(shapes: Mapping[str, Sequence[int]], config: LWMConfig) -> LWMConfig:
    """The configuration with the sizes of a checkpoint; the number of heads and the input shape stay."""
    hidden, width = shapes["layers.0.pos_ffn.fc1.weight"]
    return replace(
        config,
        width=width,
        hidden=hidden,
        depth=count_layers(shapes, "layers."),
        head_dim=shapes["layers.0.enc_self_attn.W_Q.weight"][0] // config.heads,
        positions=shapes["embedding.pos_embed.weight"][0],
    )


SYSTEM = System(LWM, published_shapes, ("layers.*.enc_self_attn.norm.*", "layers.*.pos_ffn.norm.*"), convert, infer)
