"""Where the data of a task come from: cities of the corpus, simulated sets, or files of the user."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import torch

from wirelessfm.csi import CSI
from wirelessfm.data import corpus
from wirelessfm.data.simulate.channel_request import SimulationRequest
from wirelessfm.data.simulate.channels import simulate, simulate_to
from wirelessfm.data.simulate.wifo_sets import WIFO_SETS
from wirelessfm.errors import WirelessFMError, unknown_name
from wirelessfm.paths import Paths
from wirelessfm.tasks import CASES, SitePaths, Task, TaskData, case_data, get_task

# What one domain of a task is built from, by the name of the domain.
Build = Callable[[Task], Mapping[str, TaskData]]
CITY_FACTORS, SET_FACTORS = ("city", "carrier", "array"), ("scenario", "speed")
# An array mounted another way, and users so much faster: the other domain of the factors array and speed.
TURN_RAD, SPEED_UP = math.pi / 4, 3.0
# What ``Task.made_from`` means, and the option of the command line that gives it.
SOURCES = {"sites": "cities (--scene)", "csi": "simulated sets (--simulate)", "files": "recordings (--files)"}


def site_pairs(scenes: Sequence[str], root: corpus.Root = None) -> list[SitePaths]:
    """Every base station of ``scenes`` at 3.5 GHz and, where it is there, with the same users at 28 GHz."""
    known = {scene for scene, _ in corpus.sites(root)}
    for scene in scenes:
        if scene not in known:
            raise unknown_name("scene", scene, known)
    there = set(corpus.names(root))
    return [
        SitePaths(
            corpus.load_site(scene, site, 3.5e9, root),
            corpus.load_site(scene, site, 28e9, root) if f"{scene}-{site}-28GHz" in there else None,
        )
        for scene, site in corpus.sites(root)
        if scene in scenes
    ]


def city_data(
    tasks: Sequence[str], scenes: Sequence[str], max_users: int | None = None, root: corpus.Root = None
) -> list[TaskData]:
    """Every task on all base stations of ``scenes`` together, of at most ``max_users`` users each.

    ``root`` is a folder of cities in the form of the shipped ones, instead of these.
    """
    asked = [_task(name, "sites") for name in tasks]
    sites = thinned(site_pairs(scenes, root), max_users)
    return [task.build(sites) for task in asked]


def city_cases(
    tasks: Sequence[str],
    scenes: Sequence[str],
    case: str,
    max_users: int | None = None,
    factor: str = "city",
    root: corpus.Root = None,
) -> list[TaskData]:
    """Every task under a generalisation case; the first domain is the tested one.

    Args:
        tasks: names.
        scenes: with factor ``city``, the domains: two or more. With ``carrier``, together one place, seen at 3.5 GHz
            (the tested carrier) and 28 GHz; with ``array``, one place with its arrays as they stand (tested) and
            turned by 45°.
        case: one of ``CASES``.
        max_users: of each base station.
        factor: one of ``CITY_FACTORS``.
        root: see :func:`city_data`.

    Raises:
        WirelessFMError: unknown names, fewer than two domains, a task that does not exist at one carrier alone.
    """
    asked = [_task(name, "sites") for name in tasks]
    if factor == "city":
        _check_case(case, scenes)
        domains = {scene: thinned(site_pairs([scene], root), max_users) for scene in scenes}
    elif factor == "carrier":
        pairs = [site.connected() for site in thinned(site_pairs(scenes, root), max_users)]
        low, high = [SitePaths(p.sub6) for p in pairs], [SitePaths(p.mmwave) for p in pairs if p.mmwave]
        domains = {"3.5 GHz": low, "28 GHz": high}
    elif factor == "array":
        standing = thinned(site_pairs(scenes, root), max_users)
        domains = {"as it stands": standing, "turned by 45°": [_turned(site) for site in standing]}
    else:
        raise unknown_name("factor of a case on cities", factor, CITY_FACTORS)
    _check_case(case, [*domains])
    built = [{name: task.build(sites) for name, sites in domains.items()} for task in asked]
    return [case_data(parts, case, next(iter(parts)), factor) for parts in built]


def simulated_data(
    tasks: Sequence[str], sets: Sequence[str], n_samples: int, cache: str | os.PathLike[str] | None = None
) -> list[TaskData]:
    """Every prediction task on every simulated set (D1 to D19), apart.

    Args:
        tasks: names.
        sets: names.
        n_samples: of each set; fewer are the first of more.
        cache: folder that keeps the simulated CSI.

    Raises:
        WirelessFMError: unknown names, or the simulator (extra ``phy``) is not installed.
    """
    asked = [_task(name, "csi") for name in tasks]
    drawn = [_simulated(_request(name, n_samples), name, cache) for name in sets]
    return [task.build([csi]) for csi in drawn for task in asked]


def simulated_cases(
    tasks: Sequence[str],
    sets: Sequence[str],
    n_samples: int,
    case: str,
    cache: str | os.PathLike[str] | None = None,
    factor: str = "scenario",
) -> list[TaskData]:
    """Every prediction task under a generalisation case; the first domain is tested.

    Args:
        tasks, n_samples, cache: as in :func:`simulated_data`.
        sets: with factor ``scenario``, the domains: two or more of equal shape. With ``speed``, one set, as it is (the
            tested domain) and with users three times as fast.
        case: one of ``CASES``.
        factor: one of ``SET_FACTORS``.

    Raises:
        WirelessFMError: unknown names, fewer than two domains, sets of different shapes.
    """
    asked = [_task(name, "csi") for name in tasks]
    if factor not in SET_FACTORS:
        raise unknown_name("factor of a case on simulated sets", factor, SET_FACTORS)
    requests = {name: _request(name, n_samples) for name in sets}
    if factor == "speed" and len(requests) > 1:
        raise WirelessFMError(f"a case of speeds takes one set, found {', '.join(sets)}; its domains are made from it")
    if factor == "speed":
        requests |= {f"{name}-faster": _faster(request) for name, request in requests.items()}
    _check_case(case, [*requests])
    drawn = {name: _simulated(request, name, cache) for name, request in requests.items()}
    built = [{name: task.build([csi]) for name, csi in drawn.items()} for task in asked]
    return [case_data(parts, case, sets[0], factor) for parts in built]


def file_data(tasks: Sequence[str], files: Sequence[str | os.PathLike[str]]) -> list[TaskData]:
    """Every measured task on files or folders of the user."""
    return [_task(name, "files").build([Path(file) for file in files]) for name in tasks]


def thinned(sites: Sequence[SitePaths], max_users: int | None) -> list[SitePaths]:
    """At most ``max_users`` connected users of each site, the same in every call; all of them for None."""
    return list(sites) if max_users is None else [_thinned(site.connected(), max_users) for site in sites]


def _thinned(site: SitePaths, max_users: int) -> SitePaths:
    kept = torch.randperm(site.sub6.n_users, generator=torch.Generator().manual_seed(0))[:max_users].sort().values
    return SitePaths(site.sub6[kept], None if site.mmwave is None else site.mmwave[kept])


def _turned(site: SitePaths) -> SitePaths:
    def turned(paths: Paths) -> Paths:
        yaw, pitch, roll = paths.meta.bs_orientation_rad
        return replace(paths, meta=replace(paths.meta, bs_orientation_rad=(yaw + TURN_RAD, pitch, roll)))

    return SitePaths(turned(site.sub6), None if site.mmwave is None else turned(site.mmwave))


def _request(name: str, n_samples: int) -> SimulationRequest:
    if name not in WIFO_SETS:
        raise unknown_name("simulated set", name, WIFO_SETS)
    return replace(WIFO_SETS[name], n_samples=n_samples)


def _faster(request: SimulationRequest) -> SimulationRequest:
    low, high = SPEED_UP * request.min_speed_m_per_s, SPEED_UP * request.max_speed_m_per_s
    return replace(request, min_speed_m_per_s=low, max_speed_m_per_s=high)


def _simulated(request: SimulationRequest, name: str, cache: str | os.PathLike[str] | None) -> CSI:
    if cache is None:
        return simulate(request)
    return CSI.load(simulate_to(request, Path(cache) / f"{name}-{request.n_samples}"))


def _check_case(case: str, domains: Sequence[str]) -> None:
    """Before anything is simulated or built."""
    if case not in CASES:
        raise unknown_name("generalisation case", case, CASES)
    if len(set(domains)) < 2:
        raise WirelessFMError(
            f"a generalisation case needs at least two different domains, the first to test on, found {[*domains]}"
        )


def _task(name: str, made_from: str) -> Task:
    task = get_task(name)
    if task.made_from != made_from:
        raise WirelessFMError(f"task '{name}' is made from {SOURCES[task.made_from]}, not from {SOURCES[made_from]}")
    return task


__all__ = [
    "CASES",
    "CITY_FACTORS",
    "SET_FACTORS",
    "SOURCES",
    "city_cases",
    "city_data",
    "file_data",
    "simulated_cases",
    "simulated_data",
    "site_pairs",
    "thinned",
]
