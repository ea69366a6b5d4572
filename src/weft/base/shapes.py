"""The dimension letters of the whole code base, and the annotations that public signatures use.

    b  batch (sources)            n  hypotheses of one source (the beam)
    t  target length, queries     s  source length, keys
    d  model width                h  query heads
    g  key/value heads            k  key width per head
    e  value width per head       f  feed-forward width
    w  vocabulary size            r  chosen rows, queries

Order is batch, heads, time, width. A `#` before a letter means that the axis may also be 1.
"""

from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor

__all__ = ["Bool", "Float", "Int", "Shaped", "Tensor"]
