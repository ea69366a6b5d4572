"""`generation_config.json` as weft's search settings: how a checkpoint asks to be searched."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from weft.base.errors import ConfigError
from weft.base.validate import validate
from weft.interop.fields import Fields, understood
from weft.store.config import SearchDefaults

HARMLESS = frozenset(
    [
        "_from_model_config",
        "assistant_confidence_threshold",
        "assistant_early_exit",
        "assistant_lookbehind",
        "cache_config",
        "cache_implementation",
        "compile_config",
        "disable_compile",
        "epsilon_cutoff",
        "eta_cutoff",
        "generation_kwargs",
        "is_assistant",
        "low_memory",
        "max_matching_ngram_size",
        "max_time",
        "min_p",
        "num_assistant_tokens",
        "num_assistant_tokens_schedule",
        "output_attentions",
        "output_hidden_states",
        "output_logits",
        "output_scores",
        "prefill_chunk_size",
        "prompt_lookup_num_tokens",
        "remove_invalid_values",
        "return_dict_in_generate",
        "target_lookbehind",
        "temperature",
        "token_healing",
        "top_h",
        "top_k",
        "top_p",
        "transformers_version",
        "typical_p",
        "use_cache",
        "_commit_hash",
        "dola_layers",
        "penalty_alpha",
        "max_cache_len",
        "use_mtp",
        "speculation_type",
        "assistant_ensemble_weight",
        "continuous_batching_config",
    ]
)
"""Keys that say what is returned or how fast, or that only sampling reads."""


class GenerationFields(BaseModel):
    """What weft honours; a `Literal` says that it honours that value alone. None: transformers' own default."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    num_beams: int | None = Field(None, ge=1)
    max_length: int | None = Field(None, ge=2)
    """The start token is counted, so 2 leaves room for one."""
    max_new_tokens: int | None = Field(None, ge=1)
    min_length: int | None = Field(None, ge=0)
    min_new_tokens: int | None = Field(None, ge=0)
    early_stopping: bool | Literal["never"] | None = None
    length_penalty: float | None = Field(None, ge=0)
    no_repeat_ngram_size: int | None = Field(None, ge=0)
    bad_words_ids: list[list[int]] | None = None
    suppress_tokens: list[int] | None = None
    begin_suppress_tokens: list[int] | None = None
    renormalize_logits: bool | None = None
    forced_bos_token_id: int | None = None
    forced_eos_token_id: int | None = None
    force_bos_token_to_be_generated: bool | None = None
    """Of old configurations: the first token is `<s>`."""
    pad_token_id: int | None = None
    bos_token_id: int | None = None
    eos_token_id: int | None = None
    decoder_start_token_id: int | None = None
    do_sample: Literal[False] | None = None
    num_beam_groups: Literal[1] | None = None
    diversity_penalty: Literal[0] | None = None
    repetition_penalty: Literal[1] | None = None
    encoder_repetition_penalty: Literal[1] | None = None
    encoder_no_repeat_ngram_size: Literal[0] | None = None
    exponential_decay_length_penalty: None = None
    sequence_bias: None = None
    stop_strings: None = None
    guidance_scale: Literal[1] | None = None
    watermarking_config: None = None
    constraints: None = None
    force_words_ids: None = None
    num_return_sequences: Literal[1] | None = None

    @field_validator("eos_token_id", "forced_bos_token_id", "forced_eos_token_id", mode="before")
    @classmethod
    def _one(cls, value: Any) -> Any:
        """A list of one is that one."""
        return value[0] if isinstance(value, list) and len(value) == 1 else value


def keys(cls: type[GenerationFields]) -> frozenset[str]:
    """What old checkpoints say in config.json instead."""
    return frozenset(cls.model_fields) - frozenset(Fields.model_fields)


