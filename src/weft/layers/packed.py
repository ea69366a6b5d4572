"""A large linear layer with its weights in the order in which a product with a few rows reads them best."""

from __future__ import annotations

from dataclasses import dataclass
from weakref import WeakKeyDictionary

import torch
import torch.nn.functional as F
from torch import nn

from weft.base.shapes import Tensor
from weft.layers.bound import Function, bound

_FEWEST_ROWS = 3
"""With one or two rows torch's own product reads its weights as fast as memory gives them."""
_FEWEST_WEIGHTS, _MOST_WEIGHTS = 1 << 20, 1 << 26
"""Below, the call of oneDNN costs more than it saves; above, a second copy is more memory than anybody would expect."""
_ROWS = 32
"""What the order of weights is chosen for; it is as good for 3 rows and for 128."""


@dataclass(frozen=True)
class _Copy:
    """Weights in that order, and what they are a copy of: memory and how often it had been written."""

    source: tuple[int, int]
    weight: Tensor


_COPIES: WeakKeyDictionary[nn.Linear, _Copy] = WeakKeyDictionary()
"""They live as long as their layers. Making one takes as long as ten to forty products save, a whole short search."""


def packed(module: nn.Module, *, rows: int) -> Function:
    """What a module does to `rows` vectors, by a copy of its weights that is packed once, if that pays.

    The same float32 products, added up in another order: torch's own with 4 to 32 rows takes twice as long as reading
    the weights does. Weights that have been written since are packed anew, but what is written by way of `.data` does
    not show. Not where gradients are wanted, which it does not pass.
    """
    if not isinstance(module, nn.Linear):
        return bound(module)
    weight, bias = module.weight, module.bias
    if rows < _FEWEST_ROWS or not _can_be(module):
        return lambda x: F.linear(x, weight, bias)  # and not `product`: what is this wide is wanted row by row
    ordered, product = _copy(module), torch.ops.mkldnn._linear_pointwise.default
    return lambda x: product(x, ordered, bias, "none", [], "")


def _can_be(linear: nn.Linear) -> bool:
    weight = linear.weight
    known = weight.device.type == "cpu" and weight.dtype is torch.float32 and torch._C._has_mkldnn
    counted = not (torch.is_grad_enabled() or weight.is_inference())
    return known and counted and _FEWEST_WEIGHTS <= weight.numel() <= _MOST_WEIGHTS


def _copy(linear: nn.Linear) -> Tensor:
    weight = linear.weight.detach()
    source = (weight.data_ptr(), weight._version)
    known = _COPIES.get(linear)
    if known is None or known.source != source:
        known = _COPIES[linear] = _Copy(source, torch.ops.mkldnn._reorder_linear_weight(weight, _ROWS))
    return known.weight
