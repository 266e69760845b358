"""Paths: the multipath of many users of one base station at one carrier. The corpus consists of these.

Angles are in the global frame of the scene (x east, y north, z up): azimuth counter-clockwise from x, elevation
upwards from the horizon. A departure angle points from the base station towards where the path leaves; an
arrival angle points from the user towards where the path comes from. So on a line-of-sight path both
directions lie on the straight line between the two.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from wirelessfm.arraystore import read_arrays, read_card, write_arrays
from wirelessfm.errors import WirelessFMError

KIND = "wirelessfm.paths/1"
LOS, NLOS, NO_PATH = 1, 0, -1
SPEED_OF_LIGHT_M_PER_S = 299_792_458.0

_PER_PATH = {
    "gain": torch.complex64,
    "delay_s": torch.float32,
    "departure_azimuth_rad": torch.float32,
    "departure_elevation_rad": torch.float32,
    "arrival_azimuth_rad": torch.float32,
    "arrival_elevation_rad": torch.float32,
}
_OPTIONAL_PER_PATH = {"doppler_hz": torch.float32, "n_interactions": torch.int8}
_PER_USER = {"position_m": torch.float32, "los": torch.int8, "n_paths": torch.int64}


@dataclass(frozen=True)
class PathsMeta:
    """What is the same for all users of a Paths object.

    ``bs_orientation_rad`` is (yaw, pitch, roll): yaw 0 looks along x, positive pitch looks down, roll is not used.
    ``site`` names the base station in the scene. ``seed`` is what the users were drawn with, None for data that
    were not generated.
    """

    carrier_hz: float
    bs_position_m: tuple[float, float, float]
    bs_orientation_rad: tuple[float, float, float] = (0.0, 0.0, 0.0)
    scene: str = "unknown"
    site: str = "bs0"
    source: str = "unknown"
    licence: str = "unknown"
    seed: int | None = None
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Paths:
    """Multipath of ``user`` many users, padded to ``path`` many paths each.

    Attributes:
        gain: complex64 [user, path], linear amplitude between isotropic antennas, carrier phase included.
        delay_s: float32 [user, path], absolute propagation delay in seconds.
        departure_azimuth_rad, departure_elevation_rad: float32 [user, path], at the base station.
        arrival_azimuth_rad, arrival_elevation_rad: float32 [user, path], at the user.
        position_m: float32 [user, 3].
        los: int8 [user], 1 line of sight, 0 none, -1 no path at all.
        n_paths: int64 [user]; entries of a row from n_paths on are padding with zero gain.
        meta: carrier, base station, provenance.
        doppler_hz: float32 [user, path] or None.
        n_interactions: int8 [user, path] or None; 0 on the line-of-sight path.

    Raises:
        WirelessFMError: wrong shapes or types, non-finite numbers, padding with power, inconsistent flags.
    """

    gain: Tensor
    delay_s: Tensor
    departure_azimuth_rad: Tensor
    departure_elevation_rad: Tensor
    arrival_azimuth_rad: Tensor
    arrival_elevation_rad: Tensor
    position_m: Tensor
    los: Tensor
    n_paths: Tensor
    meta: PathsMeta
    doppler_hz: Tensor | None = None
    n_interactions: Tensor | None = None

    def __post_init__(self) -> None:
        _check_shapes(self)
        _check_values(self)

    @property
    def n_users(self) -> int:
        """Number of users, path-less ones included."""
        return int(self.gain.shape[0])

    def __len__(self) -> int:
        return self.n_users

    def __getitem__(self, index: slice | Sequence[int] | np.ndarray | Tensor) -> Paths:
        """Select users by slice, indices or boolean mask; the users stay a dimension."""
        chosen = torch.as_tensor(np.asarray(index)) if not isinstance(index, slice | Tensor) else index
        return self._with({name: value[chosen] for name, value in self.tensors().items()})

    def tensors(self) -> dict[str, Tensor]:
        """Every tensor present, by field name."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return {name: value for name, value in values.items() if isinstance(value, Tensor)}

    def _with(self, tensors: Mapping[str, Any]) -> Paths:
        return replace(self, **tensors)

    def connected(self) -> Paths:
        """Only the users with at least one path."""
        return self[self.n_paths > 0]

    def strongest(self, n: int) -> Paths:
        """The ``n`` strongest paths of each user, strongest first."""
        if n < 1:
            raise WirelessFMError(f"strongest(n) needs n of at least 1, found {n}")
        order = self.gain.abs().argsort(dim=1, descending=True)[:, :n]
        cut = {
            name: value.gather(1, order) if name in {**_PER_PATH, **_OPTIONAL_PER_PATH} else value
            for name, value in self.tensors().items()
        }
        cut["n_paths"] = self.n_paths.clamp(max=n)
        return self._with(cut)

    def path_mask(self) -> Tensor:
        """Boolean [user, path], true where an entry is a path and not padding."""
        return torch.arange(self.gain.shape[1], device=self.gain.device) < self.n_paths[:, None]

    def power_db(self) -> Tensor:
        """Sum of path powers in dB relative to isotropic 0 dB, float32 [user]; -inf without a path."""
        return 10 * torch.log10(self.gain.abs().square().sum(dim=1))

    def to(self, device: str | torch.device) -> Paths:
        """The same paths on another device."""
        return self._with({name: value.to(device) for name, value in self.tensors().items()})

    def fingerprint(self) -> str:
        """16 hexadecimal digits that depend on the content alone, not on padding, device or file layout."""
        digest = hashlib.sha256(json.dumps(asdict(self.meta), sort_keys=True).encode())
        for array in _to_tables(self).values():
            digest.update(array.tobytes())
        return digest.hexdigest()[:16]

    def save(self, folder: str | os.PathLike[str], overwrite: bool = False) -> None:
        """Write to ``folder`` atomically: one table of paths, one of users, one card."""
        card = {"meta": asdict(self.meta), "n_users": self.n_users, "fingerprint": self.fingerprint()}
        write_arrays(folder, KIND, _to_tables(self), card, overwrite)

    @classmethod
    def load(cls, folder: str | os.PathLike[str]) -> Paths:
        """Read what :meth:`save` wrote.

        Raises:
            WirelessFMError: missing, truncated, altered or foreign files.
        """
        card = read_card(folder, KIND)
        arrays = read_arrays(folder, card)
        try:
            meta = dict(card["meta"])
            for name in ("bs_position_m", "bs_orientation_rad"):
                meta[name] = tuple(meta[name])
            paths = _from_tables(arrays["paths"], arrays["users"], PathsMeta(**meta))
        except (KeyError, TypeError, IndexError) as error:
            raise WirelessFMError(f"'{folder}' is not a complete {KIND} folder: {error!r}") from error
        if paths.fingerprint() != card["fingerprint"]:
            raise WirelessFMError(f"'{folder}' was altered: its fingerprint differs from its card")
        return paths


