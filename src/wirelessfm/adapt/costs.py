"""What a prediction costs: multiply-accumulates, time and memory, measured where the predictions are made."""

from __future__ import annotations

import statistics
import time
import weakref
from collections.abc import Callable
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from wirelessfm.csi import CSI

BATCHES = (1, 32)
_REPEATS, _SECONDS = 9, 0.3


def measure_costs(predict: Callable[[CSI], Any], csi: CSI) -> dict[str, float]:
    """Costs of ``predict`` on samples of ``csi``.

    Args:
        predict: CSI to anything, such as an encoder's features or a network's scores.
        csi: at least one sample; batches repeat samples where there are too few.

    Returns:
        ``macs`` of one sample in matrix products and convolutions of PyTorch (half of the floating-point operations
        its counter finds; left out where it finds none, as for methods outside PyTorch); ``latency_ms_1`` and
        ``latency_ms_32``, milliseconds a sample in batches of 1 and 32, median of up to 9 runs after one to warm up;
        ``peak_mb``, the most memory PyTorch held beside the input in a batch of 32.
    """
    batches = {n: csi[torch.arange(n) % len(csi)] for n in BATCHES}
    costs = {f"latency_ms_{n}": 1e3 * _median_seconds(predict, batch) / n for n, batch in batches.items()}
    with FlopCounterMode(display=False) as counter:
        predict(batches[1])
    if counter.get_total_flops():
        costs["macs"] = counter.get_total_flops() / 2
    return costs | {"peak_mb": _peak_bytes(predict, batches[BATCHES[-1]]) / 1e6}


def _median_seconds(predict: Callable[[CSI], Any], batch: CSI) -> float:
    predict(batch)
    seconds: list[float] = []
    while len(seconds) < _REPEATS and sum(seconds) < _SECONDS:
        start = time.perf_counter()
        predict(batch)
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def _peak_bytes(predict: Callable[[CSI], Any], batch: CSI) -> int:
    with _HeldMemory() as memory:
        predict(batch)
    return memory.peak


class _HeldMemory(TorchDispatchMode):
    """Counts the bytes of every storage made inside, until it is freed."""

    def __init__(self) -> None:
        super().__init__()
        self.held, self.peak = 0, 0
        self._alive: set[int] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        for value in tree_leaves(result):
            if isinstance(value, torch.Tensor):
                self._add(value.untyped_storage())
        return result

    def _add(self, storage: torch.UntypedStorage) -> None:
        key, size = storage._cdata, storage.nbytes()
        if key in self._alive:
            return
        self._alive.add(key)
        self.held += size
        self.peak = max(self.peak, self.held)
        weakref.finalize(storage, self._free, key, size)

    def _free(self, key: int, size: int) -> None:
        self._alive.discard(key)
        self.held -= size
