"""Finds a LLVM library that Dr.Jit, the compiler under Sionna RT, can use, before anything is imported.

Dr.Jit loads whatever libLLVM it finds. Version 14 then fails to import and versions 15 and 16 abort the whole
process, so the version is read first and an unsuitable library is an ordinary error.
"""

from __future__ import annotations

import ctypes
import importlib
import os
from importlib import metadata
from pathlib import Path
from types import ModuleType

from wirelessfm.errors import WirelessFMError, missing_extra

VARIABLE = "DRJIT_LIBLLVM_PATH"
PACKAGE = "karellen-llvm-core"
OLDEST = 17
_FILE_NAMES = ("libLLVM.so", "libLLVM.dylib", "LLVM-C.dll")


def sionna_rt() -> ModuleType:
    """Import and return ``sionna.rt`` with a LLVM library that works.

    The library is the one named by the environment variable DRJIT_LIBLLVM_PATH if set, else the one of the
    package karellen-llvm-core.

    Raises:
        WirelessFMError: Sionna RT or LLVM is not installed, or the LLVM library is too old.
    """
    try:
        metadata.version("sionna-rt")
    except metadata.PackageNotFoundError as error:
        raise missing_extra("sionna-rt", "rt") from error
    library = os.environ.get(VARIABLE) or packaged_library()
    check_version(library)
    os.environ[VARIABLE] = library
    try:
        return importlib.import_module("sionna.rt")
    except ImportError as error:
        raise WirelessFMError(
            f"Sionna RT cannot start with the LLVM library '{library}': {error}; "
            f"unset {VARIABLE} to use the one of the package {PACKAGE}"
        ) from error


def packaged_library() -> str:
    """Path of the LLVM library that the package karellen-llvm-core installed."""
    try:
        installed = metadata.files(PACKAGE) or []
    except metadata.PackageNotFoundError as error:
        raise missing_extra(PACKAGE, "rt") from error
    for file in installed:
        if file.name in _FILE_NAMES:
            return str(Path(str(file.locate())).resolve())
    raise WirelessFMError(f"the package {PACKAGE} is damaged: no {_FILE_NAMES[0]} in it; install it again")


def check_version(library: str) -> None:
    """Raise a WirelessFMError unless ``library`` is LLVM 17 or newer."""
    remedy = f"unset {VARIABLE} to use the one of the package {PACKAGE}, or name a newer library"
    try:
        get_version = ctypes.CDLL(library).LLVMGetVersion
    except OSError as error:
        raise WirelessFMError(f"cannot load '{library}' as a LLVM library: {error}; {remedy}") from error
    except AttributeError as error:
        # The function exists since LLVM 16.
        raise WirelessFMError(f"'{library}' is older than LLVM {OLDEST}, or no LLVM library; {remedy}") from error
    major = ctypes.c_uint()
    get_version(ctypes.byref(major), None, None)
    if major.value < OLDEST:
        raise WirelessFMError(f"'{library}' is LLVM {major.value}, expected at least {OLDEST}; {remedy}")
