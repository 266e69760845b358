"""The ray-traced corpus that comes with the package: cities, base stations and two carriers for the same users.

One folder per base station and carrier, named ``SCENE-SITE-CARRIER`` such as ``munich-bs0-3.5GHz``. Reading it
does not need Sionna RT; ``python -m wirelessfm.data.simulate.make_corpus OUT`` makes it again.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib import resources
from pathlib import Path

from wirelessfm.errors import WirelessFMError, unknown_name
from wirelessfm.paths import Paths

Root = str | os.PathLike[str] | None


def folder(root: Root = None) -> Path:
    """Where the corpus is: ``root`` if given, else the copy inside the installed package."""
    return Path(root) if root is not None else Path(str(resources.files("wirelessfm") / "corpus"))


def names(root: Root = None) -> list[str]:
    """Every stored data set, such as ``munich-bs0-3.5GHz``, sorted.

    Raises:
        WirelessFMError: there is none.
    """
    found = sorted(card.parent.name for card in folder(root).glob("*/card.json"))
    if not found:
        raise WirelessFMError(
            f"expected ray-traced data sets in '{folder(root)}', found none; reinstall the package or "
            "trace them with: python -m wirelessfm.data.simulate.make_corpus OUT"
        )
    return found


def sites(root: Root = None) -> list[tuple[str, str]]:
    """Every (scene, site), sorted, whatever the carrier."""
    return sorted({(scene, site) for scene, site, _ in (name.rsplit("-", 2) for name in names(root))})


def load(name: str, root: Root = None) -> Paths:
    """One data set by name.

    Raises:
        WirelessFMError: unknown name (the known ones are listed), or damaged files.
    """
    known = names(root)
    if name not in known:
        raise unknown_name("corpus data set", name, known)
    return Paths.load(folder(root) / name)


def load_site(scene: str, site: str = "bs0", carrier_hz: float = 3.5e9, root: Root = None) -> Paths:
    """One base station of one scene at one carrier, path-less users included.

    Args:
        scene: such as ``munich``.
        site: ``bs0``, ``bs1``, ...; the same site has the same users in the same order at every carrier.
        carrier_hz: 3.5e9 or 28e9.
        root: another folder of the same form, such as the output of a trace.
    """
    return load(f"{scene}-{site}-{carrier_hz / 1e9:g}GHz", root)


def load_corpora(wanted: Sequence[str], root: Root = None) -> list[Paths]:
    """Everything that a list of names stands for, in order, without repeats.

    Args:
        wanted: each a scene of the corpus (all its sites and carriers), one data set of it, a folder with Paths, or
            a folder with such folders.
        root: another corpus folder.

    Raises:
        WirelessFMError: a name that is none of these; lists the scenes and data sets.
    """
    places = [place for name in wanted for place in _places(name, root)]
    return [Paths.load(place) for place in dict.fromkeys(places)]


def _places(name: str, root: Root) -> list[Path]:
    if Path(name).is_dir():
        inner = sorted(card.parent for card in Path(name).glob("*/card.json"))
        return inner or [Path(name)]
    known = names(root)
    found = [n for n in known if name in (n, n.rsplit("-", 2)[0])]
    if not found:
        scenes = sorted({n.rsplit("-", 2)[0] for n in known})
        raise unknown_name("corpus (nor is there such a folder)", name, [*scenes, *known])
    return [folder(root) / n for n in found]
