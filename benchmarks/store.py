"""Shuffled batches out of a CSI folder: our store beside h5py and zarr, chunked by sample, and memory-mapped shards.

All read the same batches of the same samples on the same disk, one after the other in every round of this process, the
memory maps from the very files of the store; a ratio is the median over the rounds. Ours gives checked CSI tensors, the
others bare arrays. h5py is asked in ascending order, which it needs, and shuffled back; a contender that is not
installed is left out. Memory is what the first pass of a contender added to the process: its own, and pages of files
it holds. The page cache is the system's.

Run: python benchmarks/store.py [--gigabytes 0.5] [--shape 24,16,64] [--batch 64] [--rounds 5] [--only store,mmap]
"""

from __future__ import annotations

import argparse
import math
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch

from wirelessfm import csi_files
from wirelessfm.data.store import CsiStore
from wirelessfm.files import write_json

N_BATCHES, SHARD_BYTES = 100, 2**28
Read = Callable[[np.ndarray], Any]
Shape = tuple[int, ...]


def blocks(shape: Shape) -> Iterator[tuple[int, np.ndarray]]:
    """First sample and values of one shard after the other, the same at every call."""
    rows = max(1, SHARD_BYTES // (8 * math.prod(shape[1:])))
    for start in range(0, shape[0], rows):
        n = min(rows, shape[0] - start)
        parts = np.random.default_rng(start).standard_normal((n, *shape[1:], 2), np.float32)
        yield start, parts.view(np.complex64)[..., 0]


def write_shards(folder: Path, shape: Shape) -> Path:
    """A CSI folder, written once, with never more than a shard in memory; checksums are left out."""
    if folder.exists():
        return folder
    folder.mkdir()
    files = {}
    for number, (_, values) in enumerate(blocks(shape)):
        path = folder / f"values-{number:05d}.npy"
        np.save(path, values)
        files[path.name] = {"bytes": path.stat().st_size, "sha256": ""}
    card = {"axes": ["sample", "time", "antenna", "subcarrier"], "shape": list(shape), "history": [], "meta": {}}
    write_json(folder / "card.json", {**card, "kind": csi_files.KIND, "files": files})
    return folder


def ours(folder: Path, shape: Shape) -> Read:
    """Our store."""
    return CsiStore(write_shards(folder / "store", shape)).__getitem__


def mapped(folder: Path, shape: Shape) -> Read:
    """The shards mapped into memory for good, one fancy index a shard."""
    files = sorted(write_shards(folder / "store", shape).glob("values-*.npy"))
    maps = [np.load(path, mmap_mode="r") for path in files]
    rows = len(maps[0])

    def read(index: np.ndarray) -> np.ndarray:
        batch = np.empty((len(index), *shape[1:]), np.complex64)
        for number in np.unique(index // rows):
            here = index // rows == number
            batch[here] = maps[number][index[here] % rows]
        return batch

    return read


def hdf5(folder: Path, shape: Shape) -> Read:
    """One HDF5 variable, a chunk a sample."""
    file = h5py.File(folder / "values.h5", "w")
    variable = file.create_dataset("values", shape, np.complex64, chunks=(1, *shape[1:]))
    for start, values in blocks(shape):
        variable[start : start + len(values)] = values
    file.flush()

    def read(index: np.ndarray) -> np.ndarray:
        order = np.argsort(index)
        batch = np.empty((len(index), *shape[1:]), np.complex64)
        batch[order] = variable[index[order]]
        return batch

    return read


def zarr_array(folder: Path, shape: Shape) -> Read | None:
    """One uncompressed zarr array, a chunk a sample; None if zarr is not installed."""
    try:
        import zarr
    except ImportError:
        print("zarr is not installed: left out")
        return None
    array = zarr.create_array(
        str(folder / "values.zarr"), shape=shape, chunks=(1, *shape[1:]), dtype="complex64", compressors=None
    )
    for start, values in blocks(shape):
        array[start : start + len(values)] = values
    return lambda index: array.oindex[index]


CONTENDERS: dict[str, Callable[[Path, Shape], Read | None]] = {
    "store": ours,
    "mmap": mapped,
    "h5py": hdf5,
    "zarr": zarr_array,
}


def resident_mb() -> tuple[float, float]:
    """Memory of this process: its own, and pages of files it holds."""
    lines = Path("/proc/self/status").read_text().splitlines()
    found = {line.split(":")[0]: line.split()[1] for line in lines if line.startswith("Rss")}
    return int(found["RssAnon"]) / 1e3, int(found["RssFile"]) / 1e3


def seconds(read: Read, batches: list[np.ndarray]) -> np.ndarray:
    """Seconds on the clock and of processor time of this process (threads add up) for all batches."""
    start = np.array([time.perf_counter(), time.process_time()])
    for index in batches:
        read(index)
    return np.array([time.perf_counter(), time.process_time()]) - start


def main() -> None:
    """Print one line per contender."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gigabytes", type=float, default=0.5)
    parser.add_argument("--shape", default="24,16,64", help="time, antennas, subcarriers")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default=",".join(CONTENDERS))
    parser.add_argument("--folder", type=Path, help="on the disk to measure; default: the system's temporary folder")
    options = parser.parse_args()
    torch.set_num_threads(1)
    inner = tuple(int(n) for n in options.shape.split(","))
    shape = (int(options.gigabytes * 1e9 / (8 * math.prod(inner))), *inner)
    rng = np.random.default_rng(0)
    passes = [
        [rng.choice(shape[0], options.batch, replace=False) for _ in range(N_BATCHES)] for _ in range(options.rounds)
    ]
    read_gb = N_BATCHES * options.batch * 8 * math.prod(inner) / 1e9
    print(f"{N_BATCHES} batches of {options.batch} samples {inner}, {read_gb:.2f} GB, out of {options.gigabytes} GB")
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        made = {name: CONTENDERS[name](Path(folder), shape) for name in options.only.split(",")}
        readers = {name: read for name, read in made.items() if read is not None}
        spent: dict[str, list[np.ndarray]] = {name: [] for name in readers}
        for number, batches in enumerate(passes):
            for name, read in readers.items():
                before = resident_mb()
                spent[name].append(seconds(read, batches))
                if number == 0:
                    own, files = (now - then for now, then in zip(resident_mb(), before, strict=True))
                    print(f"{name:6s} first pass {spent[name][0][0]:7.3f} s, {own:+8.1f} MB own {files:+8.1f} MB files")
    for name, times in spent.items():
        clock, processor = np.median(times, axis=0)
        line = f"{name:6s} {clock:7.3f} s, {read_gb / clock:6.2f} GB/s, processor {processor:7.3f} s"
        if "store" in spent:
            ratios = np.median(np.array(times) / np.array(spent["store"]), axis=0)
            line += f"; the store's time x {ratios[0]:.1f}, processor x {ratios[1]:.1f}"
        print(line)
    own, files = resident_mb()
    print(f"resident at the end: {own:.0f} MB own, {files:.0f} MB files (libraries and maps)")


if __name__ == "__main__":
    main()
