"""The space of a pretrained model: its own tokeniser, its own table of vectors, and what it puts around a text."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from tokenizers import Tokenizer

from textdd.corpora.build import Progress
from textdd.corpora.corpus import Corpus
from textdd.corpora.sources import MOST_TOKENS
from textdd.errors import TextddError
from textdd.locks import built
from textdd.spaces.checkpoint import Checkpoint
from textdd.spaces.frame import Frame
from textdd.spaces.length import needed
from textdd.spaces.prompt import Prompt
from textdd.spaces.response_prompt import ResponsePrompt
from textdd.spaces.space import Space
from textdd.spaces.store import Encode, Encoded, TokenStore
from textdd.spaces.words import write_stores


def pretrained_space(
    checkpoint: Checkpoint,
    corpus: Corpus,
    length: int | str,
    cache: Path,
    progress: Progress | None = None,
    prompt: Prompt | ResponsePrompt | None = None,
) -> tuple[Space, dict[Path, TokenStore]]:
    """Make the space of a pretrained model, and read the files of a corpus in it, once.

    Args:
        checkpoint: the model and its tokeniser.
        corpus: the texts.
        length: L, those tokens among them that the model puts around a text; `auto` takes what the texts need.
        cache: the cache.
        progress: is called with a description, the texts done and the texts in all.
        prompt: what texts stand in for a language model that learns; its tokens are no part of theirs.

    Raises:
        TextddError: the model cannot read so many tokens.
    """
    tokeniser, lead = bare_tokeniser(checkpoint), "" if prompt is None else prompt.lead
    code = hashlib.blake2b(tokeniser.to_str().encode() + lead.encode(), digest_size=6).hexdigest()
    folder = cache / "spaces" / f"pretrained-{corpus.key}-{code}"
    parts = {split.store.path: split.store for split in (corpus.train, corpus.test)}
    with built(folder, f"tokenising {corpus.name}") as unfinished:
        if unfinished is not None:
            write_stores(unfinished, parts, encoder(tokeniser, lead), progress or (lambda *_: None))
    stores = {path: TokenStore(folder / path.stem) for path in parts}
    frame = frame_of(checkpoint) if prompt is None else prompt.frame
    longest = checkpoint.longest - (0 if prompt is None else prompt.size)
    if length == "auto":
        uncut = stores[corpus.train.store.path].uncut[corpus.train.rows]
        length = min(longest, needed(uncut, frame.size(pair=corpus.pair)))
    if int(length) > longest:
        raise TextddError(
            f"Got dataset.length={length}; {checkpoint.path} reads at most {longest} tokens"
            f"{'' if prompt is None else ' besides its prompt'}. Type: dataset.length={longest}"
        )
    return space_of(checkpoint, frame, int(length), lead), stores


def space_of(checkpoint: Checkpoint, frame: Frame, length: int, lead: str = "") -> Space:
    """The space of a model that reads so many tokens of a text; `lead` stands before every text."""
    tokeniser = bare_tokeniser(checkpoint)
    return Space(
        name=name_of(checkpoint.path),
        kind="pretrained",
        tokeniser=tokeniser,
        encode=encoder(tokeniser, lead),
        frame=frame,
        table=checkpoint.table,
        second=second_segment(checkpoint),
        length=length,
        sha256=checkpoint.sha256,
        facts={"path": checkpoint.path},
    )


def name_of(path: str) -> str:
    """What a model is called: its id on the hub, its file, its folder, or the package with it in a folder `model`."""
    folder = Path(path)
    if not folder.is_dir():
        return folder.name if folder.is_file() else path
    return folder.parent.name if folder.name == "model" else folder.name


def bare_tokeniser(checkpoint: Checkpoint) -> Tokenizer:
    """The tokeniser without cutting and filling up: `TokenStore` does both."""
    tokeniser = Tokenizer.from_str(checkpoint.tokeniser.backend_tokenizer.to_str())
    tokeniser.no_truncation()
    tokeniser.no_padding()
    return tokeniser


def encoder(tokeniser: Tokenizer, lead: str = "") -> Encode:
    """What turns texts into this tokeniser's numbers, without what is put around them.

    Args:
        tokeniser: the model's own.
        lead: stands before every text: to many a model a word is another one at the beginning than behind a space.
    """
    dtype = np.uint16 if tokeniser.get_vocab_size() <= 1 << 16 else np.uint32
    unknown = tokeniser.token_to_id("[UNK]") or tokeniser.token_to_id("<unk>") or 0

    def given(texts: pa.StringArray) -> list[str]:
        return [lead + text for text in texts.to_pylist()] if lead else texts.to_pylist()

    def encode(texts: pa.StringArray) -> Encoded:
        rows = [found.ids for found in tokeniser.encode_batch(given(texts), add_special_tokens=False)]
        uncut = np.array([max(1, len(row)) for row in rows], np.int64)
        kept = [row[:MOST_TOKENS] or [unknown] for row in rows]  # a text of nothing but invisible signs has no token
        return Encoded(np.array([i for row in kept for i in row], dtype), np.minimum(uncut, MOST_TOKENS), uncut)

    return encode


def frame_of(checkpoint: Checkpoint) -> Frame:
    """What the model puts around a text and between segments, read off an example."""
    tokeniser = bare_tokeniser(checkpoint)
    one, other = (tokeniser.encode(word, add_special_tokens=False).ids for word in ("a", "b"))
    single, pair = tokeniser.encode("a").ids, tokeniser.encode("a", "b")
    begin = place(single, one)
    turn = place(pair.ids, one) + len(one)
    back = turn + place(pair.ids[turn:], other)
    second = pair.type_ids.index(1) if 1 in pair.type_ids else back
    return Frame(
        before=tuple(single[:begin]),
        between=tuple(pair.ids[turn:back]),
        after=tuple(single[begin + len(one) :]),
        second_from=second - turn,
    )


def place(ids: list[int], part: list[int]) -> int:
    """Where a part of some token numbers begins."""
    return next(i for i in range(len(ids)) if ids[i : i + len(part)] == part)


def second_segment(checkpoint: Checkpoint) -> torch.Tensor:
    """What tells a second segment from the first, where the model knows kinds of segments (D,); else nothing."""
    kinds: Any = next(
        (part for name, part in checkpoint.model.named_modules() if name.endswith("token_type_embeddings")), None
    )
    if kinds is None or len(kinds.weight) < 2:
        return torch.zeros(checkpoint.table.shape[1])
    # Models add the first kind to embeddings that they are given; the difference makes it the second.
    difference: torch.Tensor = (kinds.weight[1] - kinds.weight[0]).detach()
    return difference
