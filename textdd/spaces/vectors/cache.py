"""Arrays computed once: kept in safetensors files under a hash of what they were computed from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save

from textdd.locks import claim
from textdd.record import write_bytes

Arrays = dict[str, np.ndarray]


def cached_arrays(cache_dir: Path, kind: str, key: list[object], compute: Callable[[], Arrays]) -> Arrays:
    """Load arrays from the cache, or compute and keep them.

    Args:
        cache_dir: the cache.
        kind: what they are; the beginning of the file's name.
        key: everything that decides what they hold.
        compute: makes them.
    """
    digest = hashlib.blake2b(json.dumps(key).encode(), digest_size=12).hexdigest()
    path = cache_dir / "vectors" / f"{kind}-{digest}.safetensors"
    with claim(path, f"making {kind} vectors") as ours:
        if ours:
            write_bytes(path, save(compute()))
    return load_file(path)
