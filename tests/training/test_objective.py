"""What is minimised: the loss of real target tokens, whatever the padding is and holds."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from weft.base.edges import Edges
from weft.base.padded import Padded, Shared, pad
from weft.models.build import build
from weft.models.config import ModelConfig
from weft.models.encoder_decoder import EncoderDecoder
from weft.training.gist import SHARPNESS
from weft.training.loss import cross_entropy
from weft.training.objective import Objective

SMOOTHING = 0.1
KINDS = ["transformer", "recurrent", "decoder_only"]


@pytest.fixture(params=KINDS)
def model(request: pytest.FixtureRequest) -> nn.Module:
    torch.default_generator.manual_seed(3)
    config = ModelConfig(
        kind=request.param, vocabulary_size=31, width=14, num_heads=2, feedforward_width=17, encoder_layers=1,
        decoder_layers=1, dropout=0.0,
    )  # fmt: skip
    return build(config).double()


def batch(padding: int, *, more: int = 0) -> tuple[Padded, torch.Tensor, Padded, Edges]:
    """Three pairs of different lengths, padded with the given id and `more` columns than needed."""
    tokens = torch.randint(3, 31, (100,), generator=torch.Generator().manual_seed(5)).tolist()
    source = [tokens[:2], tokens[2:7], tokens[7:10]]
    outputs = [tokens[10:15], tokens[15:17], tokens[17:24]]
    inputs = [[1, *output[:-1]] for output in outputs]
    wider = [_wider(pad(rows, padding=padding), more, padding) for rows in (source, inputs, outputs)]
    return wider[0], wider[1].values, wider[2], Edges.none()


def _wider(rows: Padded, more: int, padding: int) -> Padded:
    widen = nn.functional.pad
    return Padded(widen(rows.values, (0, more), value=padding), widen(rows.keep, (0, more), value=False))


def test_it_is_the_smoothed_loss_of_the_models_logits(model: nn.Module) -> None:
    source, target_input, target_output, edges = batch(0)
    found = Objective(model, smoothing=SMOOTHING)(source, target_input, target_output, edges)
    real = target_output.keep
    wanted = cross_entropy(model(source, target_input)[real], target_output.values[real], SMOOTHING)
    torch.testing.assert_close(found.smoothed, wanted.smoothed)
    torch.testing.assert_close(found.likelihood, wanted.likelihood)


def test_padding_is_not_counted_and_gets_no_gradient(model: nn.Module) -> None:
    objective = Objective(model, smoothing=SMOOTHING)
    losses = [objective(*batch(padding, more=more)).minimised for padding, more in ((0, 0), (29, 0), (0, 5))]
    parameters = list(model.parameters())
    wanted = torch.autograd.grad(losses[0], parameters)
    for loss in losses[1:]:
        torch.testing.assert_close(loss, losses[0])
        torch.testing.assert_close(torch.autograd.grad(loss, parameters), wanted)


def test_autocast_is_close(model: nn.Module) -> None:
    model = model.float()
    exact = Objective(model, smoothing=SMOOTHING)(*batch(0)).smoothed
    rough = Objective(model, smoothing=SMOOTHING, autocast=torch.bfloat16)(*batch(0)).smoothed
    assert rough.dtype is torch.float32
    torch.testing.assert_close(rough, exact, rtol=0.01, atol=0)


def gisted() -> EncoderDecoder:
    torch.default_generator.manual_seed(3)
    shape = {"width": 14, "num_heads": 2, "feedforward_width": 17, "encoder_layers": 1, "decoder_layers": 1}
    return build(ModelConfig.model_validate({"vocabulary_size": 31, "dropout": 0.0, **shape})).double()


def test_with_a_gist_every_token_is_foretold_from_what_was_read_alone() -> None:
    model, (source, target_input, target_output, edges) = gisted(), batch(0)
    plain = Objective(model, smoothing=SMOOTHING)(source, target_input, target_output, edges)
    found = Objective(model, smoothing=SMOOTHING, gist=0.3)(source, target_input, target_output, edges)
    _, gist = model.states_and_gist(source, target_input)
    real = target_output.keep
    logits = (gist @ model.projection().T)[:, None].expand(-1, real.shape[1], -1)
    told = cross_entropy(logits[real], target_output.values[real], SMOOTHING).smoothed
    torch.testing.assert_close(found.minimised, plain.minimised + 0.3 * told)
    torch.testing.assert_close(found.smoothed, plain.smoothed)


def test_a_contrast_tells_by_their_words_which_source_targets_are_of() -> None:
    model, (source, target_input, target_output, edges) = gisted(), batch(0, more=2)
    shared = Shared(source, torch.tensor([2, 0, 2]))  # the second source has no target, the third has two
    without, found = (
        Objective(model, smoothing=SMOOTHING, gist=0.3, contrast=contrast)(shared, target_input, target_output, edges)
        for contrast in (0.0, 0.7)
    )
    log_probability = (model.gist(source) @ model.projection().T).log_softmax(-1)
    texts = [target_output.values[row][target_output.keep[row]] for row in range(3)]
    apart = torch.zeros(())
    for own, words in ((0, texts[1]), (2, torch.cat((texts[0], texts[2])))):
        scores = SHARPNESS * log_probability[:, words].mean(1)
        apart = apart - len(words) * scores.log_softmax(0)[own]
    torch.testing.assert_close(found.minimised, without.minimised + 0.7 * apart)
    torch.testing.assert_close(found.smoothed, without.smoothed)


def test_reading_only_is_the_gist_alone_and_asks_nothing_of_the_decoder() -> None:
    model = gisted()
    both, plain = (Objective(model, smoothing=SMOOTHING, gist=gist)(*batch(0)).minimised for gist in (0.3, 0.0))
    found = Objective(model, smoothing=SMOOTHING, gist=0.3, reading_only=True)(*batch(0))
    torch.testing.assert_close(found.minimised, both - plain)
    found.minimised.backward()
    assert all(weight.grad is None for weight in model.decoder.layers.parameters())
    assert all(weight.grad is not None for weight in model.encoder.layers.parameters())
