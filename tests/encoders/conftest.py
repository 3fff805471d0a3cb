from __future__ import annotations

from pathlib import Path

import pytest
from polyglance.encoders.transformers import identity


@pytest.fixture(autouse=True)
def checksums(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Keep remembered checksums out of the user's cache."""
    monkeypatch.setattr(identity, "CHECKSUMS", tmp_path / "polyglance" / "checksums.json")
    return identity.CHECKSUMS
