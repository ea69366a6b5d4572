"""A model in bytes: its linear layers and tables of tokens replaced, all else as it was."""

from __future__ import annotations

from torch import nn

from weft.layers.quantised import QuantisedLinear, QuantisedTable, check_engine
from weft.models.text import TextIn


def to_int8(model: nn.Module) -> nn.Module:
    """The same model, changed in place, with int8 weights for inference on a CPU; it cannot be trained or saved.

    A table that embeds and projects is there twice in bytes, which is half of what it was. Layers go one by one, so
    that nothing is held twice. Raises UnsupportedError where nothing multiplies bytes, before anything is changed.
    """
    check_engine()
    for module in list(model.modules()):
        if isinstance(module, TextIn) and isinstance(module.table, nn.Embedding):
            module.table = QuantisedTable(module.table).train(module.training)
        for name, child in list(module.named_children()):
            if isinstance(child, nn.Linear):
                setattr(module, name, QuantisedLinear(child).train(child.training))
    return model
