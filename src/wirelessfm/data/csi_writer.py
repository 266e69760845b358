"""CSI to disk part by part: the folder that CSI.save would write, without the whole ever being in memory.

Parts are appended to raw files in ``FOLDER.partial``; a record of how many entries are complete is replaced after
each part, so a killed program goes on after its last complete part. :meth:`CsiWriter.finish` turns the raw files
into the shards, card and checksums of an ordinary CSI folder.
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from wirelessfm import csi_files
from wirelessfm.csi import CSI, CSIMeta, concatenate_csi
from wirelessfm.errors import WirelessFMError
from wirelessfm.files import read_json, write_json

TEMPLATE, RECORD = "template", "record.json"


class CsiWriter:
    """Appends CSI along ``sample``; needs twice the disk space of the result while it works.

    Args:
        folder: the result; must not exist.
        meta: what every part must carry. Parts left by an interrupted writer are kept if they carry the same.
        shard_bytes: as in :meth:`wirelessfm.csi.CSI.save`.

    Attributes:
        n_parts: complete parts, those of an earlier, interrupted run included: go on with this one.
        n_samples: samples in these parts.

    Raises:
        WirelessFMError: ``folder`` exists, or parts of something else are in ``FOLDER.partial``.
    """

    def __init__(self, folder: str | os.PathLike[str], meta: CSIMeta, shard_bytes: int = 2**28) -> None:
        self.folder, self.meta, self.shard_bytes = Path(folder), meta, shard_bytes
        self.partial = self.folder.with_name(self.folder.name + ".partial")
        self.n_parts, self.n_samples = 0, 0
        self._template: CSI | None = None
        if self.folder.exists():
            raise WirelessFMError(f"'{self.folder}' already exists; choose another name")
        if (self.partial / RECORD).is_file():
            self._resume()
        else:
            # Killed before its first part was complete, or never started.
            shutil.rmtree(self.partial, ignore_errors=True)

    def append(self, csi: CSI) -> None:
        """Add the samples of ``csi``.

        Raises:
            WirelessFMError: ``sample`` is not the first axis, or axes, sizes, coordinates, label names, metadata or
                normalisations differ from the parts before.
        """
        if csi.axes[:1] != ("sample",) or len(csi) == 0:
            raise WirelessFMError(f"parts need samples along the first axis, found {csi!r}; permute the axes first")
        if _as_json(csi.meta) != _as_json(self.meta):
            raise WirelessFMError(f"the part's metadata are {csi.meta}, expected {self.meta}; write them separately")
        if self._template is None:
            self._template = csi[:1]
            self._template.save(self.partial / TEMPLATE, overwrite=True)
        else:
            concatenate_csi([self._template, csi[:1]])
        for name, rows in csi_files.to_numpy(_per_sample(csi)).items():
            with open(self.partial / f"{name}.raw", "ab") as stream:
                np.ascontiguousarray(rows).tofile(stream)
        self.n_parts, self.n_samples = self.n_parts + 1, self.n_samples + len(csi)
        record = {"n_parts": self.n_parts, "n_samples": self.n_samples, "meta": asdict(self.meta)}
        write_json(self.partial / RECORD, record)

    def finish(self) -> None:
        """Make ``folder`` appear, complete, and remove the parts.

        Raises:
            WirelessFMError: nothing was appended.
        """
        if self._template is None:
            raise WirelessFMError(f"nothing was appended to '{self.folder}'")
        parts = self._template._parts()
        mapped = {n: self._map(n, v[0]) for n, v in csi_files.to_numpy(_per_sample(self._template)).items()}
        parts["arrays"] = parts["arrays"] | {name: torch.from_numpy(array) for name, array in mapped.items()}
        arrays = csi_files.to_numpy(parts["arrays"])
        content = csi_files.fingerprint(parts["axes"], arrays["values"].shape, arrays.items())
        csi_files.save(parts, content, self.folder, False, self.shard_bytes)
        shutil.rmtree(self.partial, ignore_errors=True)

    def _map(self, name: str, row: np.ndarray) -> np.ndarray:
        shape = (self.n_samples, *row.shape)
        return np.memmap(self.partial / f"{name}.raw", dtype=row.dtype, mode="c", shape=shape)

    def _resume(self) -> None:
        record = read_json(self.partial / RECORD)
        if record["meta"] != _as_json(self.meta):
            raise WirelessFMError(
                f"'{self.partial}' holds parts of something else ({record['meta']}); expected {asdict(self.meta)}. "
                "Finish that first, remove the folder or choose another name"
            )
        self.n_parts, self.n_samples = record["n_parts"], record["n_samples"]
        self._template = CSI.load(self.partial / TEMPLATE)
        for name, row in csi_files.to_numpy(_per_sample(self._template)).items():
            _cut(self.partial / f"{name}.raw", self.n_samples * row.nbytes)


def _cut(path: Path, n_bytes: int) -> None:
    """Drop what was being appended when the program was killed."""
    found = path.stat().st_size if path.is_file() else 0
    if found < n_bytes:
        raise WirelessFMError(f"'{path}' is damaged: expected {n_bytes} bytes, found {found}; remove its folder")
    os.truncate(path, n_bytes)


def _per_sample(csi: CSI) -> dict[str, torch.Tensor]:
    """The arrays with one row per sample."""
    scales = {f"scale-{i}": h.scale for i, h in enumerate(csi.history) if h.scale.dim()}
    return {"values": csi.values, **{f"label-{k}": v for k, v in csi.labels.items()}, **scales}


def _as_json(meta: CSIMeta) -> dict[str, Any]:
    return dict(json.loads(json.dumps(asdict(meta))))
