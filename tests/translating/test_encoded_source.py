"""Encoded sources as values: nothing is encoded twice, what is saved is what is loaded, others' are refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from tests.tiny import save_untrained

import weft
from weft import EncodedSource
from weft.base.errors import ConfigError, DataError, UnsupportedError
from weft.models.decoder import Encoded
from weft.translating.translator import Translator

TEXTS = ["  the red dog sleeps. The cat sings!\n", "", "the 🙂 tree falls?"]


@pytest.fixture
def file(tiny: Translator, tmp_path: Path) -> Path:
    path = tmp_path / "some.safetensors"
    tiny.encode(TEXTS).save(path)
    return path


def count(translator: Translator, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many sources each call of the encoder reads, from now on."""
    calls: list[int] = []
    model: Any = translator.stored.model
    encode = model.encode
    monkeypatch.setattr(model, "encode", lambda source: calls.append(len(source)) or encode(source))
    return calls


def test_what_is_loaded_translates_as_what_was_saved(
    tiny: Translator, tiny_folder: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = EncodedSource.load(file)
    assert (loaded.texts, loaded.single) == (tuple(TEXTS), False)
    fresh = weft.load(tiny_folder, dtype=torch.float64)
    calls = count(fresh, monkeypatch)
    for options in (
        {"to": "fr", "beam": 1},
        {"to": "fr", "beam": 5, "nbest": 5, "align": True},
        {"to": "rev", "beam": 2, "align": True},
    ):
        assert fresh.translate(loaded, **options) == tiny.translate(TEXTS, **options)
    assert calls == []


def test_one_text_comes_back_as_one(tiny: Translator, tmp_path: Path) -> None:
    tiny.encode("the dog sleeps.").save(tmp_path / "one")
    loaded = EncodedSource.load(tmp_path / "one")
    for encoded in (tiny.encode("the dog sleeps."), loaded):
        assert tiny.translate(encoded, to="fr") == tiny.translate("the dog sleeps.", to="fr")
        assert tiny.translate(encoded, to="fr", prefix="le chat").text.startswith("le chat")


def test_nothing_is_encoded_twice(tiny_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    translator = weft.load(tiny_folder)
    calls = count(translator, monkeypatch)
    encoded = translator.encode(TEXTS)
    assert sum(calls) == 3
    translator.translate(TEXTS, to="fr")
    translator.translate(TEXTS[0], to="rev", beam=2, align=True, nbest=2)
    translator.translate(encoded, to="rev")
    list(translator.stream(TEXTS[0], to="fr"))
    translator.encode(TEXTS)
    assert sum(calls) == 3
    Translator(translator.stored, cache_size=0).translate(encoded, to="fr")
    assert sum(calls) == 3


def test_a_model_of_another_number_type_reads_it_too(tiny: Translator, tiny_folder: Path) -> None:
    """The file holds what one translator computed, here float64."""
    for dtype in (torch.float32, torch.bfloat16):
        found = weft.load(tiny_folder, dtype=dtype).translate(tiny.encode(TEXTS), to="fr", align=True)
        assert [each.source for each in found] == TEXTS
    assert weft.load(tiny_folder).translate(tiny.encode("the dog sleeps."), to="fr").text == "le chien dort."


def test_another_model_refuses_it(tiny: Translator, tmp_path: Path) -> None:
    other = weft.load(save_untrained(tmp_path / "other", kind="transformer"))
    with pytest.raises(ConfigError, match=r"got one of another model \(.{12}\.\.\.\); encode it with the model that"):
        other.translate(tiny.encode(TEXTS), to="fr")


def test_it_belongs_to_weights_and_not_to_a_folder(tiny: Translator, tiny_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "moved").mkdir()
    for path in tiny_folder.iterdir():
        (tmp_path / "moved" / path.name).write_bytes(path.read_bytes())
    (tmp_path / "moved" / "README.md").write_text("# Another card\n", encoding="utf-8")
    moved = weft.load(tmp_path / "moved", dtype=torch.float64)
    assert moved.translate(tiny.encode(TEXTS), to="fr") == tiny.translate(TEXTS, to="fr")


def test_a_memory_is_one_row_without_padding(tiny: Translator) -> None:
    encoded = tiny.encode(TEXTS)
    assert [len(memories) for memories in encoded.memories] == [2, 0, 1]
    for text, spans, memories in zip(encoded.texts, encoded.segments, encoded.memories, strict=True):
        for (start, end), memory in zip(spans, memories, strict=True):
            assert isinstance(memory, Encoded)
            length = len(tiny.tokenizer.encode(text[start:end]).ids) + 1
            assert memory.keep.shape == (1, length)
            assert all(layer.k.shape[2] == layer.v.shape[2] == length for layer in memory.cross)


def test_no_text_can_be_kept_too(tiny: Translator, tmp_path: Path) -> None:
    for texts in ([], [""], [" ", "\n"]):
        tiny.encode(texts).save(tmp_path / "blank")
        assert [each.text for each in tiny.translate(EncodedSource.load(tmp_path / "blank"), to="fr")] == texts


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-7])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def other_file(path: Path) -> None:
    save_file({"x": torch.zeros(3)}, path)


