"""How a model is trained, as data."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Decay = Annotated[float, Field(ge=0.0, lt=1.0)]


class TrainingConfig(BaseModel):
    """Optimisation, batches, precision, averaging and when to stop. Lengths of time are counted in updates (steps)."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    steps: int = Field(gt=0)
    """Updates until the end."""
    batch_tokens: int = Field(4096, gt=0)
    """Padded source and target tokens of one micro-batch."""
    accumulate: int = Field(1, gt=0)
    """Micro-batches per process whose gradients are summed into one update."""
    learning_rate: float = Field(1e-3, gt=0)
    """The highest learning rate, reached at the end of the warm-up."""
    schedule: Literal["inverse_sqrt", "cosine", "linear", "constant"] = "inverse_sqrt"
    """How the rate falls after the warm-up; cosine and linear reach `final_rate` at the last step."""
    warmup_steps: int = Field(1000, ge=0)
    """Updates over which the rate rises linearly from zero."""
    final_rate: float = Field(0.0, ge=0.0, le=1.0)
    """Where cosine and linear end, as a share of the highest rate."""
    betas: tuple[Decay, Decay] = (0.9, 0.98)
    """Decay of AdamW's averages of gradients and of their squares."""
    weight_decay: float = Field(0.0, ge=0.0)
    """AdamW's decoupled decay, of matrices only."""
    clip_norm: float = Field(1.0, ge=0.0)
    """Gradients are scaled down to this norm; 0 leaves them."""
    label_smoothing: float = Field(0.1, ge=0.0, lt=1.0)
    """Share of the target probability that is spread over the whole vocabulary."""
    gist: float = Field(0.0, ge=0.0)
    """Weight of a second loss, in nats a target token: each token foretold from the mean of the encoder's states alone.
    It teaches an encoder of pictures that begins from nothing to see; 0: none."""
    contrast: float = Field(0.0, ge=0.0)
    """Weight of a third loss, in nats a target token: which source of the micro-batch a target is of, told by how
    likely the gist of each makes the target's tokens. It wants a gist; 0: none."""
    reading_only: bool = False
    """Whether the gist is all that is learnt: a first stretch, which costs no decoding, before `--init` of the next."""
    precision: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """What matrix products run in (autocast). auto: bfloat16 on a GPU that has it, else float32; on a CPU bfloat16 pays
    only with AMX, and float16 is refused."""
    ema: Decay = 0.0
    """Decay of the exponential moving average of the weights, which is then what is validated and kept; 0: none."""
    log_every: int = Field(100, gt=0)
    """Updates between lines of the log."""
    validate_every: int = Field(1000, gt=0)
    """Updates between looks at the development set."""
    checkpoint_every: int = Field(1000, gt=0)
    """Updates between checkpoints to resume from."""
    keep_checkpoints: int = Field(2, gt=0)
    """How many of the latest checkpoints stay."""
    average_last: int = Field(0, ge=0)
    """Weights of so many latest validations are averaged into `last`; 0 takes the last ones as they are."""
    patience: int = Field(0, ge=0)
    """Validations without a better score after which training stops; 0 never stops early."""
    metric: Literal["bleu", "chrf", "cider", "loss"] = "bleu"
    """The development score that names the best model; cider is of captions, chrf of translations."""
