from __future__ import annotations

import errno
from pathlib import Path

import pytest

from wirelessfm import WirelessFMError
from wirelessfm.errors import missing_extra, unknown_name
from wirelessfm.files import atomic_file, atomic_folder


def leftovers(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(KeyboardInterrupt), atomic_file(target) as path:
        path.write_text("half")
        raise KeyboardInterrupt
    assert target.read_text() == "old" and leftovers(tmp_path) == ["a.txt"]


def test_a_failed_folder_leaves_the_old_one(tmp_path) -> None:
    with atomic_folder(tmp_path / "f") as fresh:
        (fresh / "x").write_text("old")
    with pytest.raises(RuntimeError), atomic_folder(tmp_path / "f", overwrite=True) as fresh:
        (fresh / "x").write_text("half")
        raise RuntimeError
    assert (tmp_path / "f" / "x").read_text() == "old" and leftovers(tmp_path) == ["f"]


def test_a_full_disk_is_one_clear_error(tmp_path) -> None:
    with pytest.raises(WirelessFMError, match=r"cannot write .*a\.txt.*No space left"), atomic_file(tmp_path / "a.txt"):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert leftovers(tmp_path) == []


def test_a_file_where_a_folder_should_be_is_one_clear_error(tmp_path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(WirelessFMError, match="cannot write"), atomic_file(tmp_path / "file" / "a.txt"):
        pass


def test_unknown_names_list_the_known_and_the_nearest() -> None:
    message = str(unknown_name("model", "lvm", ["lwm", "wifo"]))
    assert message == "unknown model 'lvm'. Did you mean 'lwm'? Known: lwm, wifo"
    assert "wirelessfm[rt]" in str(missing_extra("sionna-rt", "rt"))
