"""The shipped model in the hands of transformers and of CTranslate2, and back: the trained case of conversion."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest
import torch

import weft
from weft.base.padded import pad
from weft.converting import convert
from weft.data.tokenizer import EOS
from weft.generation.search import search
from weft.generation.settings import SearchSettings
from weft.interop.read import read

SENTENCES = (Path(__file__).parent / "sentences.en.txt").read_text(encoding="utf-8").splitlines()[:12]


@pytest.fixture(scope="module")
def ours() -> weft.Translator:
    return weft.load("en-fr")


def written(ours: weft.Translator, beam: int) -> list[tuple[int, ...]]:
    """The tokens that weft's own search writes, `</s>` included."""
    words = ours.tokenizer
    source = pad([[*words.encode(text).ids, EOS] for text in SENTENCES])
    settings = SearchSettings(**ours.config.search.model_dump() | {"beam": beam})
    with torch.inference_mode():
        found = search(
            ours.decoder.model,
            ours.decoder.model.encode(source),
            start=torch.full((len(SENTENCES),), words.tag("fr")),
            source_lengths=source.lengths,
            eos=EOS,
            settings=settings,
        )
    return [ranked[0].tokens for ranked in found.hypotheses]


@pytest.mark.filterwarnings("ignore:.*num_beams.*:UserWarning")
def test_transformers_writes_its_tokens_and_weft_reads_it_back(ours: weft.Translator, tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    convert("en-fr", tmp_path / "theirs", to="hf")
    words = transformers.AutoTokenizer.from_pretrained(tmp_path / "theirs")
    theirs = transformers.AutoModelForSeq2SeqLM.from_pretrained(tmp_path / "theirs")
    batch = words(SENTENCES, return_tensors="pt", padding=True)
    source = pad([[*ours.tokenizer.encode(text).ids, EOS] for text in SENTENCES])
    assert torch.equal(batch["input_ids"], source.values)
    targets = pad([[ours.tokenizer.tag("fr"), *tokens] for tokens in written(ours, 1)]).values
    with torch.no_grad():
        wanted = ours.decoder.model(source, targets)
        torch.testing.assert_close(theirs(**batch, decoder_input_ids=targets).logits, wanted, rtol=0, atol=1e-5)
        torch.testing.assert_close(read(tmp_path / "theirs").model(source, targets), wanted, rtol=0, atol=1e-5)
    for beam in (1, 4):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = theirs.generate(**batch, num_beams=beam)
        rows = [row[1:].tolist() for row in found]
        assert [tuple(row[: row.index(EOS) + 1]) for row in rows] == written(ours, beam)


def test_ctranslate2_writes_its_tokens(ours: weft.Translator, tmp_path: Path) -> None:
    ctranslate2 = pytest.importorskip("ctranslate2")
    tokenizers = pytest.importorskip("tokenizers")
    convert("en-fr", tmp_path / "theirs", to="ct2")
    words = tokenizers.Tokenizer.from_file(str(tmp_path / "theirs" / "tokenizer.json"))
    theirs = ctranslate2.Translator(str(tmp_path / "theirs"), intra_threads=1)
    sources = [words.encode(text).tokens for text in SENTENCES]
    for beam in (1, 4):
        found = [one.hypotheses[0] for one in theirs.translate_batch(sources, beam_size=beam)]
        assert [(*map(words.token_to_id, tokens), EOS) for tokens in found] == written(ours, beam)
