"""How much a head could write from each key: the length of its transformed value."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from weft.base.errors import ShapeError
from weft.base.shapes import Float, Tensor


def value_norms(
    v: Float[Tensor, "b g s e"], output: Float[Tensor, "d he"], heads: Sequence[int] | None = None
) -> Float[Tensor, "b h s"]:
    """|v_j W_o^h| of the chosen heads and every key, at least float32 (Kobayashi et al. 2020, section 3).

    Times the weight it is the length of what the head adds to its query's output from that key. `output` is the weight
    of the output projection as `nn.Linear` keeps it, heads side by side along its second axis; heads share values as
    in attention. Lengths survive a rotation, so the e x e triangle of W_o = Q R stands in for the d x e matrix.
    """
    g, e = v.shape[1], v.shape[3]
    h = output.shape[1] // max(1, e)
    if output.shape[1] != h * e or h % g:
        raise ShapeError(
            f"output must be [d h*e] with e = {e} and h a multiple of {g}, got {list(output.shape)}; pass the weight "
            "of the site's own output projection"
        )
    dtype = torch.promote_types(v.dtype, torch.float32)
    by_head_dhe = output.to(dtype).view(-1, h, e)
    found = []
    with torch.autocast(v.device.type, enabled=False):
        for head in range(h) if heads is None else heads:
            triangle = torch.linalg.qr(by_head_dhe[:, head], mode="r").R
            found.append((v[:, head * g // h].to(dtype) @ triangle.T).norm(dim=-1))
    return torch.stack(found, 1)
