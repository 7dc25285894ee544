"""How training computes: half the digits on a graphics card, all of them on a processor."""

from contextlib import AbstractContextManager

import torch


def is_mixed(device: torch.device) -> bool:
    """Return whether products are worth rounding there: bfloat16 is native on CUDA only."""
    return device.type == "cuda"


def mixed(device: torch.device) -> AbstractContextManager:
    """Return a context in which matrix products are rounded to bfloat16 where that pays.

    Losses and weights stay in float32; nothing changes on a CPU, where the same seed must give the
    same weights.
    """
    return torch.autocast(device.type, torch.bfloat16, enabled=is_mixed(device))
