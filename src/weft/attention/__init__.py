"""Attention as maths: masks, back ends that speak prepare / attend / weights, and records of what was attended to."""

from weft.attention.by_length import ByLength
from weft.attention.chunked import Chunked
from weft.attention.fused import Fused
from weft.attention.masks import Arbitrary, Causal, Full, Mask, Padding, Window
from weft.attention.moving import Moving
from weft.attention.pages import Pages
from weft.attention.protocol import Backend, Feature, KeyValues
from weft.attention.record import Null, Observation, Record
from weft.attention.reference import Reference
from weft.attention.tally import Tally
from weft.attention.top import TopWeights
from weft.attention.top_k import TopK

__all__ = [
    "Arbitrary",
    "Backend",
    "ByLength",
    "Causal",
    "Chunked",
    "Feature",
    "Full",
    "Fused",
    "KeyValues",
    "Mask",
    "Moving",
    "Null",
    "Observation",
    "Padding",
    "Pages",
    "Record",
    "Reference",
    "Tally",
    "TopK",
    "TopWeights",
    "Window",
]
