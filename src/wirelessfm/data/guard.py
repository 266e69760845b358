"""The border to foreign files: whatever their parsers raise leaves as one clear error."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from wirelessfm.errors import WirelessFMError


@contextmanager
def reading(path: str | os.PathLike[str], layout: str) -> Iterator[Path]:
    """Yield ``path``; turn every exception of the block into an error that names the file and the layout.

    Args:
        path: file or folder that must exist.
        layout: what the file should be, in a few words, as in ``"a DeepMIMO v3 scenario folder"``.

    Raises:
        WirelessFMError: no such file, or anything that went wrong while parsing it.
    """
    path = Path(path)
    if not path.exists():
        raise WirelessFMError(f"expected {layout} at '{path}', found nothing; check the path")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield path
    except WirelessFMError:
        raise
    # Foreign parsers answer damaged bytes with any exception type; which one is no business of the caller.
    except Exception as error:
        raise WirelessFMError(
            f"'{path}' is not readable as {layout}: {type(error).__name__}: {error}; {_remedy(error)}"
        ) from error


def _remedy(error: Exception) -> str:
    if "pickle" in str(error).lower():
        return (
            "files with Python objects run code when loaded and are never read here: open it where you trust it "
            "and save plain numeric arrays with numpy.savez"
        )
    return "download it again, or describe it with: wfm data inspect"
