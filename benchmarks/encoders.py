"""Speed of the published encoders against plain re-statements of their authors' forward passes.

Run with ``OMP_WAIT_POLICY=PASSIVE python benchmarks/encoders.py --threads 2`` on an otherwise idle machine. Each
plain model has the structure the authors published: separate projections viewed head by head, an explicit softmax, a
hand-written normalisation, masking sample by sample in Python, float32. Both share the same weights; the relative
error of the encodings is printed beside the speed. A training step is loss, backward pass and Adam, ours the fused
one. ``--system lwm-1.0 --batch 32`` is a quick run.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from statistics import median

import torch
from torch import Tensor, nn
from torch.nn import functional

from wirelessfm.csi import CSI
from wirelessfm.models.published_zoo import build_published
from wirelessfm.objectives import lwm as lwm_objective
from wirelessfm.objectives import wifo as wifo_objective
from wirelessfm.objectives import wimae as wimae_objective

MIN_ROUNDS = 3
MIN_SECONDS = 3.0


class PlainNorm(nn.Module):
    """Mean and standard deviation step by step."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.alpha, self.bias = nn.Parameter(torch.ones(width)), nn.Parameter(torch.zeros(width))

    def forward(self, x: Tensor) -> Tensor:
        mean, std = x.mean(-1, keepdim=True), x.std(-1, keepdim=True)
        return self.alpha * (x - mean) / (std + 1e-6) + self.bias


