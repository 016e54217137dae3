"""What a set is, whatever file it lies in: a hash of what students are taught, by which others know it again."""

from __future__ import annotations

import hashlib
import json

from textdd.errors import TextddError
from textdd.sets.distilled_set import DistilledSet
from textdd.sets.matrices import MatrixSet
from textdd.sets.texts import TextSet


def fingerprint(distilled: DistilledSet) -> str:
    """SHA-256 of texts and labels, or of the tensors that matrices are rebuilt from, and of learned step sizes.

    A set of texts has the same one as csv, as parquet and as an artefact. Of texts it is the hash of one line of JSON
    for each, in UTF-8, in the order in which students are taught: a list of the segments and a list of the C labels.

    Raises:
        TextddError: it is neither of texts nor of matrices.
    """
    found = hashlib.sha256()
    if isinstance(distilled, TextSet):
        for text, y in zip(distilled.texts, distilled.text_labels.tolist(), strict=True):
            found.update((json.dumps([list(text), y], ensure_ascii=False) + "\n").encode("utf-8", "surrogatepass"))
    elif isinstance(distilled, MatrixSet):
        tensors = {**distilled.texts.stored(), "y": distilled.text_labels}
        for name, tensor in sorted(tensors.items()):
            found.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}\n".encode())
            found.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    else:
        raise TextddError(f"Got a {type(distilled).__name__}. Allowed: a set of texts, or of matrices.")
    if distilled.step_sizes is not None:
        found.update(distilled.step_sizes.detach().cpu().contiguous().numpy().tobytes())
    return found.hexdigest()
