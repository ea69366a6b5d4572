"""What an approximate back end did: how often, how much it read, and the largest error that it let pass."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import Any

_LOG = logging.getLogger(__name__)


@dataclass
class Tally:
    """Counts over all calls of the back ends that share it; a row is one query of one head.

    `left_out` is the largest share of a row's weight that was not read: proved for pages, exact for top-k, that of its
    one head for a window.
    """

    rows: int = 0
    keys: int = 0
    """Keys that rows read one by one, all of them in rows that fell back."""
    dense_rows: int = 0
    """Rows that fell back to reading every key."""
    left_out: float = 0.0
    _said: set[str] = field(default_factory=set, repr=False)

    def add(self, *, rows: int, keys: int, dense_rows: int = 0, left_out: float = 0.0) -> None:
        self.rows += rows
        self.keys += keys
        self.dense_rows += dense_rows
        self.left_out = max(self.left_out, left_out)

    def once(self, message: str) -> None:
        """Logs a warning the first time that it is said."""
        if message not in self._said:
            self._said.add(message)
            _LOG.warning(message)

    def to_json(self) -> dict[str, Any]:
        return {
            "rows": self.rows,
            "dense_rows": self.dense_rows,
            "keys_per_row": self.keys / self.rows if self.rows else 0.0,
            "left_out": self.left_out,
        }
