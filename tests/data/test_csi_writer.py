"""A CSI written part by part is the folder that CSI.save writes."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
import torch

from wirelessfm.csi import CSI, CSIMeta
from wirelessfm.data.csi_writer import CsiWriter
from wirelessfm.errors import WirelessFMError

SHARD_BYTES = 500


def _csi(n: int = 23, seed: int = 0) -> CSI:
    g = torch.Generator().manual_seed(seed)
    labels = {"los": torch.randint(2, (n,), generator=g) == 1, "position_m": torch.rand(n, 3, generator=g)}
    return CSI(
        torch.randn(n, 3, 4, dtype=torch.complex64, generator=g),
        ("sample", "antenna", "subcarrier"),
        coords={"antenna": torch.zeros(3, 3), "subcarrier": torch.arange(4, dtype=torch.float64)},
        labels=labels,
        meta=CSIMeta(3.5e9, "a test", "none", {"pair": (1, 2)}),
    )


def _files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("per", [None, "sample", "dataset"])
@pytest.mark.parametrize("cuts", [(0, 23), (0, 1, 10, 23)])
def test_same_bytes_as_saving_the_whole(tmp_path: Path, per: str | None, cuts: tuple[int, ...]) -> None:
    csi = _csi().normalise(per) if per else _csi()
    csi.save(tmp_path / "whole", shard_bytes=SHARD_BYTES)
    writer = CsiWriter(tmp_path / "parts", csi.meta, SHARD_BYTES)
    for start, stop in pairwise(cuts):
        writer.append(csi[start:stop])
    writer.finish()
    assert _files(tmp_path / "parts") == _files(tmp_path / "whole")
    assert len(_files(tmp_path / "parts")) > 5
    assert sorted(path.name for path in tmp_path.iterdir()) == ["parts", "whole"]


def test_goes_on_after_a_kill_in_the_middle_of_a_part(tmp_path: Path) -> None:
    csi = _csi()
    csi.save(tmp_path / "whole")
    CsiWriter(tmp_path / "parts", csi.meta).append(csi[:10])
    with open(tmp_path / "parts.partial" / "values.raw", "ab") as stream:
        stream.write(b"half a part")
    again = CsiWriter(tmp_path / "parts", csi.meta)
    assert (again.n_parts, again.n_samples) == (1, 10)
    again.append(csi[10:])
    again.finish()
    assert _files(tmp_path / "parts") == _files(tmp_path / "whole")


def test_a_kill_during_the_first_part_starts_over(tmp_path: Path) -> None:
    csi = _csi()
    CsiWriter(tmp_path / "parts", csi.meta).append(csi)
    (tmp_path / "parts.partial" / "record.json").unlink()
    writer = CsiWriter(tmp_path / "parts", csi.meta)
    writer.append(csi)
    writer.finish()
    assert CSI.load(tmp_path / "parts").fingerprint() == csi.fingerprint()


def test_parts_must_fit(tmp_path: Path) -> None:
    csi = _csi()
    writer = CsiWriter(tmp_path / "parts", csi.meta)
    with pytest.raises(WirelessFMError, match="nothing was appended"):
        writer.finish()
    writer.append(csi)
    for wrong, message in (
        (csi.isel(antenna=[0]), "sizes differ"),
        (replace(csi, labels={}), "labels differ"),
        (replace(csi, meta=CSIMeta(1e9)), "metadata"),
        (replace(csi, values=csi.values.permute(1, 0, 2), axes=("antenna", "sample", "subcarrier")), "first axis"),
        (csi[:0], "first axis"),
    ):
        with pytest.raises(WirelessFMError, match=message):
            writer.append(wrong)
    assert writer.n_samples == len(csi)


def test_refuses_the_parts_of_something_else_and_damaged_ones(tmp_path: Path) -> None:
    csi = _csi()
    CsiWriter(tmp_path / "parts", csi.meta).append(csi)
    with pytest.raises(WirelessFMError, match="something else"):
        CsiWriter(tmp_path / "parts", CSIMeta(1e9))
    (tmp_path / "parts.partial" / "values.raw").write_bytes(b"short")
    with pytest.raises(WirelessFMError, match="damaged"):
        CsiWriter(tmp_path / "parts", csi.meta)


def test_refuses_an_existing_folder(tmp_path: Path) -> None:
    with pytest.raises(WirelessFMError, match="already exists"):
        CsiWriter(tmp_path, CSIMeta())


def test_the_card_is_plain_json(tmp_path: Path) -> None:
    csi = _csi()
    writer = CsiWriter(tmp_path / "parts", csi.meta)
    writer.append(csi)
    writer.finish()
    assert json.loads((tmp_path / "parts" / "card.json").read_text())["fingerprint"] == csi.fingerprint()
