"""Forced targets: their scores are those of the model's own logits, whatever makes these of states."""

from __future__ import annotations

import pytest
import torch

from weft.base.padded import pad
from weft.data.direction import EOS, Direction
from weft.models.build import build
from weft.models.config import ModelConfig
from weft.translating.forcing import forced_scores


@pytest.mark.parametrize("changes", [{}, {"logits_bias": True, "logits_scale": 0.7}])
def test_scores_are_those_of_the_logits(changes: dict[str, float]) -> None:
    config = {"vocabulary_size": 13, "width": 6, "num_heads": 3, "feedforward_width": 5, "decoder_layers": 1, **changes}
    model = build(ModelConfig.model_validate(config)).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        logits = model(pad([[5, 7, 11, EOS]]), torch.tensor([[3, 8, 4]]))
    wanted = logits[0].log_softmax(-1)[[0, 1, 2], [8, 4, EOS]].sum()
    found = forced_scores(model, [[5, 7, 11]], [[8, 4]], direction=Direction(3))
    assert found == pytest.approx([float(wanted)], rel=1e-5)
