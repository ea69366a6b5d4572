"""What is known of stretches of keys without reading them: a ball around each page, and so a bound on its scores."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F

from weft.attention.protocol import KeyValues
from weft.base.shapes import Float, Int, Tensor

_PAGES_AT_ONCE = 512


@dataclass(frozen=True)
class PageIndex:
    """Centre and radius of the keys of each page, how many of them are real, and the length of the longest key.

    A score q k of a key of the page is at most q centre + |q| radius (Cauchy and Schwarz). Quest (Tang et al. 2024,
    https://arxiv.org/abs/2406.10774) bounds by a box, the smallest and largest number of each feature; where the
    directions of keys are many, a box holds far more than a ball, and it costs two readings instead of one.
    """

    page: int
    centre: Float[Tensor, "b g p k"]
    radius: Float[Tensor, "b g p"]
    count: Int[Tensor, "b p"]
    reach: Float[Tensor, "b g"]

    @staticmethod
    @torch.no_grad()
    def of(memory: KeyValues, page: int) -> PageIndex:
        """The index of these keys; those hidden by padding belong to no page."""
        b, g, s, _ = memory.k.shape
        real_bs = memory.mask.key_keep()
        dtype = torch.float64 if memory.k.dtype is torch.float64 else torch.float32
        pieces = []
        for first in range(0, max(s, 1), page * _PAGES_AT_ONCE):
            keys = slice(first, min(s, first + page * _PAGES_AT_ONCE))
            surplus = -(keys.stop - first) % page
            k_bgpjk = torch.unflatten(F.pad(memory.keys_of(keys, dtype), (0, 0, 0, surplus)), 2, (-1, page))
            real_b1s = _real(real_bs, keys, b, k_bgpjk.device)[:, None]
            pieces.append(_balls(k_bgpjk, torch.unflatten(F.pad(real_b1s, (0, surplus)), 2, (-1, page))))
        centre, radius, count, longest = (torch.cat(part, 2) for part in zip(*pieces, strict=True))
        reach = longest.amax(2) if longest.shape[2] else longest.new_zeros(b, g)
        return PageIndex(page, centre, radius, count[:, 0], reach)

    def select(self, rows: Int[Tensor, " m"]) -> PageIndex:
        return PageIndex(self.page, self.centre[rows], self.radius[rows], self.count[rows], self.reach[rows])

    def log_bounds(self, q: Float[Tensor, "b h t k"], groups: list[int], scale: float) -> Float[Tensor, "b h t p"]:
        """A bound on the log of the sum of exp of the scores of each page; -inf for a page of padding alone.

        `groups` names the key head of every query head. The bound holds for numbers as they are computed: it allows
        for the rounding of scores of both sides.
        """
        centre, radius, (b, h, t, width) = self.centre, self.radius, q.shape
        g = centre.shape[1]
        if groups == [head * g // h for head in range(h)]:  # nothing is copied
            folded = q.reshape(b, g, h // g * t, width)
            scores_bhtp = (folded @ centre.transpose(2, 3)).reshape(b, h, t, centre.shape[2])
        else:
            scores_bhtp = q @ centre[:, groups].transpose(2, 3)
        length_bht1 = q.norm(dim=-1, keepdim=True) * abs(scale)
        slack = 8 * torch.finfo(centre.dtype).eps * (q.shape[3] + 4)
        ball_bhp = radius[:, groups] + slack * self.reach[:, groups, None]
        bounds_bhtp = torch.addcmul(scores_bhtp * scale, length_bht1, ball_bhp[:, :, None])
        return bounds_bhtp + self.count.to(centre.dtype).log()[:, None, None]


def _real(real: Tensor | None, keys: slice, b: int, device: torch.device) -> Tensor:
    if real is None:
        return torch.ones(b, keys.stop - keys.start, dtype=torch.bool, device=device)
    return real[:, keys].expand(b, -1)


def _balls(k: Tensor, real: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Centre `[b g p k]`, radius, count `[b 1 p]` and longest key of pages `[b g p j k]`."""
    count = real.sum(-1)
    hidden = ~real[..., None]
    k = k.masked_fill(hidden, 0.0)
    centre = k.sum(3) / count.clamp_min(1)[..., None]
    radius = (k - centre[:, :, :, None]).masked_fill_(hidden, 0.0).norm(dim=-1).amax(-1)
    return centre, radius, count, k.norm(dim=-1).amax(-1)
