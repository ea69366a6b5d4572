"""Bytes of tensors that stand in memory at most while something runs, as torch's allocator counts them on a CPU."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch.profiler import ProfilerActivity, profile


def peak_bytes(run: Callable[[], Any]) -> int:
    """The most that was allocated at once beyond what stood before, what kernels need for themselves included.

    Every allocation is counted, so the same call on the same shapes always gives the same number.
    """
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        kept = run()
    steps = [event for event in profiler.profiler.kineto_results.events() if event.name() == "[memory]"]
    live = peak = 0
    for step in sorted(steps, key=lambda event: event.start_ns()):
        live += step.nbytes()
        peak = max(peak, live)
    del kept  # until here what was returned stood, too
    return peak
