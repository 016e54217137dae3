"""Named seeds: every source of randomness derives its own from the run's one seed."""

from __future__ import annotations

import hashlib

import numpy as np
import torch


def derive(seed: int, *names: str | int) -> int:
    """Derive a seed for one named purpose, independent of every other purpose.

    The same names give the same seed on every machine and at every moment, so a resumed run needs no
    stored generator state: outer step 7 of rank 0 draws from `derive(seed, "outer", 0, 7)` before and after a kill.

    Args:
        seed: the run's seed.
        names: what the randomness is for, such as `("student", rank, step)`.
    """
    digest = hashlib.blake2b(repr((seed, *names)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1  # torch takes signed 64-bit seeds


def numpy_generator(seed: int, *names: str | int) -> np.random.Generator:
    """Make a NumPy generator for one named purpose."""
    return np.random.default_rng(derive(seed, *names))


def torch_generator(seed: int, *names: str | int, device: torch.device | str = "cpu") -> torch.Generator:
    """Make a torch generator for one named purpose."""
    return torch.Generator(device=device).manual_seed(derive(seed, *names))