def concatenate_paths(parts: Sequence[Paths]) -> Paths:
    """Join the users of several Paths of the same base station and carrier."""
    if not parts:
        raise WirelessFMError("concatenate_paths needs at least one Paths, found none")
    first = parts[0]
    for part in parts[1:]:
        if part.meta != first.meta or set(part.tensors()) != set(first.tensors()):
            raise WirelessFMError(
                f"cannot join users of {part.meta.scene}/{part.meta.site} at {part.meta.carrier_hz:.4g} Hz to "
                f"{first.meta.scene}/{first.meta.site} at {first.meta.carrier_hz:.4g} Hz: "
                "base station, carrier, seed and fields must agree"
            )
    width = max(int(part.gain.shape[1]) for part in parts)
    joined = {name: torch.cat([_padded(p.tensors()[name], name, width) for p in parts]) for name in first.tensors()}
    return first._with(joined)


def _padded(value: Tensor, name: str, width: int) -> Tensor:
    if name in _PER_USER:
        return value
    return torch.nn.functional.pad(value, (0, width - value.shape[1]))


def synchronised(paths: Paths) -> Paths:
    """The same paths with delays that count from the first arrival of each user."""
    first = paths.delay_s.masked_fill(~paths.path_mask(), torch.inf).amin(dim=1, keepdim=True)
    return replace(paths, delay_s=torch.where(paths.path_mask(), paths.delay_s - first, 0.0))


