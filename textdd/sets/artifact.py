"""The artefact: a folder that holds a distilled set and all that is needed to train a student on it.

Files: `distilled.safetensors` (labels, step sizes, and of matrices what they are rebuilt from); of texts
`texts.jsonl`; of matrices in a space of words `vectors.safetensors` and `tokenizer.json`; `manifest.json` (what it is,
how it was made, a hash of every file) and `README.md`. Nothing is pickled.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from tokenizers import Tokenizer
from torch import Tensor

from textdd.errors import TextddError
from textdd.record import write_bytes, write_json, write_tensors
from textdd.sets.distilled_set import DistilledSet
from textdd.sets.manifest import FILES, FORMAT, MANIFEST, TEXTS, digest, read_checked, read_manifest
from textdd.sets.matrices import MatrixSet
from textdd.sets.parametrisations import PARAMETRISATIONS, name_of
from textdd.sets.texts import ORIGINS, TextSet
from textdd.spaces.words import space_of
from textdd.training import Recipe


def save(distilled: DistilledSet, folder: Path) -> None:
    """Write the folder; the manifest comes last, so a folder with a manifest is whole."""
    tensors: dict[str, Tensor] = {"y": distilled.text_labels}
    if distilled.step_sizes is not None:
        tensors["step_sizes"] = distilled.step_sizes
    files = [FILES[0]]
    known: dict[str, Any] = {}
    if isinstance(distilled, MatrixSet):
        tensors |= distilled.texts.stored()
        known["parametrisation"] = name_of(distilled.texts)
        if distilled.words_space is not None:
            space = distilled.words_space
            own = {"vectors": space.table} | ({"second": space.second} if space.second.any() else {})
            write_tensors(folder / FILES[1], own)
            write_bytes(folder / FILES[2], space.tokeniser.to_str().encode())
            files += FILES[1:]
    else:
        assert isinstance(distilled, TextSet)
        lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in distilled.rows())
        write_bytes(folder / TEXTS, "".join(lines).encode())
        files.append(TEXTS)
    write_tensors(folder / FILES[0], tensors)
    manifest = {
        **distilled.manifest,
        **known,
        "format": FORMAT,
        "kind": distilled.kind,
        "bytes": distilled.stored_bytes(),
        "recipe": dataclasses.asdict(distilled.recipe),
        "files": {name: digest((folder / name).read_bytes()) for name in files},
    }
    write_bytes(folder / "README.md", card(manifest, distilled).encode())
    write_json(folder / MANIFEST, manifest)


def load(folder: Path) -> DistilledSet:
    """Read a folder that `save` wrote, or that version 0.3 did.

    Raises:
        TextddError: it is no such folder, it is of another format, or a file is missing, damaged or not what the
            manifest says; the message says which and why.
    """
    manifest = read_manifest(folder)
    contents = {name: read_checked(folder / name, sha) for name, sha in manifest["files"].items()}
    try:
        tensors = load_tensors(contents[FILES[0]])
        recipe = Recipe(**manifest["recipe"])
        reading = load_texts if manifest["kind"] == TextSet.kind else load_matrices
        distilled = reading(contents, tensors, recipe, manifest)
        classes = len(manifest["classes"])
    except (SafetensorError, KeyError, TypeError, ZeroDivisionError, RuntimeError, ValueError) as error:
        # A RuntimeError is one of torch: wrong shapes.
        raise TextddError(f"{folder} is not a textdd artefact: {type(error).__name__}: {error}") from error
    check(folder, distilled, classes, tensors)
    return distilled


def load_matrices(
    contents: dict[str, bytes], tensors: dict[str, Tensor], recipe: Recipe, manifest: dict[str, Any]
) -> DistilledSet:
    """Rebuild a set of matrices, and the words that it carries.

    Raises:
        KeyError: something is missing.
        ValueError: something holds what cannot be.
    """
    space = None
    if FILES[1] in contents:
        own = load_tensors(contents[FILES[1]])
        tokeniser = Tokenizer.from_str(contents[FILES[2]].decode())
        pair = "second" in own
        space = space_of(tokeniser, own["vectors"], pair=pair, length=int(manifest["length"]), seed=None)
        space = dataclasses.replace(
            space,
            name=manifest.get("embedding", {}).get("name", space.name),
            second=own.get("second", space.second),
            # Version 0.3 named no space; what it stored is one.
            sha256=manifest["space"]["sha256"] if "space" in manifest else space.sha256,
        )
    if manifest["parametrisation"] == "real" and space is not None:  # as version 0.3 stored texts
        lines = tensors["text"].numpy().tobytes().decode().split("\n")
        unknown = [word for line in lines for word in line.split(" ") if word not in space.tokeniser.get_vocab()]
        if unknown:
            raise ValueError(f"{unknown[0]!r} is not in the vocabulary")
        texts = [(line,) for line in lines]
        return TextSet(texts, tensors["y"], tensors.get("step_sizes"), recipe, manifest, space)
    kind = PARAMETRISATIONS[manifest["parametrisation"]]
    texts_of = kind.from_stored(tensors, None if space is None else space.table)
    return MatrixSet(texts_of, tensors["y"], tensors.get("step_sizes"), recipe, space, manifest)


def load_texts(
    contents: dict[str, bytes], tensors: dict[str, Tensor], recipe: Recipe, manifest: dict[str, Any]
) -> TextSet:
    """Rebuild a set of texts.

    Raises:
        KeyError: a row has no text.
        ValueError: the file is no JSON, or no UTF-8.
    """
    rows = [json.loads(line) for line in contents[TEXTS].decode().splitlines()]
    texts = [tuple(str(row[name]) for name in ("text", "second") if name in row) for row in rows]
    if not texts or len({len(text) for text in texts}) > 1 or not texts[0]:
        raise ValueError(f"{TEXTS} has no texts, or single ones beside pairs")
    origins = [str(row.get("origin", "real")) for row in rows]  # 0.4 at first made sets of real texts alone
    if unknown := set(origins) - set(ORIGINS):
        raise ValueError(f"{TEXTS} has texts of origin {min(unknown)!r}; allowed are {', '.join(ORIGINS)}")
    return TextSet(texts, tensors["y"], tensors.get("step_sizes"), recipe, manifest, origins=origins)


def check(folder: Path, distilled: DistilledSet, classes: int, tensors: dict[str, Tensor]) -> None:
    """Check that the parts of a set fit together.

    Raises:
        TextddError: they do not.
    """
    y, step_sizes = distilled.text_labels, distilled.step_sizes
    if isinstance(distilled, MatrixSet):
        x, vectors = distilled.texts(), distilled.vectors
        if x.dim() != 3 or y.shape != (len(x), classes) or (vectors is not None and x.shape[2] != vectors.shape[1]):
            beside = "" if vectors is None else f", word vectors {tuple(vectors.shape)}"
            raise TextddError(
                f"{folder} is inconsistent: texts {tuple(x.shape)}, labels {tuple(y.shape)} for {classes} "
                f"classes{beside}. Distil again."
            )
        tensors = tensors | ({} if vectors is None else {"vectors": vectors})
    elif y.shape != (len(distilled), classes):
        raise TextddError(
            f"{folder} is inconsistent: {len(distilled)} texts, labels {tuple(y.shape)} for {classes} classes. "
            "Make it again."
        )
    if step_sizes is not None and len(step_sizes) != distilled.recipe.steps:
        raise TextddError(
            f"{folder} has {len(step_sizes)} step sizes for {distilled.recipe.steps} steps. Distil again."
        )
    if not all(bool(tensor.isfinite().all()) for tensor in tensors.values()):
        raise TextddError(f"{folder} holds numbers that are not finite. Distil again.")


def card(manifest: dict[str, Any], distilled: DistilledSet) -> str:
    """The README of the folder, from the packaged template."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("textdd"), undefined=StrictUndefined, trim_blocks=True, autoescape=False
    )
    shape = tuple(distilled.texts().shape) if isinstance(distilled, MatrixSet) else (len(distilled),)
    template = environment.get_template("card.md.jinja")
    return template.render(manifest=manifest, sizes={"texts": shape}, pieces=distilled.pieces)
