"""A small share of benchmarks/fuzz_readers.py with fixed seeds."""

import importlib.util
from pathlib import Path

import pytest

_SPEC = importlib.util.spec_from_file_location(
    "fuzz_readers", Path(__file__).resolve().parents[2] / "benchmarks" / "fuzz_readers.py"
)
fuzz = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(fuzz)


@pytest.mark.parametrize("name", fuzz.FORMATS)
def test_damaged_files_give_the_clear_error_or_are_read(name):
    if name.startswith("wifi-log"):
        pytest.importorskip("csiread", reason="the extra 'wifi' is not installed")
    ended, crashes = fuzz.try_format(name, rounds=12, seed=0)
    assert not crashes, "\n".join(crashes)
    assert sum(ended.values()) == 24 and ended["read refused"] > 0


def test_every_reader_is_fuzzed():
    assert {reader for _, reader, _ in fuzz.FORMATS.values()} == set(fuzz.READERS)
