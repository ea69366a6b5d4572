"""A file that is read from while it is used, and what is said when it goes or changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from weft.base.errors import DataError
from weft.store.mapped import MappedFile


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "some"
    path.write_bytes(b"seven by")
    return path


def test_a_file_that_stays_is_good(path: Path) -> None:
    MappedFile.of(path).check()


def test_a_file_that_has_gone_is_named(path: Path) -> None:
    mapped = MappedFile.of(path)
    path.unlink()
    with pytest.raises(DataError, match="some: wanted the file that is being read from, got: No such file"):
        mapped.check()


def test_a_file_that_has_changed_is_named(path: Path) -> None:
    mapped = MappedFile.of(path)
    path.write_bytes(b"six")
    with pytest.raises(DataError, match=r"as it was when it was loaded \(8 bytes\), got one written since \(3 bytes\)"):
        mapped.check()
