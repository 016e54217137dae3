"""Arrays computed once: kept in safetensors files under a hash of what they were computed from."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

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
    if path.is_file():
        return load_file(path)
    arrays = compute()
    path.parent.mkdir(parents=True, exist_ok=True)
    # Renamed when complete, so that neither a kill nor a second process leaves half a file to be read.
    unfinished = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    try:
        save_file(arrays, unfinished)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return arrays
