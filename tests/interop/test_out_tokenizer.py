"""Weft's tokenizer in other hands: the same ids for nasty texts, `</s>` behind them, and the same text back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.interop.outward import make

from weft.converting import convert
from weft.data.tokenizer import EOS
from weft.interop.out_tokenizer import read_own
from weft.store.folder import load

transformers = pytest.importorskip("transformers")
TEXTS = [
    "The big red dog sleeps.",
    "",
    " ",
    "  two  spaces, and a tab\tand a line\nend \r\n ",
    "l'homme qu'elle n’aime pas; don't",
    "e\u0301te\u0301 is \u00e9t\u00e9, A\u030a is \u00c5 and \u212b",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f44d\U0001f3fd \U0001f1eb\U0001f1f7",
    "\u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627 \u4f60\u597d \u3053\u3093\u306b\u3061\u306f \u0e2a\u0e27",
    "a</s>b <pad> <2fr> <s>x",
    "3.14 1,000,000 %s %d \u00bd \u2460",
    "x" * 300 + " " * 70 + "!" * 40,
    "\u1100\u1161\u11a8 \uac01 q\u0307\u0323 q\u0323\u0307",
    "\x00\x01\ufeff\u2028\u00a0\u200b",
]


@pytest.mark.parametrize("text", TEXTS)
def test_ids_and_text_are_equal(text: str, there: Any) -> None:
    ours, theirs = there
    ids = ours.encode(text).ids
    assert theirs(text)["input_ids"] == [*ids, EOS]
    assert theirs.decode([3, *ids, EOS], skip_special_tokens=True) == ours.decode(ids)


def test_a_batch_is_padded_with_zeros_behind(there: Any) -> None:
    _, theirs = there
    found = theirs(TEXTS[:2], padding=True)
    assert found["input_ids"][1] == [EOS] + [0] * (len(found["input_ids"][0]) - 1)
    assert found["attention_mask"][1] == [1] + [0] * (len(found["input_ids"][0]) - 1)
    assert set(found) == {"input_ids", "attention_mask"}


def test_it_says_what_its_special_tokens_are(there: Any) -> None:
    _, theirs = there
    assert (theirs.pad_token_id, theirs.bos_token_id, theirs.eos_token_id) == (0, 1, 2)
    assert theirs.convert_tokens_to_ids(["<2fr>", "<2es>"]) == [3, 4]
    assert theirs.model_max_length == 1024
    assert (theirs.init_kwargs["source_lang"], theirs.init_kwargs["target_lang"]) == ("en", "fr")


def test_weft_knows_its_own_again(tmp_path: Path) -> None:
    make(tmp_path / "ours")
    convert(tmp_path / "ours", tmp_path / "theirs", to="hf")
    found = read_own(tmp_path / "theirs")
    assert found is not None
    assert found.fingerprint == load(tmp_path / "ours").tokenizer.fingerprint
    assert read_own(tmp_path) is None
    (tmp_path / "tokenizer.json").write_text('{"model": {"type": "WordLevel", "vocab": {}}}', encoding="utf-8")
    assert read_own(tmp_path) is None


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Weft's tokenizer, and the one that transformers makes of the saved folder."""
    folder: Path = tmp_path_factory.mktemp("out")
    make(folder / "ours")
    convert(folder / "ours", folder / "theirs", to="hf")
    return load(folder / "ours").tokenizer, transformers.AutoTokenizer.from_pretrained(folder / "theirs")
