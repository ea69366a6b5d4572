"""Shapes of models that go by a name."""

from __future__ import annotations

PRESETS: dict[str, dict[str, int]] = {
    "tiny": {
        "width": 128,
        "num_heads": 4,
        "feedforward_width": 256,
        "encoder_layers": 4,
        "decoder_layers": 4,
    },
    "small": {
        "width": 256,
        "num_heads": 4,
        "feedforward_width": 1024,
        "encoder_layers": 6,
        "decoder_layers": 3,
    },
    "base": {
        "width": 512,
        "num_heads": 8,
        "feedforward_width": 2048,
        "encoder_layers": 6,
        "decoder_layers": 6,
    },
    "big": {
        "width": 1024,
        "num_heads": 16,
        "feedforward_width": 4096,
        "encoder_layers": 6,
        "decoder_layers": 6,
    },
}
"""Model shapes by name, small to large; a recipe's own values win over the preset's."""
