"""Laws of the guided head: its loss is that of the dense weights, and text is written as if it were not there."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from weft.attention.record import Record
from weft.base.edges import Edges
from weft.base.errors import ConfigError, UnsupportedError
from weft.base.padded import pad
from weft.base.validate import validate
from weft.models.build import build
from weft.models.config import ModelConfig
from weft.training.objective import Objective

SHAPE = {"vocabulary_size": 31, "width": 14, "num_heads": 2, "feedforward_width": 17, "encoder_layers": 1,
         "decoder_layers": 3, "dropout": 0.0}  # fmt: skip
HEAD = {"layer": 1, "head": 1}
SOURCE = pad([[5, 7, 9, 11, 2], [13, 17, 2]])
TARGET_INPUT = pad([[3, 6, 8], [3, 10, 12]]).values
TARGET_OUTPUT = pad([[6, 8, 2], [10, 12, 2]])
EDGES = Edges(
    torch.tensor([0, 0, 0, 1, 1]),
    torch.tensor([0, 0, 1, 0, 1]),
    torch.tensor([1, 2, 3, -1, 0]),
    torch.tensor([0.5, 0.5, 1.0, 1.0, 1.0], dtype=torch.float64),
)


def model(**changed: object) -> nn.Module:
    torch.default_generator.manual_seed(3)
    made = build(ModelConfig.model_validate({**SHAPE, "alignment_head": HEAD, **changed})).double()
    for name, parameter in made.named_parameters():
        if ".null." in name:
            nn.init.normal_(parameter)
    return made


def dense(made: nn.Module) -> torch.Tensor:
    """The same sum from all weights of the head, each row beside the score of no word."""
    record = Record(["decoder.1.target_to_source"])
    made.states(SOURCE, TARGET_INPUT, record)
    seen = record.at("decoder.1.target_to_source")[0]
    assert seen.null is not None
    scores = torch.einsum("btk,bsk->bts", seen.query[:, 1], seen.memory.k[:, 1]) * seen.query.shape[-1] ** -0.5
    scores = scores.masked_fill(~SOURCE.keep[:, None, :], -torch.inf)
    logs = torch.cat([scores, seen.null.scores(seen.query, None)[..., None]], -1).log_softmax(-1)
    return (EDGES.weight * logs[EDGES.row, EDGES.target + 1, EDGES.source]).sum()


def test_the_likelihood_of_the_edges_and_its_gradients_are_those_of_dense_weights() -> None:
    made = model()
    states, likelihood = made.aligned_states(SOURCE, TARGET_INPUT, EDGES)
    torch.testing.assert_close(states, made.states(SOURCE, TARGET_INPUT), rtol=0, atol=0)
    torch.testing.assert_close(likelihood, dense(made), rtol=1e-12, atol=1e-12)
    parameters = {name: p for name, p in made.named_parameters() if "layers.2" not in name and "projection" not in name}
    found, wanted = (
        torch.autograd.grad(total, list(parameters.values()), allow_unused=True) for total in (likelihood, dense(made))
    )
    for name, one, other in zip(parameters, found, wanted, strict=True):
        assert (one is None) == (other is None), name
        if one is not None and other is not None:
            torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-12, msg=name)
    assert any(".null.key" in name for name in parameters)


def test_no_word_changes_no_bit_of_what_is_written() -> None:
    made, plain = model(), model(alignment_head=None)
    weights = {name: p for name, p in made.state_dict().items() if ".null." not in name}
    plain.load_state_dict(weights)
    assert torch.equal(made(SOURCE, TARGET_INPUT), plain(SOURCE, TARGET_INPUT))


def test_the_objective_adds_the_weighted_loss_of_the_edges() -> None:
    made = model()
    batch = (SOURCE, TARGET_INPUT, TARGET_OUTPUT, EDGES)
    plain = Objective(made, smoothing=0.1)(*batch)
    guided = Objective(made, smoothing=0.1, guidance=0.3)(*batch)
    torch.testing.assert_close(guided.alignment, -dense(made).detach())
    torch.testing.assert_close(guided.minimised, plain.minimised + 0.3 * guided.alignment)
    torch.testing.assert_close(guided.smoothed, plain.smoothed)
    assert float(plain.alignment) == 0


def test_a_batch_without_edges_still_reaches_every_parameter_of_the_head() -> None:
    made = model()
    losses = Objective(made, smoothing=0.1, guidance=0.3)(SOURCE, TARGET_INPUT, TARGET_OUTPUT, Edges.none())
    losses.minimised.backward()
    assert all(parameter.grad is not None for parameter in made.parameters())


def test_a_few_steps_teach_the_head_its_links() -> None:
    made = model()
    optimizer = torch.optim.Adam(made.parameters(), 1e-2)
    likelihoods = []
    for _ in range(60):
        likelihood = made.aligned_states(SOURCE, TARGET_INPUT, EDGES)[1]
        optimizer.zero_grad()
        (-likelihood).backward()
        optimizer.step()
        likelihoods.append(float(likelihood.detach()))
    assert likelihoods[-1] > -1.6 > likelihoods[0]  # half of it must stay: one token came from two
    record = Record(["decoder.1.target_to_source"])
    made.states(SOURCE, TARGET_INPUT, record)
    seen = record.at("decoder.1.target_to_source")[0]
    assert seen.null_mass()[1, 1] > 0.9
    assert seen.weights([1])[0, 0, 2].argmax() == 3


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"alignment_head": {"layer": 3}}, "one of 3 decoder layers and 2 heads, got layer 3, head 0"),
        ({"alignment_head": {"layer": 0, "head": 2}}, "got layer 0, head 2; both are counted from 0"),
        ({"kind": "recurrent", "alignment_head": HEAD}, "a recurrent model has no cross-attention to guide"),
    ],
)
def test_a_head_that_is_not_there_is_refused(changed: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        validate(ModelConfig, {**SHAPE, **changed}, where="test")


def test_a_model_without_a_head_cannot_be_guided() -> None:
    with pytest.raises(UnsupportedError, match="no alignment head to guide; set alignment_head"):
        model(alignment_head=None).aligned_states(SOURCE, TARGET_INPUT, EDGES)
