"""The log of a run: one JSON object a line, which after a stop goes on as if there had been none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


class RunLog:
    """Appends to `log.jsonl`. Every line has a `step`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, line: dict[str, Any]) -> None:
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")

    def cut_after(self, step: int) -> None:
        """Forgets what was logged after the checkpoint of `step`: those updates are done again."""
        lines = self.read()
        kept = [line for line in lines if line["step"] <= step]
        if len(kept) < len(lines):
            text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in kept)
            self.path.write_text(text, encoding="utf-8")

    def read(self) -> list[dict[str, Any]]:
        """All whole lines; one that a kill cut short is left out."""
        if not self.path.exists():
            return []
        lines = []
        for text in self.path.read_text(encoding="utf-8").splitlines():
            try:
                lines.append(json.loads(text))
            except ValueError:
                break
        return lines
