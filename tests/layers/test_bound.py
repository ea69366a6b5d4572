"""Modules as functions: the same numbers, the module's own parameters, its mode at the time of binding."""

from __future__ import annotations

import torch
from torch import nn

from weft.attention import Fused
from weft.attention.masks import Causal
from weft.layers.attention import Heads, SelfAttention
from weft.layers.block import EncoderLayer
from weft.layers.bound import bound
from weft.layers.cache import Fresh
from weft.layers.dropout import Dropout
from weft.layers.feedforward import FEEDFORWARDS
from weft.layers.position import NoRotation
from weft.layers.residual import Skip

D, T = 12, 5


def layer(dropout: float = 0.0) -> EncoderLayer:
    attention = SelfAttention(
        D, Heads(3, 3, 4, 4), backend=Fused(), rotation=NoRotation(), dropout=0.0, site="self", bias=True
    )
    kind, activation = FEEDFORWARDS["relu"]
    feedforward = kind(D, 17, activation=activation, dropout=0.0)
    skips = tuple(Skip(nn.Identity(), Dropout(dropout), nn.LayerNorm(D)) for _ in range(2))
    return EncoderLayer(attention, feedforward, skips)


def test_a_bound_layer_is_the_layer_to_the_bit():
    module, x, positions = layer(), torch.randn(2, T, D), torch.arange(T)
    torch.testing.assert_close(
        bound(module)(x, Fresh(Causal()), positions), module(x, Fresh(Causal()), positions), rtol=0, atol=0
    )


def test_a_bound_function_reads_the_parameters_themselves():
    module, x = nn.Linear(D, 7), torch.randn(3, D)
    function = bound(module)
    with torch.no_grad():
        module.weight.zero_()
    torch.testing.assert_close(function(x), module.bias.expand(3, 7))
    function(x).sum().backward()
    assert module.weight.grad is not None


def test_embeddings_and_norms_of_torch_are_known():
    table, norm, ids = nn.Embedding(11, D, padding_idx=0), nn.LayerNorm(D), torch.tensor([[0, 3, 7]])
    torch.testing.assert_close(bound(norm)(bound(table)(ids)), norm(table(ids)), rtol=0, atol=0)


def test_dropout_is_there_while_it_trains_and_only_then():
    module, x, positions = layer(0.5), torch.randn(2, T, D), torch.arange(T)
    module.train()
    trained = bound(module)(x, Fresh(Causal()), positions)
    module.eval()
    decided = bound(module)(x, Fresh(Causal()), positions)
    torch.testing.assert_close(decided, module(x, Fresh(Causal()), positions), rtol=0, atol=0)
    assert not torch.equal(trained, decided)


def test_a_module_that_nobody_knows_stays_as_it_is():
    class Doubling(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return 2 * x

    module = Doubling()
    assert bound(module) is module
