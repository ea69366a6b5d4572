"""Frames of sound: the mel scale, silence, the length of a window, and the same numbers as transformers."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch

from weft.base.errors import ShapeError
from weft.data.audio import LogMel, mel_filters


def sound(seed: int, samples: int) -> torch.Tensor:
    """Two tones that glide, and noise."""
    torch.manual_seed(seed)
    time = torch.arange(samples) / 16000
    return 0.4 * torch.sin(2000 * time**1.3) + 0.2 * torch.sin(9000 * time) + 0.01 * torch.randn(samples)


def test_filters_are_triangles_of_area_one() -> None:
    filters = mel_filters(11, num_frequencies=4001, rate=16000).double()
    torch.testing.assert_close(filters.sum(1) * 2.0, torch.ones(11, dtype=torch.float64), rtol=0, atol=1e-3)
    peaks = filters.argmax(1)
    assert (peaks[1:] > peaks[:-1]).all()
    for band, peak in zip(filters, peaks, strict=True):
        assert (band[: peak + 1].diff() >= 0).all()
        assert (band[peak:].diff() <= 0).all()


def test_low_bands_are_as_wide_as_each_other_and_high_ones_ever_wider() -> None:
    peaks = mel_filters(40, num_frequencies=8001, rate=16000).argmax(1)
    low = peaks[peaks < 900].diff()
    assert low.amax() - low.amin() <= 1
    high = peaks[peaks > 1100]
    ratios = high[1:] / high[:-1]
    torch.testing.assert_close(ratios, ratios[:1].expand_as(ratios), rtol=0, atol=2e-3)


def test_a_tone_sounds_in_its_own_band_and_silence_is_even() -> None:
    about = LogMel(bands=20, seconds=1)
    tone = torch.sin(2 * torch.pi * 1000 * torch.arange(8000) / 16000)
    frames = about.frames([tone, torch.zeros(3)])
    assert frames.values.shape == (2, 100, 20)
    assert frames.keep.all()
    loudest = frames.values[0, :45].argmax(1)
    centre = mel_filters(20, num_frequencies=8001, rate=16000).argmax(1)[loudest[20]]
    assert (loudest == loudest[20]).all()
    assert abs(int(centre) - 1000) < 130
    assert frames.values[0, 60:].amax() == frames.values[0].amin()
    assert (frames.values[1] == -1.5).all()


def test_company_changes_nothing() -> None:
    about, sounds = LogMel(bands=7, seconds=1), [sound(1, 5003), sound(2, 16000)]
    alone = torch.cat([about.frames([one]).values for one in sounds])
    torch.testing.assert_close(about.frames(sounds).values, alone, rtol=0, atol=1e-6)


@pytest.mark.parametrize("shape", [(16001,), (2, 5)])
def test_sound_that_does_not_fit_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match=r"at most 16000 of them \(1 s at 16000 a second\), got \["):
        LogMel(seconds=1).frames([torch.zeros(shape)])


@pytest.mark.parametrize("bands", [80, 128])
def test_numbers_are_those_of_transformers(bands: int) -> None:
    transformers = pytest.importorskip("transformers")
    sounds = [sound(1, 30011), 0.01 * sound(2, 160001), torch.zeros(97)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = transformers.WhisperFeatureExtractor(feature_size=bands)
        wanted = theirs([one.numpy() for one in sounds], sampling_rate=16000, return_tensors="pt").input_features
    filters = torch.from_numpy(np.asarray(theirs.mel_filters, dtype=np.float64)).T
    torch.testing.assert_close(LogMel(bands=bands).filters.double(), filters, rtol=0, atol=1e-8)
    ours = LogMel(bands=bands).frames(sounds).values
    torch.testing.assert_close(ours.transpose(1, 2), wanted, rtol=0, atol=1e-5)
