"""The artefact: a folder that holds a distilled set and all that is needed to train a student on it.

Files: `distilled.safetensors` (labels, step sizes, and of matrices what they are rebuilt from); of texts
`texts.jsonl`; of matrices in a space of words `vectors.safetensors` and `tokenizer.json`; `manifest.json` (what it is,
how it was made, a hash of every file) and `README.md`. Nothing is pickled, and no file or address that it names is
opened: a folder from a stranger is data.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from torch import Tensor

from textdd.errors import TextddError
from textdd.privacy.released import released
from textdd.record import write_bytes, write_json, write_tensors
from textdd.recorded import parsed, rebuilt
from textdd.sets.attention import attention_in
from textdd.sets.card import card
from textdd.sets.course import courses_in, stored
from textdd.sets.distilled_set import DistilledSet
from textdd.sets.fit import check_fit, shape_when_rebuilt
from textdd.sets.manifest import AGAIN, FORMAT, MANIFEST, digest, read_checked, read_manifest, without_places
from textdd.sets.matrices import MatrixSet
from textdd.sets.parametrisations import PARAMETRISATIONS, name_of
from textdd.sets.schema import FILES, TEXTS
from textdd.sets.tensors import part_of, tensors_of
from textdd.sets.texts import ORIGINS, TextSet, segment_names
from textdd.sets.vocabulary import vocabulary_of
from textdd.shape import OneOf, Text, mismatch, shown
from textdd.spaces.space import Space
from textdd.spaces.words import space_of
from textdd.training import Recipe

ORIGIN = {"origin?": OneOf(ORIGINS)}

Contents = dict[str, bytes]
"""The files of a folder, by their names."""


def save(distilled: DistilledSet, folder: Path) -> None:
    """Write the folder; the manifest comes last, so a folder with a manifest is whole."""
    tensors: dict[str, Tensor] = {"y": distilled.text_labels}
    if distilled.step_sizes is not None:
        tensors["step_sizes"] = distilled.step_sizes
    tensors |= stored(distilled.others)
    files = [FILES[0]]
    known: dict[str, Any] = {"pieces": distilled.pieces}
    if isinstance(distilled, MatrixSet):
        tensors |= distilled.texts.stored()
        known["parametrisation"] = name_of(distilled.texts)
        if distilled.attention is not None:
            tensors["attention"] = distilled.attention.logits
            known["attention"] = {"weight": distilled.attention.weight}
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
    if distilled.others:
        known["others"] = [
            {"student": course.student, "recipe": dataclasses.asdict(course.recipe)} for course in distilled.others
        ]
    write_tensors(folder / FILES[0], tensors)
    manifest = {
        **without_places(released(distilled.manifest)),
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
    with about(folder / FILES[0]):
        tensors = tensors_of(contents[FILES[0]])
        labels, step_sizes = part_of(tensors, "y"), tensors.get("step_sizes")
    with about(folder / MANIFEST):
        recipe = rebuilt(Recipe, manifest["recipe"], "recipe")
        others = courses_in(tensors, manifest, recipe)
    space = space_in(folder, contents, manifest) if FILES[1] in contents else None
    if manifest["kind"] == TextSet.kind:
        with about(folder / TEXTS):
            texts, origins = texts_of(contents[TEXTS], manifest)
        distilled = TextSet(texts, labels, step_sizes, recipe, manifest, origins=origins)
    elif manifest["parametrisation"] == "real":  # as version 0.3 stored texts
        with about(folder / FILES[0]):
            texts = texts_of_words(part_of(tensors, "text"), space)
        distilled = TextSet(texts, labels, step_sizes, recipe, manifest, space)
    else:
        with about(folder / FILES[0]):
            kind, table = PARAMETRISATIONS[manifest["parametrisation"]], None if space is None else space.table
            shape = shape_when_rebuilt(kind, tensors, table)
            check_fit(shape, labels, step_sizes, recipe, manifest)
            attention = attention_in(tensors, manifest, shape)
            parametrised = kind.from_stored(tensors, table)
        matrices = MatrixSet(parametrised, labels, step_sizes, recipe, space, manifest, attention)
        matrices.others = others
        return matrices
    distilled.others = others
    with about(folder / FILES[0]):
        check_fit((len(texts),), labels, step_sizes, recipe, manifest)
    if TEXTS in contents:
        with about(folder / TEXTS):
            check_names(contents[TEXTS], distilled)
    return distilled


@contextmanager
def about(path: Path) -> Iterator[None]:
    """Say which file it is that holds what cannot be."""
    try:
        yield
    except ValueError as error:
        raise TextddError(f"{path} is not what textdd writes: {error}. {AGAIN}") from error


def space_in(folder: Path, contents: Contents, manifest: dict[str, Any]) -> Space:
    """The space of words that a folder brings.

    Raises:
        TextddError: words and vectors are not those of one space, or not those of the one that the manifest names.
    """
    with about(folder / FILES[1]):
        own = tensors_of(contents[FILES[1]])
        table, pair = part_of(own, "vectors"), "second" in own
    with about(folder / FILES[2]):
        tokeniser = vocabulary_of(contents[FILES[2]], pair=pair)
    space = space_of(tokeniser, table, pair=pair, length=manifest["length"], seed=None)
    space = dataclasses.replace(space, name=manifest["embedding"]["name"], second=own.get("second", space.second))
    with about(folder / FILES[1]):
        words = tokeniser.get_vocab_size()
        if len(table) != words or (pair and own["second"].shape != table.shape[1:]):
            raise ValueError(f"vectors of the shape {tuple(table.shape)} for {words} words")
        # Version 0.3 named no space.
        if manifest.get("space", {}).get("sha256", space.sha256) != space.sha256:
            raise ValueError("its vectors are not those of the space that the manifest names")
    return space


def texts_of(content: bytes, manifest: dict[str, Any]) -> tuple[list[tuple[str, ...]], list[str]]:
    """The texts of a set of texts, and where each comes from.

    Raises:
        ValueError: the file is no JSON, or a row has no text.
    """
    rows = [parsed(line) for line in content.splitlines()]
    pair = manifest.get("pair", bool(rows) and "second" in rows[0])
    names = segment_names(manifest.get("task", "one_class"))[: 2 if pair else 1]
    for number, row in enumerate(rows, 1):
        if wrong := mismatch(row, {**dict.fromkeys(names, Text(1 << 20, 1)), **ORIGIN}, f"line {number}"):
            raise ValueError(wrong)
        if not all(row[name].strip() for name in names):
            raise ValueError(f"line {number} has an empty text")
    # 0.4 at first made sets of real texts alone, and did not say so.
    return [tuple(row[name] for name in names) for row in rows], [row.get("origin", "real") for row in rows]


def texts_of_words(stored: Tensor, space: Space | None) -> list[tuple[str, ...]]:
    """Texts as version 0.3 stored them, beside the words that they are made of.

    Raises:
        ValueError: a word is none of these.
    """
    try:
        lines = stored.numpy().tobytes().decode().split("\n")
    except UnicodeDecodeError as error:
        raise ValueError("text is no UTF-8") from error
    known = set() if space is None else set(space.tokeniser.get_vocab())
    unknown = [word for line in lines for word in line.split(" ") if word not in known]
    if unknown:
        raise ValueError(f"{unknown[0][:60]!r} is not in the vocabulary")
    return [(line,) for line in lines]


def check_names(content: bytes, distilled: TextSet) -> None:
    """Check that the labels that people read beside texts are those that students are taught.

    Raises:
        ValueError: they are not.
    """
    for number, (line, row) in enumerate(zip(content.splitlines(), distilled.rows(), strict=True), 1):
        given = parsed(line)
        for name in ("label", "labels"):
            taught = row.get(name)
            if given.get(name, taught) != taught:
                raise ValueError(f"line {number}: {name} is {shown(given[name])}, but {FILES[0]} teaches {taught!r}")
