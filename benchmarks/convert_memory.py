"""Peak memory and speed of converting files larger than memory should hold.

    python benchmarks/convert_memory.py --gigabytes 2 --folder /somewhere/with/space

Each conversion runs in its own process; the figure is the peak resident size of the whole process, imports included.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import h5py
import numpy as np

ANTENNAS, SUBCARRIERS, ROWS = 32, 64, 2048
_PROGRAM = (
    "import sys, resource\n"
    "from wirelessfm.data.convert import convert\n"
    "convert(sys.argv[1], sys.argv[2], progress=False)\n"
    "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)"
)


def blocks(n_samples: int):
    dice = np.random.default_rng(0)
    for start in range(0, n_samples, ROWS):
        shape = (min(ROWS, n_samples - start), 1, ANTENNAS, SUBCARRIERS)
        yield start, dice.standard_normal((*shape, 2), dtype=np.float32).view(np.complex64)[..., 0]


def write_npz(path: Path, n_samples: int, compression: int) -> None:
    header = {"descr": "<c8", "fortran_order": False, "shape": (n_samples, 1, ANTENNAS, SUBCARRIERS)}
    with (
        zipfile.ZipFile(path, "w", compression) as archive,
        archive.open("channels.npy", "w", force_zip64=True) as stream,
    ):
        np.lib.format.write_array_header_1_0(stream, header)
        for _, block in blocks(n_samples):
            stream.write(block.tobytes())


def write_v73(path: Path, n_samples: int) -> None:
    """(sample, time=1, antenna, subcarrier) in MATLAB, so samples are innermost in the file."""
    record = np.dtype([("real", "<f4"), ("imag", "<f4")])
    with h5py.File(path, "w") as file:
        shape = (SUBCARRIERS, ANTENNAS, 1, n_samples)
        data = file.create_dataset("X_val", shape, record, chunks=(8, 8, 1, 2048))
        for start, block in blocks(n_samples):
            data[..., start : start + len(block)] = np.ascontiguousarray(block.T).view(record)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gigabytes", type=float, default=2.0)
    parser.add_argument("--folder", default=None, help="where to write (three times the size)")
    arguments = parser.parse_args()
    n_samples = int(arguments.gigabytes * 1e9 / (8 * ANTENNAS * SUBCARRIERS))
    writers = {
        "a.npz": lambda path: write_npz(path, n_samples, zipfile.ZIP_STORED),
        "b.npz (deflated)": lambda path: write_npz(path, n_samples, zipfile.ZIP_DEFLATED),
        "c.mat (v7.3)": lambda path: write_v73(path, n_samples),
    }
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        for name, write in writers.items():
            source = Path(folder) / name.split()[0]
            write(source)
            start = time.perf_counter()
            command = [sys.executable, "-c", _PROGRAM, source, Path(folder) / "out"]
            run = subprocess.run(command, capture_output=True, text=True, check=True)
            seconds, size = time.perf_counter() - start, source.stat().st_size / 1e9
            speed = size / seconds * 1e3
            print(f"{name:18s} {size:.2f} GB: peak {float(run.stdout):.0f} MB, {seconds:.0f} s, {speed:.0f} MB/s")
            subprocess.run(["rm", "-r", source, Path(folder) / "out"], check=True)


if __name__ == "__main__":
    main()