class PlainAttention(nn.Module):
    """Three projections, heads by view and transpose, explicit softmax."""

    def __init__(self, width: int, heads: int, dim: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.dim, self.dropout = heads, dim, dropout
        self.q, self.k, self.v = (nn.Linear(width, heads * dim) for _ in range(3))
        self.out = nn.Linear(heads * dim, width)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (m(x).view(len(x), -1, self.heads, self.dim).transpose(1, 2) for m in (self.q, self.k, self.v))
        weights = torch.matmul(q, k.transpose(-1, -2)) / self.dim**0.5
        weights = functional.dropout(functional.softmax(weights, dim=-1), self.dropout, self.training)
        mixed = torch.matmul(weights, v).transpose(1, 2).contiguous().view(len(x), -1, self.heads * self.dim)
        return self.out(mixed)


class PlainBlock(nn.Module):
    """``kind``: lwm (post-norm, none after the feed-forward part), post (WiMAE) or pre (WiFo)."""

    def __init__(self, kind: str, width: int, heads: int, dim: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.kind, self.dropout = kind, dropout
        self.attention = PlainAttention(width, heads, dim, dropout if kind == "post" else 0.0)
        norm = PlainNorm if kind == "lwm" else nn.LayerNorm
        self.norm1, self.norm2 = norm(width), norm(width)
        self.fc1, self.fc2 = nn.Linear(width, hidden), nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        if self.kind == "pre":
            x = x + self.attention(self.norm1(x))
            return x + self._mlp(self.norm2(x))
        y = self.norm1(x + functional.dropout(self.attention(x), self.dropout, self.training))
        z = y + functional.dropout(self._mlp(y), self.dropout, self.training)
        return z if self.kind == "lwm" else self.norm2(z)

    def _mlp(self, x: Tensor) -> Tensor:
        act = functional.relu if self.kind == "lwm" else functional.gelu
        return self.fc2(functional.dropout(act(self.fc1(x)), self.dropout, self.training))


def copy_block(plain: PlainBlock, ours: nn.Module) -> PlainBlock:
    """Our weights in a plain block."""
    for part in ("weight", "bias"):
        thirds = getattr(ours.attention.qkv, part).data.chunk(3)
        for module, third in zip((plain.attention.q, plain.attention.k, plain.attention.v), thirds, strict=True):
            getattr(module, part).data.copy_(third)
    pairs = [(plain.attention.out, ours.attention.out), (plain.fc1, ours.widen), (plain.fc2, ours.narrow)]
    for theirs, mine in pairs:
        theirs.load_state_dict(mine.state_dict())
    norms = [(plain.norm1, ours.norm1)] + ([(plain.norm2, ours.norm2)] if ours.norm2 is not None else [])
    for theirs, mine in norms:
        for target, source in zip(theirs.parameters(), mine.parameters(), strict=True):
            target.data.copy_(source.data)
    return plain


class PlainLWM(nn.Module):
    """LWM 1.0 as its authors structure it."""

    def __init__(self, ours: nn.Module) -> None:
        super().__init__()
        c = ours.config
        self.project, self.positions = nn.Linear(c.features, c.width), nn.Embedding(c.positions, c.width)
        self.norm, self.head_norm = PlainNorm(c.width), PlainNorm(c.width)
        blocks = (PlainBlock("lwm", c.width, c.heads, c.head_dim, c.hidden, c.dropout) for _ in range(c.depth))
        self.blocks = nn.ModuleList(copy_block(p, o) for p, o in zip(blocks, ours.blocks, strict=True))
        self.linear, self.decoder = nn.Linear(c.width, c.width), nn.Linear(c.width, c.features)
        self.project.load_state_dict(ours.project.state_dict())
        self.positions.weight.data.copy_(ours.positions.data)

    def encode(self, ids: Tensor) -> Tensor:
        where = torch.arange(ids.shape[1]).unsqueeze(0).expand(ids.shape[0], -1)
        x = self.norm(self.project(ids) + self.positions(where))
        for block in self.blocks:
            x = block(x)
        return x

    def loss(self, channels: Tensor) -> Tensor:
        ids, positions, targets = zip(*(self._masked(h) for h in channels), strict=True)
        hidden = self.encode(torch.stack(ids))
        index = torch.stack(positions)[:, :, None].expand(-1, -1, hidden.shape[-1])
        logits = self.decoder(self.head_norm(functional.relu(self.linear(torch.gather(hidden, 1, index)))))
        target = torch.stack(targets)
        return functional.mse_loss(logits, target) / target.var()

    def _masked(self, channel: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        flat = torch.cat([channel.real.flatten(), channel.imag.flatten()])
        tokens = [torch.full((16,), 0.2), *(flat[i : i + 16] for i in range(0, len(flat), 16))]
        half = (len(tokens) - 1) // 2
        real = (torch.randperm(half)[: int(0.15 * half)] + 1).tolist()
        positions, targets = real + [p + half for p in real], []
        for p in positions:
            targets.append(tokens[p].clone())
            u = float(torch.rand(1))
            if u < 0.1:
                tokens[p] = torch.rand(16)
            elif u < 0.9:
                tokens[p] = torch.full((16,), 0.1)
        return torch.stack(tokens), torch.tensor(positions), torch.stack(targets)


class PlainWiMAE(nn.Module):
    """WiMAE as its authors structure it: the loss shuffles and gathers sample by sample."""

    def __init__(self, ours: nn.Module) -> None:
        super().__init__()
        c, self.ours = ours.config, [ours]
        sides = ((ours.encoder, c.encoder_heads), (ours.decoder, c.decoder_heads))
        self.encoder, self.decoder = (
            nn.ModuleList(
                copy_block(PlainBlock("post", c.width, n, c.width // n, c.hidden, c.dropout), o) for o in side
            )
            for side, n in sides
        )
        self.project, self.predict = nn.Linear(c.features, c.width), nn.Linear(c.width, c.features)
        self.project.load_state_dict(ours.project.state_dict())
        self.positions = nn.Parameter(ours.encoder_positions.data.clone())
        self.decoder_positions = nn.Parameter(ours.decoder_positions.data.clone())
        self.mask_token = nn.Parameter(torch.zeros(c.width))

    def encode(self, tokens: Tensor, keep: Tensor | None = None) -> Tensor:
        x = self.project(tokens) + self.positions
        if keep is not None:
            x = torch.stack([row[k] for row, k in zip(x, keep, strict=True)])
        for block in self.encoder:
            x = block(x)
        return x

    def loss(self, channels: Tensor) -> Tensor:
        tokens = self.ours[0].tokenize(channels)
        half = tokens.shape[1] // 2
        keeps = [torch.randperm(half)[: int(half * 0.4)] for _ in channels]
        keep = torch.stack([torch.cat([k, k + half]) for k in keeps])
        encoded, rows, masked = self.encode(tokens, keep), [], torch.ones(tokens.shape[:2], dtype=torch.bool)
        for i, k in enumerate(keep):
            full = self.mask_token.repeat(tokens.shape[1], 1)
            full[k] = encoded[i]
            rows.append(full)
            masked[i, k] = False
        x = torch.stack(rows) + self.decoder_positions
        for block in self.decoder:
            x = block(x)
        return functional.mse_loss(self.predict(x)[masked], tokens[masked])


class PlainWiFo(nn.Module):
    """WiFo as its authors structure it: a convolution over all patches, then three masked passes one by one."""

    def __init__(self, ours: nn.Module) -> None:
        super().__init__()
        c, self.ours = ours.config, [ours]
        self.encoder, self.decoder = (
            nn.ModuleList(
                copy_block(PlainBlock("pre", c.width, c.heads, c.width // c.heads, c.width * c.mlp_ratio, 0.0), o)
                for o in side
            )
            for side in (ours.encoder, ours.decoder)
        )
        for blocks in (self.encoder, self.decoder):
            for block in blocks:
                block.norm1.eps = block.norm2.eps = 1e-6
        self.convolution = nn.Conv3d(2, c.width, c.patch, c.patch)
        kernel = ours.project.weight.data.view(c.width, *c.patch, 2).permute(0, 4, 1, 2, 3)
        self.convolution.weight.data.copy_(kernel)
        self.convolution.bias.data.copy_(ours.project.bias.data)
        self.norm, self.decoder_norm = nn.LayerNorm(c.width, eps=1e-6), nn.LayerNorm(c.width, eps=1e-6)
        self.bridge, self.predict = nn.Linear(c.width, c.width), nn.Linear(c.width, c.features)
        self.mask_token = nn.Parameter(torch.randn(c.width) * 0.02)

    def encode(self, channels: Tensor, keep: Tensor | None = None) -> Tensor:
        x = self.convolution(torch.stack([channels.real, channels.imag], dim=1)).flatten(2).transpose(1, 2)
        code = self.ours[0]._code(x, channels.shape[1:]).expand(len(x), -1, -1)
        if keep is not None:
            index = keep[..., None].expand(-1, -1, x.shape[-1])
            x, code = torch.gather(x, 1, index), torch.gather(code, 1, index)
        x = x + code
        for block in self.encoder:
            x = block(x)
        return self.norm(x)

    def loss(self, channels: Tensor) -> Tensor:
        model, shape, losses = self.ours[0], channels.shape[1:], []
        target = model.tokenize(channels)
        generator = torch.Generator().manual_seed(0)
        count = target.shape[1]
        masks = (
            wifo_objective.wifo_random(len(channels), count, generator),
            wifo_objective.wifo_time(len(channels), model.grid(shape)),
            wifo_objective.wifo_frequency(len(channels), model.grid(shape)),
        )
        for keep in masks:
            encoded = self.bridge(self.encode(channels, keep))
            blank = self.mask_token.repeat(len(channels), count - keep.shape[1], 1)
            order = torch.cat([keep, wifo_objective.complement(keep, count)], dim=1).argsort(dim=1)
            index = order[..., None].expand(-1, -1, encoded.shape[-1])
            x = torch.gather(torch.cat([encoded, blank], dim=1), 1, index) + model._code(target, shape)
            for block in self.decoder:
                x = block(x)
            error = (self.predict(self.decoder_norm(x)) - target).square().mean(-1)
            removed = torch.ones(target.shape[:2]).scatter(1, keep, 0)
            losses.append((error * removed).sum() / removed.sum())
        return torch.stack(losses).mean()


class Race:
    """Seconds of several steps, run in turn, so that a busy machine slows all alike."""

    def __init__(self, steps: Mapping[str, Callable[[], object]]) -> None:
        for step in steps.values():
            step()
        self.times: dict[str, list[float]] = {name: [] for name in steps}
        start = time.perf_counter()
        while len(self.times["plain"]) < MIN_ROUNDS or time.perf_counter() - start < MIN_SECONDS:
            for name, step in steps.items():
                before = time.perf_counter()
                step()
                self.times[name].append(time.perf_counter() - before)

    def column(self, name: str, batch: int) -> str:
        """Channels/s of plain and ``name`` at their median times, and the median over rounds of the ratio."""
        plain, ours = self.times["plain"], self.times[name]
        ratio = median(p / o for p, o in zip(plain, ours, strict=True))
        return f"{batch / median(plain):8.1f} {batch / median(ours):8.1f} {ratio:5.2f}x"


def training_step(model: nn.Module, loss: Callable[[], Tensor], fused: bool) -> Callable[[], None]:
    """Loss, backward pass and Adam."""
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-4, fused=fused)

    def step() -> None:
        optimiser.zero_grad()
        loss().backward()
        optimiser.step()

    return step


def compare(name: str, batch: int, shape: tuple[int, ...], plain_class: type, loss: Callable[..., Tensor]) -> None:
    """Print one line per precision for encoding and for a training step."""
    generator = torch.Generator().manual_seed(0)
    ours = build_published(name).eval()
    plain = plain_class(ours).eval()
    gains = torch.randn(batch, *shape, dtype=torch.complex64, generator=generator) * 1e-6
    csi = CSI(gains, ("sample", *("time", "antenna", "subcarrier")[-len(shape) :]))
    values = ours.prepared(csi)
    tokens = ours.tokenize(values)
    ids = ours.with_cls(tokens) if ours.has_cls else values if name.startswith("wifo") else tokens
    precisions = {"float32": torch.float32, "bfloat16": torch.bfloat16}

    def encode(precision: torch.dtype) -> Tensor:
        with cast(precision):
            return ours.encode(tokens, shape=shape)

    def own_loss(precision: torch.dtype) -> Tensor:
        with cast(precision):
            return loss(ours, csi, generator)

    with torch.no_grad():
        expected = plain.encode(ids)
        errors = {n: float((encode(p) - expected).norm() / expected.norm()) for n, p in precisions.items()}
        encoding = Race({"plain": partial(plain.encode, ids)} | {n: partial(encode, p) for n, p in precisions.items()})
    plain.train()
    ours.train()
    steps = {n: training_step(ours, partial(own_loss, p), fused=True) for n, p in precisions.items()}
    training = Race({"plain": training_step(plain, partial(plain.loss, values), fused=False)} | steps)
    for precision, error in errors.items():
        columns = f"encode {encoding.column(precision, batch)}  train {training.column(precision, batch)}"
        print(f"{name:10s} {batch:5d} {precision:9s} {columns}  error {error:.1e}", flush=True)


def cast(precision: torch.dtype) -> AbstractContextManager:
    """Autocast for bfloat16, nothing for float32."""
    return torch.autocast("cpu", precision) if precision == torch.bfloat16 else nullcontext()


def main() -> None:
    """Parse the options and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch", type=int, nargs="*", default=[1, 32, 256])
    parser.add_argument("--system", nargs="*", default=["lwm-1.0", "wimae", "wifo-tiny"])
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    systems = {
        "lwm-1.0": ((32, 32), PlainLWM, lwm_objective.loss),
        "wimae": ((32, 32), PlainWiMAE, wimae_objective.loss),
        "wifo-tiny": ((24, 16, 64), PlainWiFo, wifo_objective.loss),
    }
    print("channels/s: plain, ours, ratio; error: norm of the difference of the encodings over their norm")
    for name in options.system:
        for batch in options.batch:
            compare(name, batch, *systems[name])


if __name__ == "__main__":
    main()
