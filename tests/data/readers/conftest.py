"""Where the shared third-party samples are; tests that need one skip without it."""

from collections.abc import Callable
from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[4] / "shared" / "data"


@pytest.fixture(scope="session")
def sample() -> Callable[[str], Path]:
    def find(name: str) -> Path:
        path = SHARED / name
        if not path.exists():
            pytest.skip(f"the third-party sample '{name}' is not beside the repository (../shared/data)")
        return path

    return find
