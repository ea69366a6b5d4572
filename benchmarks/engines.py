"""The same random Marian in three programs: transformers, weft and CTranslate2; all write a given number of tokens."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ctranslate2
import torch
import transformers
from ctranslate2.converters.transformers import BartLoader

from weft.alignment.gather import gather
from weft.attention.record import Record
from weft.base.padded import pad
from weft.generation.search import search
from weft.generation.settings import SearchSettings
from weft.interop.read import read
from weft.models.build import cross_site
from weft.models.int8 import to_int8

PAD, EOS, FIRST = 0, 1, 2
LOUD = {"shared": 3.0, "embed_tokens": 3.0, "encoder_attn.out": 0.5}
"""Parts with other weights than of deviation 1: what was written last must matter beside what was read."""
Texts = list[tuple[int, ...]]


@dataclass(frozen=True)
class Shape:
    """Layers of encoder and decoder, width, feed-forward width, heads, vocabulary."""

    encoder: int
    decoder: int
    width: int
    inner: int
    heads: int
    vocabulary: int


SHAPES = {"small": Shape(6, 2, 256, 1024, 4, 8000), "base": Shape(6, 6, 512, 2048, 8, 32000)}


@dataclass(frozen=True)
class Work:
    """What every program does once: sources `[batch source]` to `tokens` tokens each, `beam` hypotheses wide."""

    sources: Texts
    beam: int
    tokens: int


Engine = Callable[[Work], Texts]


@torch.no_grad()
def marian(shape: Shape, *, seed: int = 7) -> Any:
    """A Marian of random weights that are scaled until what it writes varies; `</s>` is never written."""
    config = transformers.MarianConfig(
        vocab_size=shape.vocabulary,
        d_model=shape.width,
        encoder_layers=shape.encoder,
        decoder_layers=shape.decoder,
        encoder_attention_heads=shape.heads,
        decoder_attention_heads=shape.heads,
        encoder_ffn_dim=shape.inner,
        decoder_ffn_dim=shape.inner,
        max_position_embeddings=1024,
        activation_function="relu",
        scale_embedding=True,
        pad_token_id=PAD,
        eos_token_id=EOS,
        decoder_start_token_id=PAD,
        forced_eos_token_id=None,
    )
    torch.manual_seed(seed)
    model = transformers.MarianMTModel(config).eval()
    for name, parameter in model.named_parameters():
        if "embed_positions" in name:
            continue
        if "norm" in name and name.endswith("weight"):
            torch.nn.init.normal_(parameter, 1.0, 0.3)
        elif parameter.dim() == 1:
            torch.nn.init.normal_(parameter, 0.0, 0.3)
        else:
            loud = next((value for part, value in LOUD.items() if part in name), 1.0)
            torch.nn.init.normal_(parameter, 0.0, loud * parameter.shape[-1] ** -0.5)
    # Or what was read would be what is written, for ever: embedding and projection are one table.
    model.model.decoder.layers[-1].final_layer_norm.weight *= torch.randn(shape.width).sign()
    _tell_apart(model)
    torch.nn.init.normal_(model.final_logits_bias, 0.0, 0.3)
    model.final_logits_bias[:, [PAD, EOS]] = -1e4
    return model


def _tell_apart(model: Any) -> None:
    """Takes out of the table what all states have in common, so that logits tell of what differs."""
    table = model.model.shared.weight
    source, target = (torch.randint(FIRST, len(table), (16, length)) for length in (16, 5))
    states = model.model(input_ids=source, decoder_input_ids=target, use_cache=False).last_hidden_state.flatten(0, 1)
    mean = states.mean(0)
    table -= torch.outer(table @ mean, mean) / mean.square().sum()


def by_transformers(model: Any) -> Engine:
    """`generate` as it comes: fused attention, a cache that grows."""

    def run(work: Work) -> Texts:
        return [tuple(row[1:]) for row in _generated(model, work).tolist()]

    return run


def by_transformers_looking(folder: Path) -> Engine:
    """`generate` with attention returned, which is eager attention; one layer's is averaged over heads and joined."""
    model = transformers.MarianMTModel.from_pretrained(folder / "hf", attn_implementation="eager").eval()

    def run(work: Work) -> Texts:
        found = _generated(model, work, output_attentions=True, return_dict_in_generate=True)
        torch.cat([step[-1].mean(1) for step in found.cross_attentions], 1)
        return [tuple(row[1:]) for row in found.sequences.tolist()]

    return run


def _generated(model: Any, work: Work, **more: Any) -> Any:
    ids = torch.tensor(work.sources)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.generate(
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            do_sample=False,
            num_beams=work.beam,
            max_new_tokens=work.tokens,
            **more,
        )


def by_weft(model: Any, *, layer: int | None = None) -> Engine:
    """weft's search; with a `layer`, what every head of it attends to is recorded, and read for what was written."""

    def run(work: Work) -> Texts:
        site = None if layer is None else cross_site(layer)
        record = None if site is None else Record([site])
        source = pad(work.sources)
        with torch.inference_mode():
            result = search(
                model,
                model.encode(source),
                start=torch.full((len(source),), PAD),
                source_lengths=source.lengths,
                eos=EOS,
                settings=SearchSettings(beam=work.beam, max_length=work.tokens, max_length_ratio=None),
                record=record,
            )
            if record is not None and site is not None:
                slots = [best.slots or () for best in result.best]
                asked = gather(record.at(site), result.rows, sources=range(len(source)), slots=slots)
                asked.observation.weights().mean(1)
        return [best.tokens for best in result.best]

    return run


def by_ctranslate2(folder: Path, compute_type: str) -> Engine:
    """CTranslate2 on as many threads as torch has, all of them for one batch."""
    translator = ctranslate2.Translator(
        str(folder), compute_type=compute_type, inter_threads=1, intra_threads=torch.get_num_threads()
    )

    def run(work: Work) -> Texts:
        found = translator.translate_batch(
            [[str(token) for token in source] for source in work.sources],
            beam_size=work.beam,
            max_decoding_length=work.tokens,
            max_input_length=0,
        )
        return [tuple(int(token) for token in one.hypotheses[0]) for one in found]

    return run


def saved(shape: Shape, folder: Path) -> Any:
    """A model of transformers, written to `folder/hf` for weft and to `folder/ct2` for CTranslate2."""
    model = marian(shape)
    model.save_pretrained(folder / "hf")
    _to_ctranslate2(model, folder / "ct2")
    return model


def _to_ctranslate2(model: Any, folder: Path) -> None:
    """Without what its converter for Marian does to vocabularies, so that all programs compute the same."""
    model.config.normalize_before = model.config.normalize_embedding = False
    spec = BartLoader().get_model_spec(model)
    names = [str(token) for token in range(model.config.vocab_size)]
    spec.register_source_vocabulary(names)
    spec.register_target_vocabulary(names)
    spec.config.bos_token, spec.config.eos_token, spec.config.unk_token = names[PAD], names[EOS], names[PAD]
    spec.config.decoder_start_token = names[PAD]
    spec.validate()
    spec.optimize()
    folder.mkdir()
    spec.save(str(folder))


def weft_model(folder: Path, *, int8: bool = False) -> Any:
    """What weft makes of the files of transformers."""
    model = read(folder / "hf").model
    return to_int8(model) if int8 else model
