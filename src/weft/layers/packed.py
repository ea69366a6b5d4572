"""A large linear layer with its weights in the order in which a product with a few rows reads them best."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from weft.layers.bound import Function, bound

_FEWEST_ROWS = 3
"""With one or two rows torch's own product reads its weights as fast as memory gives them."""
_FEWEST_WEIGHTS = 1 << 20
"""Below, the call of oneDNN costs more than it saves."""
_FEWEST_TIMES = 8
"""The copy takes about as long as five products."""


def packed(module: nn.Module, *, rows: int, times: int) -> Function:
    """What a module does to `rows` vectors, up to `times` times, by a copy of its weights packed here, if that pays.

    The same float32 products, added up in another order: torch's own with 4 to 32 rows takes twice as long as reading
    the weights does. The copy lives as long as the function. Not where gradients are wanted, which it does not pass.
    """
    if not isinstance(module, nn.Linear):
        return bound(module)
    weight, bias = module.weight, module.bias
    if rows < _FEWEST_ROWS or times < _FEWEST_TIMES or not _can_be(module):
        return lambda x: F.linear(x, weight, bias)  # and not `product`: what is this wide is wanted row by row
    weight = torch.ops.mkldnn._reorder_linear_weight(weight.detach(), rows)
    product = torch.ops.mkldnn._linear_pointwise.default
    return lambda x: product(x, weight, bias, "none", [], "")


def _can_be(linear: nn.Linear) -> bool:
    weight = linear.weight
    known = weight.device.type == "cpu" and weight.dtype is torch.float32 and torch._C._has_mkldnn
    return known and weight.numel() >= _FEWEST_WEIGHTS and not torch.is_grad_enabled()
