"""The example of docs/interop.md that reads sound runs as it stands there, on a tiny model."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from tests.interop.borrowed import EOS, save, transformers
from tests.interop.media import BANDS, FRAMES, make
from tests.interop.test_media_search import NO_TIMESTAMPS, SPOKEN, set_up

PAGE = Path(__file__).parents[2] / "docs" / "interop.md"
HOP = 640


def test_the_example_of_sound_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = save(set_up(make("whisper"), **SPOKEN), tmp_path / "whisper-tiny")
    transformers.WhisperFeatureExtractor(
        feature_size=BANDS, sampling_rate=FRAMES * HOP, hop_length=HOP, chunk_length=1
    ).save_pretrained(folder)
    section = PAGE.read_text(encoding="utf-8").split("### Sound and pictures")[1]
    found = re.search(r"```python\n(.*?)```", section, re.DOTALL)
    assert found is not None
    names: dict[str, Any] = {}
    monkeypatch.chdir(tmp_path)
    exec(found[1], names)
    assert names["ids"][0] in SPOKEN["lang_to_id"].values()
    assert names["ids"][1:3] == (SPOKEN["task_to_id"]["transcribe"], NO_TIMESTAMPS)
    assert EOS not in names["ids"][:-1]
