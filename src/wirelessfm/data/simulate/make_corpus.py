"""Traces the corpus again from its seeds: python -m wirelessfm.data.simulate.make_corpus OUT

An interrupted run goes on where it stopped.
"""

from __future__ import annotations

import sys
from pathlib import Path

from wirelessfm.data.simulate.plan import OSM_SCENES
from wirelessfm.data.simulate.request import TraceRequest
from wirelessfm.data.simulate.sionna_rt import trace_scene
from wirelessfm.errors import WirelessFMError
from wirelessfm.paths import LOS, Paths

REQUESTS = tuple(
    TraceRequest(
        scene=scene,
        n_sites=3,
        carriers_hz=(3.5e9, 28e9),
        spacing_m=1.5,
        n_connected=4000,
        max_paths=16,
        seed=1,
        deterministic=True,
    )
    for scene in OSM_SCENES
)


def make_corpus(out: Path) -> list[Path]:
    """Trace every scene of the corpus into ``out`` and print a line per site and carrier."""
    folders = []
    for request in REQUESTS:
        made = trace_scene(request, out)
        folders += made
        for folder in made:
            print(summary(folder.name, Paths.load(folder)), flush=True)
    return folders


def summary(name: str, paths: Paths) -> str:
    """Users, connected users, share of line of sight among the connected, paths per connected user."""
    connected = paths.connected()
    los = (connected.los == LOS).float().mean().item()
    return (
        f"{name:32} users {len(paths):6}  connected {len(connected):6}  LoS {los:6.1%}  "
        f"paths {connected.n_paths.float().mean().item():5.2f}"
    )


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit("usage: python -m wirelessfm.data.simulate.make_corpus OUT")
    try:
        make_corpus(Path(sys.argv[1]))
    except WirelessFMError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
