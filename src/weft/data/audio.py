"""Sound as a model reads it: a log-mel spectrogram of windows of one length."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from math import log

import torch
from pydantic import BaseModel, ConfigDict, Field

from weft.base.errors import ShapeError
from weft.base.padded import Padded
from weft.base.shapes import Float, Tensor


class LogMel(BaseModel):
    """How samples become frames; as Whisper hears by default."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rate: int = Field(16000, gt=0)
    """Samples a second."""
    bands: int = Field(80, gt=0)
    """Mel bands: numbers in a frame."""
    window: int = Field(400, gt=1)
    """Samples that one frame looks at."""
    hop: int = Field(160, gt=0)
    """Samples from frame to frame."""
    seconds: int = Field(30, gt=0)
    """Length of what is read at once; shorter sound is followed by silence."""

    @cached_property
    def filters(self) -> Float[Tensor, "bands frequencies"]:
        return mel_filters(self.bands, num_frequencies=1 + self.window // 2, rate=self.rate)

    def frames(self, sounds: Sequence[Float[Tensor, " samples"]]) -> Padded:
        """Sounds (mono, between -1 and 1, at `rate`) as `[b frames bands]`: all of them real, silence too.

        Logarithms (base 10) of the energy in each band, of which all that lies 8 below the loudest of its sound is cut
        off, brought to about -1 to 1. Raises ShapeError for a sound that is longer than the window or not mono.
        """
        waves = torch.stack([self._filled(sound) for sound in sounds])
        hann = torch.hann_window(self.window, device=waves.device)
        spectrum = torch.stft(waves, self.window, self.hop, window=hann, return_complex=True)
        energy = self.filters.to(waves.device) @ spectrum[..., :-1].abs().square()  # b bands frames
        bels = energy.clamp(min=1e-10).log10()
        bels = bels.maximum(bels.amax((1, 2), keepdim=True) - 8.0)
        values = ((bels + 4.0) / 4.0).transpose(1, 2)
        return Padded(values, torch.ones(values.shape[:2], dtype=torch.bool, device=values.device))

    def _filled(self, sound: Tensor) -> Tensor:
        longest = self.rate * self.seconds
        if sound.dim() != 1 or len(sound) > longest:
            raise ShapeError(
                f"a sound must be [samples] with at most {longest} of them ({self.seconds} s at {self.rate} a second), "
                f"got {list(sound.shape)}; mix its channels and cut it into pieces"
            )
        return torch.nn.functional.pad(sound.float(), (0, longest - len(sound)))


def mel_filters(
    num_bands: int, *, num_frequencies: int, rate: int, highest: float = 8000.0
) -> Float[Tensor, "bands frequencies"]:
    """Triangles whose corners stand evenly on the mel scale from 0 to `highest` Hz, each of area 1 (Slaney 1998).

    The scale is linear below 1000 Hz, 3 mels for 200 Hz, and logarithmic above, 27 mels for a factor of 6.4.
    """
    frequencies = torch.linspace(0, rate / 2, num_frequencies, dtype=torch.float64)
    corners = _hertz(torch.linspace(0, _mel(highest), num_bands + 2, dtype=torch.float64))
    left, middle, right = corners[:-2, None], corners[1:-1, None], corners[2:, None]
    rising, falling = (frequencies - left) / (middle - left), (right - frequencies) / (right - middle)
    return (rising.minimum(falling).clamp(min=0) * 2 / (right - left)).float()


def _mel(hertz: float) -> float:
    return hertz * 3 / 200 if hertz < 1000 else 15 + 27 * log(hertz / 1000) / log(6.4)


def _hertz(mels: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
    return torch.where(mels < 15, mels * 200 / 3, 1000 * torch.exp((mels - 15) * log(6.4) / 27))
