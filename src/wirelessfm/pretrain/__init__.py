"""Pretraining: the loop, one step of it, the optimisers, and what a run keeps."""

from wirelessfm.pretrain.loop import Hardware, pretrain, pretrained, rehearsal, spread_steps
from wirelessfm.pretrain.optimizers import build_optimizers, learning_rate
from wirelessfm.pretrain.step import PretrainStep, batch_generator, feeds, input_scaling

__all__ = [
    "Hardware",
    "PretrainStep",
    "batch_generator",
    "build_optimizers",
    "feeds",
    "input_scaling",
    "learning_rate",
    "pretrain",
    "pretrained",
    "rehearsal",
    "spread_steps",
]