def without_a_tensor(path: Path) -> None:
    rewrite(path, tensors=lambda tensors: tensors.pop("1.0.k"))


def flat(path: Path) -> None:
    rewrite(path, tensors=lambda tensors: tensors.update({"0.0.k": torch.zeros(3)}))


def unknown_key(path: Path) -> None:
    rewrite(path, about=lambda about: about.update({"colour": "red"}))


def missing_key(path: Path) -> None:
    rewrite(path, about=lambda about: about.pop("texts"))


def wrong_type(path: Path) -> None:
    rewrite(path, about=lambda about: about.update({"segments": [3, 0, 1]}))


def no_layers(path: Path) -> None:
    rewrite(path, about=lambda about: about.update({"layers": 0}))


def fewer_texts(path: Path) -> None:
    rewrite(path, about=lambda about: about.update({"texts": ["one"]}))


def outside(path: Path) -> None:
    rewrite(path, about=lambda about: about["segments"][2][0].__setitem__(1, 997))


def rewrite(
    path: Path,
    *,
    tensors: Callable[[dict[str, torch.Tensor]], Any] = lambda _: None,
    about: Callable[[dict[str, Any]], Any] = lambda _: None,
) -> None:
    """The same file with other tensors or another note."""
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        note = json.loads(file.metadata()["weft.translating.encoded_source"])
    found = load_file(path)
    tensors(found)
    about(note)
    save_file(found, path, metadata={"weft.translating.encoded_source": json.dumps(note)})


@pytest.mark.parametrize(
    "damage",
    [
        *(truncated, empty, other_file, without_a_tensor, flat, unknown_key, missing_key, wrong_type, no_layers),
        *(fewer_texts, outside, lambda path: path.unlink()),
    ],
)
@pytest.mark.usefixtures("unchecked")
def test_a_damaged_file_is_said_to_be(file: Path, damage: Callable[[Path], None]) -> None:
    damage(file)
    with pytest.raises(DataError, match=r"some.safetensors: wanted an encoded source, got: (.|\n)*EncodedSource.save"):
        EncodedSource.load(file)


def test_it_is_written_whole_or_not_at_all(tiny: Translator, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError("No space left on device")

    before = file.read_bytes()
    monkeypatch.setattr("weft.translating.encoded_source.write_tensors", full)
    with pytest.raises(DataError, match="wanted to write an encoded source, got: No space left on device; make room"):
        tiny.encode("the dog").save(file)
    assert file.read_bytes() == before
    assert list(file.parent.iterdir()) == [file]


def test_a_sum_in_one_vector_is_not_saved(tmp_path: Path) -> None:
    """It would be as easy, but the baseline is there to be compared with."""
    recurrent = weft.load(save_untrained(tmp_path / "recurrent", kind="recurrent"))
    encoded = recurrent.encode(TEXTS)
    assert recurrent.translate(encoded, to="fr") == recurrent.translate(TEXTS, to="fr")
    with pytest.raises(UnsupportedError, match="only sources that a Transformer encoded can be saved; keep the text"):
        encoded.save(tmp_path / "some")


def test_a_prompt_can_be_saved(tmp_path: Path) -> None:
    model = weft.load(save_untrained(tmp_path / "prompted", kind="decoder_only"))
    model.encode(TEXTS).save(tmp_path / "some")
    found = model.translate(EncodedSource.load(tmp_path / "some"), to="fr", beam=1)
    assert [each.text for each in found] == [each.text for each in model.translate(TEXTS, to="fr", beam=1)]
