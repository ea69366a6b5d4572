"""The log of a run: one JSON object a line, which after a stop goes on as if there had been none."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any, Protocol

from weft.base.errors import DataError
from weft.runs.tensorboard import TensorBoard
from weft.store.atomic import whole_file

LOG, BOARD = "log.jsonl", "tensorboard"
END = "last"
"""The key of the line that a run writes when it is over, after its last checkpoint."""


class Log(Protocol):
    """Takes lines that have a `step`."""

    def write(self, line: dict[str, Any]) -> None: ...


@contextmanager
def opened_logs(out: Path, *, after: int, tensorboard: bool) -> Iterator[list[Log]]:
    """The logs of the run folder `out`, `log.jsonl` and `tensorboard/` if asked for, without lines after step `after`.

    Raises UnsupportedError if TensorBoard is asked for and not installed.
    """
    with ExitStack() as stack:
        boards = [stack.enter_context(closing(TensorBoard(out / BOARD, after=after)))] if tensorboard else []
        log = RunLog(out / LOG)
        log.cut_after(after)
        yield [log, *boards]


class RunLog:
    """Appends to `log.jsonl`. Every line has a `step`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, line: dict[str, Any]) -> None:
        """Raises DataError on a full disk."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="utf-8") as file:
                file.write(_text([line]))
        except OSError as error:
            raise DataError(
                f"{self.path}: wanted to write a line, got: {error}; make room and resume from the last checkpoint"
            ) from error

    def cut_after(self, step: int) -> None:
        """Forgets what was logged after the checkpoint of `step`: those updates are done again."""
        if self.path.exists():
            kept = [line for line in self.read() if line["step"] <= step and END not in line]
            with whole_file(self.path) as part:
                part.write_text(_text(kept), encoding="utf-8")

    def read(self) -> list[dict[str, Any]]:
        """All whole lines; one that a kill cut short is left out."""
        if not self.path.exists():
            return []
        lines = []
        for text in self.path.read_bytes().split(b"\n"):  # not splitlines: U+2028 may stand in a translation
            try:
                lines.append(json.loads(text))
            except ValueError:
                break
        return lines


def _text(lines: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