class Specials(BaseModel):
    """Token ids that a checkpoint brings along: weft's own are constants of its tokenizer."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    pad: int
    eos: int
    bos: int | None = None
    start: int
    """What the decoder reads first, unless the target language says so."""
    forced_first: int | None = None
    """What is written first, at no cost, unless the target language says so."""


def read_generation(
    cls: type[GenerationFields], data: Mapping[str, Any], *, where: str, ignore: Iterable[str] = ()
) -> GenerationFields:
    """The settings of a file. Raises ConfigError for a key it does not know and a value that weft cannot honour."""
    known = {key: value for key, value in data.items() if key not in HARMLESS and key not in ignore}
    return validate(cls, understood(cls, known, where=where), where=where)


def specials(fields: Fields, generation: GenerationFields, *, where: str) -> Specials:
    """The special ids: as the generation settings say, else as the model's fields do."""

    def either(name: str) -> Any:
        value = getattr(generation, name)
        return getattr(fields, name) if value is None else value

    pad, eos, bos, start = (either(f"{name}_token_id") for name in ("pad", "eos", "bos", "decoder_start"))
    start = bos if start is None else start
    if eos is None or start is None:
        lost = "eos_token_id" if eos is None else "decoder_start_token_id"
        raise ConfigError(f"{where}: wanted {lost}, got none; add it, the decoder cannot go without")
    first = generation.forced_bos_token_id
    if first is None and generation.force_bos_token_to_be_generated:
        first = bos
    return Specials(pad=eos if pad is None else pad, eos=eos, bos=bos, start=start, forced_first=first)


def check(asked: GenerationFields, specials: Specials, *, vocabulary_size: int, where: str) -> None:
    """Raises ConfigError for settings that contradict each other, or name tokens that the model has not."""
    named = specials.model_dump(include={"eos", "start", "forced_first"})
    named |= {"bad_words_ids": max((max(tokens, default=0) for tokens in asked.bad_words_ids or ()), default=0)}
    wrong = [(name, token) for name, token in named.items() if token is not None and not 0 <= token < vocabulary_size]
    if wrong:
        name, token = wrong[0]
        name = {"eos": "eos_token_id", "start": "decoder_start_token_id", "forced_first": "forced_bos_token_id"}.get(
            name, name
        )
        raise ConfigError(
            f"{where}: {name} wants a token below the vocabulary size {vocabulary_size}, got {token}; this file is "
            "another model's"
        )
    if asked.forced_eos_token_id not in (None, specials.eos):
        raise ConfigError(
            f"{where}: forced_eos_token_id must be eos_token_id {specials.eos}, got {asked.forced_eos_token_id}; weft "
            "ends a text in no other way"
        )
    found = search_defaults(asked, specials, vocabulary_size=vocabulary_size)
    if found.max_length is not None and found.min_length > found.max_length:
        raise ConfigError(
            f"{where}: the shortest text of {found.min_length} tokens is longer than the longest of {found.max_length}"
            "; lower min_length or raise max_length"
        )


def search_defaults(asked: GenerationFields, specials: Specials, *, vocabulary_size: int) -> SearchDefaults:
    """What a checkpoint asks for, in weft's words.

    Shortest lengths are the same number, since theirs counts the start token and not `</s>`, ours the other way round;
    the longest counts both. Where none is set, transformers stops after 20 tokens, weft by the length of the source.
    Tokens to be suppressed that the model cannot write anyway are left out.
    """

    def written(tokens: list[int] | None) -> tuple[int, ...]:
        return tuple(token for token in tokens or () if 0 <= token < vocabulary_size)

    longest = asked.max_new_tokens or (asked.max_length - 1 if asked.max_length else None)
    bad = [tuple(tokens) for tokens in asked.bad_words_ids or () if tokens != [specials.eos]]
    return SearchDefaults(
        beam=asked.num_beams or 1,
        length_penalty=1.0 if asked.length_penalty is None else asked.length_penalty,
        min_length=max(asked.min_length or 0, asked.min_new_tokens + 1 if asked.min_new_tokens else 0),
        max_length=longest,
        max_length_ratio=2.0 if longest is None else None,
        no_repeat_ngram=asked.no_repeat_ngram_size or 0,
        banned=(*(tokens[0] for tokens in bad if len(tokens) == 1), *written(asked.suppress_tokens)),
        banned_first=written(asked.begin_suppress_tokens),
        banned_sequences=tuple(tokens for tokens in bad if len(tokens) > 1),
        forced_first=specials.forced_first,
        forced_end=asked.forced_eos_token_id is not None,
        prefix_counts=False,
        renormalise=bool(asked.renormalize_logits),
        stopping={True: "full", "never": "certain"}.get(asked.early_stopping or False, "likely"),
        cut="among",
    )
