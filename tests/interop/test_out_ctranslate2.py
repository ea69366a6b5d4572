"""A model that leaves for CTranslate2: equal log-probabilities, whatever of our parts it is made of."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.interop.outward import LEARNED, SENTENCES, make

import weft
from weft.base.errors import UnsupportedError
from weft.base.padded import pad
from weft.converting import convert
from weft.data.tokenizer import EOS
from weft.interop.out_tokenizer import vocabulary
from weft.store.folder import load

ctranslate2 = pytest.importorskip("ctranslate2")
tokenizers = pytest.importorskip("tokenizers")
SHAPES: dict[str, dict[str, Any]] = {
    "pre-norm": {"decoder_heads": 4, "decoder_feedforward_width": 41},
    "post-norm": {"norm_position": "post", "activation": "gelu"},
    "untied, no biases": {"tie": "none", "bias": False, "embedding_scale": "none"},
    "bias and scale of logits": {"logits_bias": True, "logits_scale": 0.7, "attention_scale": 0.5},
    "gated, rms": {"activation": "swiglu", "norm": "rms"},
    "gated, tanh": {"activation": "geglu_tanh", "bias": False},
    "gated, relu": {"activation": "reglu", "norm_epsilon": 1e-3},
    "learned": {**LEARNED, "norm_position": "post", "activation": "gelu_tanh"},
    "evenly spaced": {"position": "evenly_spaced", "position_offset": 1, "activation": "silu"},
}


@pytest.mark.parametrize("name", SHAPES)
def test_log_probabilities_are_equal(name: str, tmp_path: Path) -> None:
    stored = load(make(tmp_path / "ours", languages=("fr",), **SHAPES[name]))
    convert(tmp_path / "ours", tmp_path / "theirs", to="ct2")
    words, names = stored.tokenizer, vocabulary(stored.tokenizer)
    reader = tokenizers.Tokenizer.from_file(str(tmp_path / "theirs" / "tokenizer.json"))
    sources, targets = SENTENCES, [words.encode(text).ids for text in reversed(SENTENCES)]
    theirs = ctranslate2.Translator(str(tmp_path / "theirs"), intra_threads=1).score_batch(
        [reader.encode(source).tokens for source in sources], [[names[i] for i in target] for target in targets]
    )
    read = pad([[*words.encode(source).ids, EOS] for source in sources])
    with torch.no_grad():
        logits = stored.model(read, pad([[words.tag("fr"), *target] for target in targets]).values)
    for row, found, target in zip(logits.log_softmax(-1), theirs, targets, strict=True):
        wanted = [float(row[place, token]) for place, token in enumerate([*target, EOS])]
        torch.testing.assert_close(torch.tensor(found.log_probs), torch.tensor(wanted), rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"position": "rotary"}, "position 'rotary'"),
        ({"num_groups": 1}, "num_groups 1"),
        ({"key_width": 6, "value_width": 6}, "key_width 6"),
        ({"kind": "decoder_only"}, "kind 'decoder_only'"),
    ],
)
def test_what_it_has_not_is_refused_by_name(changes: dict[str, Any], named: str, tmp_path: Path) -> None:
    make(tmp_path / "ours", **changes)
    with pytest.raises(UnsupportedError, match=f"ctranslate2 has no model with .*{named}"):
        convert(tmp_path / "ours", tmp_path / "theirs", to="ct2")
    assert [path.name for path in tmp_path.iterdir()] == ["ours"]


def test_without_the_package_it_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ctranslate2.specs", None)
    make(tmp_path / "ours")
    with pytest.raises(UnsupportedError, match=r"wants its package, got none; pip install 'weft\[ct2\]'"):
        convert(tmp_path / "ours", tmp_path / "theirs", to="ct2")


def test_several_languages_are_asked_for_by_a_prefix(tiny_folder: Path, tmp_path: Path) -> None:
    convert(tiny_folder, tmp_path / "theirs", to="ct2")
    ours = weft.load(tiny_folder)
    reader = tokenizers.Tokenizer.from_file(str(tmp_path / "theirs" / "tokenizer.json"))
    theirs = ctranslate2.Translator(str(tmp_path / "theirs"), intra_threads=1)
    texts = ["the red dog sleeps.", "the cat sings!", "the white book burns?"]
    for to in ("fr", "rev"):
        wanted = [found.text for found in ours.translate(texts, to=to, beam=3)]
        assert wanted[0] == {"fr": "le chien rouge dort.", "rev": "sleeps dog red the."}[to]
        sources, prefixes = [reader.encode(text).tokens for text in texts], [[f"<2{to}>"]] * len(texts)
        found = theirs.translate_batch(sources, target_prefix=prefixes, beam_size=3, length_penalty=0.7)
        came = [[reader.token_to_id(token) for token in one.hypotheses[0]] for one in found]
        assert [reader.decode(ids, skip_special_tokens=True) for ids in came] == wanted
    assert 'target_prefix=[["<2fr>"]]' in (tmp_path / "theirs" / "README.md").read_text("utf-8")
