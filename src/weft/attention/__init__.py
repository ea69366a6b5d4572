"""Attention as maths: masks, back ends that speak prepare / attend / weights, and records of what was attended to."""

from weft.attention.fused import Fused
from weft.attention.masks import Arbitrary, Causal, Full, Mask, Padding, Window
from weft.attention.protocol import Backend, Feature, KeyValues
from weft.attention.record import Null, Observation, Record
from weft.attention.reference import Reference
from weft.attention.top import TopWeights

__all__ = [
    "Arbitrary",
    "Backend",
    "Causal",
    "Feature",
    "Full",
    "Fused",
    "KeyValues",
    "Mask",
    "Null",
    "Observation",
    "Padding",
    "Record",
    "Reference",
    "TopWeights",
    "Window",
]