def _check_shapes(paths: Paths) -> None:
    shape = tuple(paths.gain.shape)
    if len(shape) != 2:
        raise WirelessFMError(f"gain must be [user, path], found shape {list(shape)}")
    expected: dict[str, tuple[int, ...]] = dict.fromkeys((*_PER_PATH, *_OPTIONAL_PER_PATH), shape)
    expected |= {"position_m": (shape[0], 3), "los": (shape[0],), "n_paths": (shape[0],)}
    dtypes = {**_PER_PATH, **_OPTIONAL_PER_PATH, **_PER_USER}
    for name, value in paths.tensors().items():
        if tuple(value.shape) != expected[name] or value.dtype != dtypes[name]:
            raise WirelessFMError(
                f"{name} must be {dtypes[name]} {list(expected[name])}, found {value.dtype} {list(value.shape)}"
            )


def _check_values(paths: Paths) -> None:
    for name, value in paths.tensors().items():
        if (value.is_complex() or value.is_floating_point()) and not bool(torch.isfinite(value).all()):
            raise WirelessFMError(f"{name} has NaN or infinite entries; drop or repair these users first")
    if not paths.meta.carrier_hz > 0:
        raise WirelessFMError(f"carrier_hz must be positive, found {paths.meta.carrier_hz}")
    if paths.n_users == 0:
        return
    if int(paths.n_paths.min()) < 0 or int(paths.n_paths.max()) > paths.gain.shape[1]:
        raise WirelessFMError(f"n_paths must lie between 0 and {paths.gain.shape[1]} (the path dimension)")
    if bool((paths.gain.detach()[~paths.path_mask()] != 0).any()):
        raise WirelessFMError("padding entries (from n_paths on) must have zero gain")
    if not bool(((paths.los == NO_PATH) == (paths.n_paths == 0)).all()):
        raise WirelessFMError("los must be -1 exactly for the users without a path, else 0 or 1")
    if int(paths.los.min()) < NO_PATH or int(paths.los.max()) > LOS:
        raise WirelessFMError("los must be 1, 0 or -1")


def _to_tables(paths: Paths) -> dict[str, np.ndarray]:
    mask = paths.path_mask().cpu()
    columns = {name: value for name, value in paths.tensors().items() if name not in _PER_USER}
    flat = {name: value.detach().cpu()[mask].numpy() for name, value in columns.items()}
    table = np.empty(int(mask.sum()), dtype=[(name, value.dtype) for name, value in flat.items()])
    for name, value in flat.items():
        table[name] = value
    users = np.empty(paths.n_users, dtype=[("position_m", "<f4", (3,)), ("los", "i1"), ("n_paths", "<i2")])
    for name in _PER_USER:
        users[name] = getattr(paths, name).cpu().numpy()
    return {"paths": table, "users": users}


def _from_tables(table: np.ndarray, users: np.ndarray, meta: PathsMeta) -> Paths:
    n_paths = torch.from_numpy(users["n_paths"].astype(np.int64))
    width = max(int(n_paths.max()) if len(n_paths) else 0, 1)
    mask = torch.arange(width) < n_paths[:, None]
    values: dict[str, Any] = {}
    for name in table.dtype.names or ():
        column = torch.from_numpy(np.array(table[name]))
        values[name] = torch.zeros(mask.shape, dtype=column.dtype).masked_scatter_(mask, column)
    values["position_m"] = torch.from_numpy(np.array(users["position_m"]))
    values["los"] = torch.from_numpy(np.array(users["los"]))
    return Paths(**values, n_paths=n_paths, meta=meta)
