"""Sub-layers against a few lines of plain torch: norm placement, feed-forwards, the order of a decoder layer."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from weft.attention import Causal, Padding, Record, Reference
from weft.base.errors import ConfigError
from weft.layers.attention import CrossAttention, Heads, SelfAttention, join_heads, split_heads
from weft.layers.block import DecoderLayer, EncoderLayer
from weft.layers.cache import Fresh
from weft.layers.feedforward import FEEDFORWARDS
from weft.layers.length_scaling import Unscaled
from weft.layers.norm import NORMS
from weft.layers.null import NoNull
from weft.layers.position import NoRotation
from weft.layers.residual import Residual, Skip

D = 12


def double(module: nn.Module) -> nn.Module:
    torch.default_generator.manual_seed(2)
    for weight in module.parameters():
        nn.init.normal_(weight, std=0.3)
    return module.double().eval()


def self_attention(heads: Heads, dropout: float = 0.0) -> SelfAttention:
    return SelfAttention(D, heads, backend=Reference(), rotation=NoRotation(), dropout=dropout, site="self")


def cross_attention(heads: Heads, memory_width: int = D) -> CrossAttention:
    return CrossAttention(
        D,
        heads,
        memory_width=memory_width,
        backend=Reference(),
        dropout=0.0,
        site="target_to_source",
        null=NoNull(),
        length_scaling=Unscaled(),
    )


def identities() -> Skip:
    return Skip(nn.Identity(), nn.Identity(), nn.Identity())


@pytest.mark.parametrize("norm", NORMS)
def test_norms_are_what_they_are_called(norm):
    x = torch.randn(2, 5, D)
    module = NORMS[norm](D)
    wanted = F.layer_norm(x, (D,)) if norm == "layer" else x / x.pow(2).mean(-1, keepdim=True).sqrt()
    torch.testing.assert_close(module(x), wanted, atol=1e-4, rtol=1e-4)


def test_pre_norm_and_post_norm_differ_in_data_alone():
    x, norm, inner = torch.randn(2, 5, D), nn.LayerNorm(D), nn.Linear(D, D)
    pre = Residual(inner, Skip(norm, nn.Identity(), nn.Identity()))
    post = Residual(inner, Skip(nn.Identity(), nn.Identity(), norm))
    torch.testing.assert_close(pre(x), x + inner(norm(x)))
    torch.testing.assert_close(post(x), norm(x + inner(x)))


@pytest.mark.parametrize("name", FEEDFORWARDS)
def test_feed_forward_is_its_formula(name):
    cls, activation = FEEDFORWARDS[name]
    module, x = double(cls(D, 17, activation=activation, dropout=0.0)), torch.randn(2, 5, D).double()
    formulas = {
        "relu": lambda y: y.clamp_min(0),
        "gelu": lambda y: y * 0.5 * (1 + torch.erf(y / 2**0.5)),
        "gelu_tanh": lambda y: y * 0.5 * (1 + torch.tanh((2 / torch.pi) ** 0.5 * (y + 0.044715 * y**3))),
        "silu": lambda y: y * torch.sigmoid(y),
    }
    gated = {"reglu": "relu", "geglu": "gelu", "geglu_tanh": "gelu_tanh", "swiglu": "silu"}
    gate, value = (*module.inner(x).split(17, -1), torch.ones(()))[:2]
    torch.testing.assert_close(module(x), module.outer(formulas[gated.get(name, name)](gate) * value))


def test_feed_forward_drops_inside():
    cls, activation = FEEDFORWARDS["relu"]
    module, x = cls(D, 17, activation=activation, dropout=0.5), torch.randn(2, 5, D)
    assert not torch.equal(module(x), module(x))
    assert torch.equal(module.eval()(x), module(x))


def test_heads_split_and_join():
    x = torch.randn(2, 5, 12)
    assert torch.equal(split_heads(x, 3)[1, 2, 4], x[1, 4, 8:12])
    assert torch.equal(join_heads(split_heads(x, 3)), x)


def test_attention_is_torch_s_multihead_attention():
    """With one head count, equal widths and the same weights; torch's mask says True for "ignore"."""
    heads = Heads(3, 3, 4, 4)
    ours, theirs = double(cross_attention(heads)), nn.MultiheadAttention(D, 3, batch_first=True).double().eval()
    with torch.no_grad():
        theirs.in_proj_weight.copy_(torch.cat((ours.q.weight, ours.kv.weight)))
        theirs.in_proj_bias.copy_(torch.cat((ours.q.bias, ours.kv.bias)))
        theirs.out_proj.load_state_dict(ours.out.state_dict())
    x, memory = torch.randn(2, 5, D).double(), torch.randn(2, 7, D).double()
    keep, record = torch.arange(7) < torch.tensor([[7], [4]]), Record()
    context = ours(x, ours.prepare(memory, Padding(keep)), record)
    wanted, weights = theirs(x, memory, memory, key_padding_mask=~keep, average_attn_weights=False)
    torch.testing.assert_close(context, wanted)
    torch.testing.assert_close(record.entries[0].weights(), weights)


