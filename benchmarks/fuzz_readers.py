"""Damage small files of every format and read them: only WirelessFMError may come out.

    python benchmarks/fuzz_readers.py --per-format 500 --seed 0

Each format runs in its own process, so that a crash of a foreign parser (segmentation fault, out of memory) is counted
and not fatal. The files are written in the published layouts by ``tests/data/readers/reader_layouts.py``.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tests.data.readers import reader_layouts as layouts

from wirelessfm.data.inspect import inspect_file
from wirelessfm.data.readers import READERS
from wirelessfm.errors import WirelessFMError
from wirelessfm.signal import OFDM


def _zipped_v4(folder: Path) -> Path:
    inside = layouts.deepmimo_v4(folder / "inside")
    archive = layouts.zipped(inside, folder / "city.zip")
    shutil.rmtree(inside)
    return archive


def _with_card(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(folder / "m.npz", h=layouts.random_complex(4, 3, 5), day=np.arange(4))
    card = {"array": "h", "axes": ["sample", "antenna", "subcarrier"], "labels": {"day": "day"}, "carrier_hz": 1e9}
    (folder / "m.npz.card.yaml").write_text(yaml.safe_dump(card), encoding="utf-8")
    return folder / "m.npz"


# name: (how to write it, entry of READERS, arguments)
FORMATS: dict[str, tuple[Callable[[Path], Path], str, dict]] = {
    "card": (_with_card, "card", {}),
    "csinet": (layouts.csinet, "csinet", {}),
    "deepmimo-v3": (layouts.deepmimo_v3, "deepmimo-v3", {}),
    "deepmimo-v4 npz": (layouts.deepmimo_v4, "deepmimo-v4", {}),
    "deepmimo-v4 mat": (lambda folder: layouts.deepmimo_v4(folder, kind="mat"), "deepmimo-v4", {}),
    "deepmimo-v4 zip": (_zipped_v4, "deepmimo-v4", {}),
    "esp32-har": (layouts.esp32_har, "esp32-har", {}),
    "intel5300-loc8": (layouts.intel5300_loc8, "intel5300-loc8", {}),
    "llm4cp": (layouts.llm4cp, "llm4cp", {}),
    "nist-qd": (layouts.nist_qd, "nist-qd", {}),
    "nist-qd plain": (lambda folder: layouts.nist_qd(folder, packed=False), "nist-qd", {}),
    "openofdm-iq": (layouts.openofdm_iq, "openofdm-iq", {"name": "conducted_11a_6"}),
    "quadriga": (layouts.quadriga, "quadriga", {"ofdm": OFDM(4, 1e5)}),
    "raw-iq": (lambda folder: layouts.raw_iq(folder, "cf32"), "raw-iq", {}),
    "remcom-text": (layouts.remcom_text, "remcom-text", {}),
    "sigmf": (layouts.sigmf, "sigmf", {}),
    "uwb-cir": (layouts.uwb_cir, "uwb-cir", {}),
    "wifi-log esp32": (lambda folder: layouts.esp32_log(folder)[0], "wifi-log", {}),
    "wifi-log intel": (lambda folder: layouts.intel5300_log(folder)[0], "wifi-log", {}),
    "wifi-log nexmon": (lambda folder: layouts.nexmon_log(folder)[0], "wifi-log", {"nexmon_bandwidth_mhz": 20}),
    "wifo v7.3": (layouts.wifo, "wifo", {}),
    "wifo v5": (lambda folder: layouts.wifo(folder, v73=False), "wifo", {}),
    "wimae": (layouts.wimae, "wimae", {}),
}


def damage(root: Path, dice: random.Random) -> str:
    """Damage one file below ``root`` in one way; returns what was done."""
    file = dice.choice(sorted(f for f in root.rglob("*") if f.is_file()))
    ways = [_truncate, _flip, _blank, _insert, _empty, _remove, _foreign]
    if file.suffix == ".npz":
        ways += [_replace_array] * 5
    if file.suffix in (".json", ".sigmf-meta", ".yaml"):
        ways += [_replace_value] * 5
    if file.suffix == ".txt":
        ways += [_replace_word] * 5
    way = dice.choice(ways)
    try:
        way(file, dice)
    except Exception:
        # A structured change needs a readable file; after an earlier damage any bit will do.
        way = _flip
        way(file, dice)
    return f"{way.__name__[1:]} {file.name}"


def _truncate(file: Path, dice: random.Random) -> None:
    content = file.read_bytes()
    file.write_bytes(content[: dice.randrange(len(content) or 1)])


def _flip(file: Path, dice: random.Random) -> None:
    content = bytearray(file.read_bytes())
    for _ in range(dice.choice((1, 4, 32))):
        if content:
            content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)
    file.write_bytes(content)


def _blank(file: Path, dice: random.Random) -> None:
    content = bytearray(file.read_bytes())
    start = dice.randrange(len(content) or 1)
    length = min(dice.choice((4, 64, 512)), len(content) - start)
    content[start : start + length] = dice.choice((b"\x00", b"\xff")) * length
    file.write_bytes(content)


def _insert(file: Path, dice: random.Random) -> None:
    content = file.read_bytes()
    place = dice.randrange(len(content) + 1)
    file.write_bytes(content[:place] + dice.randbytes(dice.choice((1, 8, 200))) + content[place:])


def _empty(file: Path, dice: random.Random) -> None:
    file.write_bytes(b"")


def _remove(file: Path, dice: random.Random) -> None:
    file.unlink()


def _foreign(file: Path, dice: random.Random) -> None:
    file.write_bytes(
        dice.choice((b"\x80\x04\x95", b"PK\x03\x04", b"\x89HDF\r\n\x1a\n", b"MATLAB 5.0", b"{}")) + dice.randbytes(300)
    )


def _replace_array(file: Path, dice: random.Random) -> None:
    """One array of an npz gets another content, type, shape or name."""
    with np.load(file) as loaded:
        arrays = dict(loaded)
    name = dice.choice(sorted(arrays))
    old = arrays.pop(name)
    changed = {
        "gone": None,
        "objects": np.array([{"a": 1}, None], dtype=object),
        "text": np.full(old.shape, "x"),
        "times": np.full(old.shape, "2020-01-01", dtype="datetime64[D]"),
        "record": np.zeros(old.shape, dtype=[("a", "f4"), ("b", "i2")]),
        "nan": np.full(old.shape, np.nan),
        "huge": np.full(old.shape, 1e300),
        "integers": np.zeros(old.shape, np.int64),
        "complex": np.ones(old.shape, np.complex128) * 1j,
        "flags": np.ones(old.shape, bool),
        "transposed": old.T,
        "scalar": np.float64(3.0),
        "no entries": old[:0],
        "one less": old[:-1],
        "deeper": old[None],
        "flat": old.reshape(-1),
    }
    new = changed[dice.choice(sorted(changed))]
    if new is not None:
        arrays[name] = new
    np.savez(file, **arrays)


def _replace_value(file: Path, dice: random.Random) -> None:
    """One value anywhere in a JSON or YAML document becomes something else."""
    text = file.read_text(encoding="utf-8")
    documents = (
        [yaml.safe_load(text)] if file.suffix == ".yaml" else [json.loads(line) for line in text.splitlines() if line]
    )
    holder = dice.choice(documents)
    while True:
        key = dice.choice(sorted(holder)) if isinstance(holder, dict) else dice.randrange(len(holder))
        child = holder[key]
        if not isinstance(child, dict | list) or not child or dice.random() < 0.3:
            break
        holder = child
    odd = [None, "", "nan", float("nan"), float("inf"), -1, 0, 10**30, [], {}, [[1]], [1, "a"], True, "../../x"]
    if isinstance(holder, dict) and dice.random() < 0.3:
        holder[dice.choice(("colour", key[::-1]))] = holder.pop(key)
    else:
        holder[key] = dice.choice(odd)
    dump = yaml.safe_dump if file.suffix == ".yaml" else json.dumps
    file.write_text("\n".join(dump(document) for document in documents) + "\n", encoding="utf-8")


def _replace_word(file: Path, dice: random.Random) -> None:
    words = file.read_text(encoding="utf-8").split(" ")
    words[dice.randrange(len(words))] = dice.choice(("", "nan", "inf", "x", "1e400", "<ue>", "\n", "1 2"))
    file.write_text(" ".join(words), encoding="utf-8")


def try_format(name: str, rounds: int, seed: int) -> tuple[Counter[str], list[str]]:
    """Read ``rounds`` damaged files of one format: how they ended, and every other crash in words."""
    write, reader, options = FORMATS[name]
    ended: Counter[str] = Counter()
    crashes = []
    with tempfile.TemporaryDirectory() as folder:
        template = write(Path(folder) / "template")
        READERS[reader](template, **options)
        relative = template.relative_to(Path(folder) / "template")
        for number in range(rounds):
            dice = random.Random(f"{name} {seed} {number}")
            copy = Path(folder) / "copy"
            shutil.copytree(Path(folder) / "template", copy)
            done = "; ".join(_damage_if_any(copy, dice) for _ in range(dice.choice((1, 1, 2))))
            for what, read in (("read", READERS[reader]), ("inspect", inspect_file)):
                try:
                    read(copy / relative, **(options if what == "read" else {}))
                    ended[f"{what} accepted"] += 1
                except WirelessFMError:
                    ended[f"{what} refused"] += 1
                except Exception as error:
                    crashes.append(f"{name} seed {seed} number {number} ({done}): {what}: {error!r}")
            shutil.rmtree(copy)
    return ended, crashes


def _damage_if_any(root: Path, dice: random.Random) -> str:
    return damage(root, dice) if any(f.is_file() for f in root.rglob("*")) else "nothing left"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--per-format", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=sorted(FORMATS), help="one format, in this process")
    arguments = parser.parse_args()
    if arguments.only:
        ended, crashes = try_format(arguments.only, arguments.per_format, arguments.seed)
        print(json.dumps({"ended": ended, "crashes": crashes}))
        return
    crashes = []
    without_logs = find_spec("csiread") is None
    if without_logs:
        print("Wi-Fi logs not tried: the extra 'wifi' is not installed")
    for name in [n for n in FORMATS if not (without_logs and n.startswith("wifi-log"))]:
        command = [
            sys.executable,
            __file__,
            "--only",
            name,
            "--per-format",
            str(arguments.per_format),
            "--seed",
            str(arguments.seed),
        ]
        run = subprocess.run(command, capture_output=True, text=True, timeout=3600)
        if run.returncode:
            reason = run.stderr.strip().splitlines()[-1:] or ["no message"]
            print(f"{name:16s} the process ended with {run.returncode}: {reason[0]}")
            crashes.append(name)
            continue
        result = json.loads(run.stdout.splitlines()[-1])
        crashes += result["crashes"]
        print(f"{name:16s} {result['ended']}", *result["crashes"], sep="\n  ")
    print(f"mutated files tried: {arguments.per_format * len(FORMATS)}, other crashes (must be 0): {len(crashes)}")
    sys.exit(bool(crashes))


if __name__ == "__main__":
    main()
