"""What a resampler does to the speed of decoding, by the size of the picture.

    python benchmarks/resampler.py

Random weights of the captioner's shape, 16 x 16 pixels a patch: a batch of pictures is encoded, then decoded by beam
search for a fixed number of steps, once reading every patch and once reading 16 latents. Cases take turns; medians of
CPU time and of pairwise ratios.
"""

from __future__ import annotations

from typing import Any

import torch

import report
from clock import interleaved, ratios, spread
from weft.base.padded import Padded
from weft.models.build import build
from weft.models.config import ModelConfig

SIDES = (160, 448, 896)
LATENTS, STEPS, BEAM = 16, 15, 5


def model(side: int, *, latents: int | None) -> Any:
    """Random weights; an encoder of one layer, so that the decoder is what is looked at."""
    source = {
        "modality": "picture",
        "height": side,
        "width": side,
        "patch_height": 16,
        "patch_width": 16,
        "class_tokens": 0,
        "position": "sinusoidal",
        "resampler": None if latents is None else {"latents": latents},
    }
    shape = {"vocabulary_size": 3000, "width": 256, "feedforward_width": 512, "encoder_layers": 1, "decoder_layers": 2}
    torch.manual_seed(1)
    return build(ModelConfig.model_validate({**shape, "source": source})).eval()


def pictures(side: int, batch: int) -> Padded:
    count = (side // 16) ** 2
    return Padded(torch.randn(batch, count, 3, 16, 16), torch.ones(batch, count, dtype=torch.bool))


@torch.inference_mode()
def decoded(net: Any, memory: Any, batch: int) -> None:
    cache = net.init_cache(memory, beam=BEAM, capacity=STEPS)
    tokens = torch.full((batch, BEAM), 7)
    for _ in range(STEPS):
        _, cache = net.step(tokens, cache)


def main() -> None:
    parser = report.arguments(__doc__, "resampler")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--repetitions", type=int, default=7)
    asked = parser.parse_args()
    rows = []
    for side in SIDES:
        cases = {}
        for name, latents in (("patches", None), ("latents", LATENTS)):
            net = model(side, latents=latents)
            with torch.inference_mode():
                memory = net.encode(pictures(side, asked.batch))
            cases[name] = lambda net=net, memory=memory: decoded(net, memory, asked.batch)
        took = interleaved(cases, asked.repetitions)
        rows.append(
            {
                "side": side,
                "patches": (side // 16) ** 2,
                **{f"cpu seconds, {name}": spread([one.cpu for one in runs]) for name, runs in took.items()},
                "patches over latents": ratios(took["patches"], took["latents"]),
            }
        )
        print(rows[-1], flush=True)
    shape = {"batch": asked.batch, "beam": BEAM, "steps": STEPS, "latents": LATENTS}
    report.write(asked.out, {"decoding": shape, "rows": rows})


if __name__ == "__main__":
    main()