def test_self_attention_is_cross_attention_to_oneself():
    heads = Heads(6, 3, 5, 2)
    one, other = double(self_attention(heads)), double(cross_attention(heads))
    with torch.no_grad():
        for part in ("weight", "bias"):
            q, kv = getattr(one.qkv, part).split([30, 15 + 6])
            getattr(other.q, part).copy_(q)
            getattr(other.kv, part).copy_(kv)
        other.out.load_state_dict(one.out.state_dict())
    x = torch.randn(2, 5, D).double()
    torch.testing.assert_close(one(x, Fresh(Causal()), torch.arange(5)), other(x, other.prepare(x, Causal())))


def test_a_memory_may_have_a_width_of_its_own():
    module = double(cross_attention(Heads(2, 1, 4, 3), memory_width=7))
    memory = module.prepare(torch.randn(2, 11, 7).double(), Padding(torch.ones(2, 11, dtype=torch.bool)))
    assert memory.k.shape == (2, 1, 11, 4)
    assert memory.v.shape == (2, 1, 11, 3)
    assert module(torch.randn(2, 5, D).double(), memory).shape == (2, 5, D)


def test_attention_dropout_is_for_training():
    module, x = self_attention(Heads(3, 3, 4, 4), dropout=0.5), torch.randn(2, 5, D)

    def run() -> torch.Tensor:
        return module(x, Fresh(Causal()), torch.arange(5))

    assert not torch.equal(run(), run())
    module.eval()
    assert torch.equal(run(), run())


def test_a_decoder_layer_is_self_then_cross_then_feed_forward():
    heads, record = Heads(3, 3, 4, 4), Record()
    crossing = Residual(cross_attention(heads), identities())
    layer = double(DecoderLayer(self_attention(heads), crossing, nn.Tanh(), (identities(),) * 2))
    x, states, positions = torch.randn(2, 5, D).double(), torch.randn(2, 7, D).double(), torch.arange(5)
    memory = layer.cross_attention.sublayer.prepare(states, Causal())
    by_hand = x + layer.attention.sublayer(x, Fresh(Causal()), positions)
    by_hand = by_hand + layer.cross_attention.sublayer(by_hand, memory)
    by_hand = by_hand + by_hand.tanh()
    torch.testing.assert_close(layer(x, Fresh(Causal()), memory, positions, record), by_hand)
    assert [entry.site for entry in record.entries] == ["self", "target_to_source"]


def test_an_encoder_layer_is_self_then_feed_forward():
    layer = double(EncoderLayer(self_attention(Heads(3, 3, 4, 4)), nn.Tanh(), (identities(),) * 2))
    x, past, positions = torch.randn(2, 5, D).double(), Fresh(Causal()), torch.arange(5)
    by_hand = x + layer.attention.sublayer(x, past, positions)
    torch.testing.assert_close(layer(x, past, positions), by_hand + by_hand.tanh())


def test_heads_that_cannot_be_shared_evenly_are_refused():
    with pytest.raises(ConfigError, match="num_heads must be a multiple of num_groups, got 6 and 4"):
        Heads(6, 4, 8, 8)
