"""Drafts: all that was written, kept as it comes: a killed run goes on, and a larger one writes the rest alone."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

from textdd.errors import TextddError
from textdd.locks import locked
from textdd.progress import Bar, say
from textdd.seeds import derive
from textdd.writing.prompts import Prompt
from textdd.writing.writer import BATCH, Draft, Manner, Reply, Writer


def drafts(writer: Writer, prompts: list[Prompt], manner: Manner, seed: int, folder: Path) -> list[Reply]:
    """What a writer makes of some prompts; what it has made of them before is not written again.

    Args:
        writer: the writer.
        prompts: the prompts.
        manner: how texts are written.
        seed: the run's seed.
        folder: where drafts are kept, a file for each writer and manner, a line for each prompt.

    Raises:
        TextddError: the file is damaged, or the writer fails.
    """
    told = hashlib.blake2b(repr((writer.key, manner, seed)).encode(), digest_size=10).hexdigest()
    path = folder / f"{told}.jsonl"
    with locked(path, f"writing texts with {writer.what}"):
        known = kept(path)
        missing = [prompt for prompt in prompts if key_of(prompt) not in known]
        if missing and writer.address is not None:
            shown = len({row for prompt in missing for row in prompt.examples})
            say(
                f"{len(missing)} prompts go to {writer.address}, {BATCH} times each: with the names of the classes "
                f"and {shown} texts of the corpus as examples. Nothing else does."
            )
        bar = Bar(f"writing texts with {writer.what}", BATCH * len(prompts), BATCH * (len(prompts) - len(missing)))
        try:
            for number, prompt in enumerate(missing, 1 + len(prompts) - len(missing)):
                reply = writer.write(prompt.words, derive(seed, "written", prompt.label, prompt.number), manner)
                known[key_of(prompt)] = reply
                append(path, {"prompt": key_of(prompt), **reply._asdict()})
                bar.update(BATCH * number)
        finally:
            bar.close()
    found = [known[key_of(prompt)] for prompt in prompts]
    read, written = sum(reply.read for reply in found), sum(reply.written for reply in found)
    counted = f"{read} tokens read, {written} written" if read else "tokens were not counted by the server"
    say(f"{BATCH * len(prompts)} texts were written by {writer.what}: {counted}")
    return found


def key_of(prompt: Prompt) -> str:
    """Identifies a prompt: another corpus, split or template makes others."""
    return hashlib.blake2b(repr((prompt.label, prompt.number, prompt.words)).encode(), digest_size=10).hexdigest()


def kept(path: Path) -> dict[str, Reply]:
    """What a file of drafts holds; a last line that a kill has left unfinished is removed.

    Raises:
        TextddError: it is damaged.
    """
    if not path.exists():
        return {}
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if len(whole) < len(content):
        os.truncate(path, len(whole))
    try:
        rows = [json.loads(line) for line in whole.splitlines()]
        return {
            row["prompt"]: Reply([Draft(*draft) for draft in row["drafts"]], row["read"], row["written"])
            for row in rows
        }
    except (ValueError, KeyError, TypeError) as error:
        raise TextddError(f"{path} is damaged. Type: rm {path} to write these texts again.") from error


def append(path: Path, row: dict[str, object]) -> None:
    """Add a line to a file."""
    with path.open("ab") as file:
        file.write((json.dumps(row, ensure_ascii=False) + "\n").encode())
        file.flush()
        os.fsync(file.fileno())
