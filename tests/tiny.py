"""A tiny model that has learnt something: toy English to toy French, and English spelt backwards ("rev")."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F

from weft.alignment.settings import AlignmentSettings
from weft.base.padded import pad
from weft.data.tokenizer import EOS, Tokenizer
from weft.models.build import build
from weft.models.config import ModelConfig
from weft.store.config import LanguagePair, SearchDefaults, StoredConfig
from weft.store.folder import save

NOUNS = {"dog": "chien", "cat": "chat", "horse": "cheval", "house": "palais", "tree": "pin", "book": "livre"}
COLOURS = {"red": "rouge", "black": "noir", "white": "blanc", "green": "vert", "yellow": "jaune"}
VERBS = {"sleeps": "dort", "sings": "chante", "falls": "tombe", "burns": "brûle", "shines": "brille"}
ENDS = (".", "!", "?")
LANGUAGES = ("fr", "rev")
CARD = "# A toy\n\nTrained on sentences made up while the tests run.\n"


@dataclass(frozen=True)
class Toy:
    """One made-up sentence and its two translations."""

    source: str
    fr: str
    rev: str


def toy(rng: random.Random) -> Toy:
    """`the red dog sleeps.`: French puts the colour after the noun, `rev` all words the other way round."""
    noun, colour, verb, end = (rng.choice(list(words)) for words in (NOUNS, COLOURS, VERBS, ENDS))
    if rng.random() < 0.3:
        words, french = ["the", noun, verb], ["le", NOUNS[noun], VERBS[verb]]
    else:
        words, french = ["the", colour, noun, verb], ["le", NOUNS[noun], COLOURS[colour], VERBS[verb]]
    return Toy(" ".join(words) + end, " ".join(french) + end, " ".join(reversed(words)) + end)


def tokenizer() -> Tokenizer:
    rng = random.Random(3)
    texts = [text for one in (toy(rng) for _ in range(200)) for text in (one.source, one.fr)]
    return Tokenizer.train(texts, vocabulary_size=500, languages=LANGUAGES)


def config(words: Tokenizer, *, kind: str = "transformer", **more: object) -> StoredConfig:
    shape = ModelConfig.model_validate(
        {
            "kind": kind,
            "vocabulary_size": words.vocabulary_size,
            "width": 48,
            "num_heads": 2,
            "feedforward_width": 64,
            "encoder_layers": 1,
            "decoder_layers": 2,
            "dropout": 0.0,
            **more,
        }
    )
    settings = AlignmentSettings(layer=0, heads=(0, 1), threshold=0.2) if kind == "transformer" else None
    return StoredConfig(
        model=shape,
        languages=tuple(LanguagePair(from_="en", to=language) for language in LANGUAGES),
        alignment=settings,
        search=SearchDefaults(beam=3, length_penalty=0.7, max_length_ratio=1.0, max_length_offset=7),
    )


def train(
    model: torch.nn.Module, words: Tokenizer, *, steps: int, batch: int = 32, seed: int = 5, lr: float = 5e-3
) -> None:
    """Plain teacher forcing on fresh sentences; the loss of the last step must have come down."""
    rng, optimizer = random.Random(seed), torch.optim.Adam(model.parameters(), lr=lr)
    for _ in range(steps):
        sentences = [toy(rng) for _ in range(batch // len(LANGUAGES))]
        pairs = [(one.source, language, getattr(one, language)) for one in sentences for language in LANGUAGES]
        sources = words.encode_batch([source for source, _, _ in pairs])
        targets = words.encode_batch([target for _, _, target in pairs])
        source = pad([[*ids, EOS] for ids in sources])
        inputs = pad([[words.tag(to), *ids] for (_, to, _), ids in zip(pairs, targets, strict=True)])
        outputs = pad([[*ids, EOS] for ids in targets])
        loss = F.cross_entropy(model(source, inputs.values)[outputs.keep], outputs.values[outputs.keep])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert float(loss.detach()) < 0.5, f"the toy was not learnt: loss {float(loss.detach())}"


def save_tiny(folder: Path) -> Path:
    """The folder of a Transformer that has learnt the toy languages."""
    words = tokenizer()
    settings = config(words)
    with torch.random.fork_rng():
        torch.manual_seed(11)
        model = build(settings.model)
        train(model, words, steps=140)
    save(folder, model.eval(), words, settings, CARD)
    return folder


def save_untrained(folder: Path, *, kind: str, seed: int = 7, **more: object) -> Path:
    """The folder of a model of this kind (and shape) that has learnt nothing: it writes any bytes."""
    words = tokenizer()
    settings = config(words, kind=kind, **more)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = build(settings.model)
    save(folder, model.eval(), words, settings, CARD)
    return folder
