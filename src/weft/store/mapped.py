"""A file whose tensors are read where they lie, a page of memory at a time, and whether it is still the same."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from weft.base.errors import DataError


@dataclass(frozen=True)
class MappedFile:
    """A file as it was when its tensors were mapped. Speaks `attention.protocol.Origin`."""

    path: Path
    size: int
    changed: int
    """When it was last written, in nanoseconds."""

    @staticmethod
    def of(path: str | Path) -> MappedFile:
        """Raises OSError if there is no such file."""
        found = Path(path).stat()
        return MappedFile(Path(path), found.st_size, found.st_mtime_ns)

    def check(self) -> None:
        """Raises DataError if the file has gone or was written since: what lies in memory may be anything then."""
        try:
            now = MappedFile.of(self.path)
        except OSError as error:
            raise DataError(
                f"{self.path}: wanted the file that is being read from, got: {error.strerror}; keep it until the work "
                "is done, or load it again"
            ) from error
        if now != self:
            raise DataError(
                f"{self.path}: wanted the file as it was when it was loaded ({self.size} bytes), got one written since "
                f"({now.size} bytes); load it again, and write new files under new names"
            )
