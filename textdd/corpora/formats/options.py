"""What a user may say of a file, where looking at it is not enough."""

from __future__ import annotations

import codecs
from dataclasses import dataclass

from textdd.errors import TextddError, nearest_first, unknown_choice

QUOTING = ("auto", "none", "minimal")
"""`none`: a quotation mark is a sign like any other; `minimal`: around a cell it is no part of it."""

TAB = ("\\t", "tab")
"""How a tab is typed on a command line."""

ENCODINGS = (
    *("utf-8", "utf-16", "cp1252", "latin-1", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "koi8_r"),
    *("gb18030", "big5", "shift_jis", "euc_jp", "cp949", "mac_roman", "cp850"),
)
"""The usual ones; Python knows many more."""


@dataclass(frozen=True)
class FileOptions:
    """How files are to be read; what is left open is found by looking.

    Attributes:
        encoding: of text, by the name that Python has for it; None takes UTF-8, and UTF-16 where it is that.
        separator: between the cells of a csv or tsv file, one sign.
        quoting: one of `QUOTING`.
        columns: what the columns of a csv or tsv file without a header are called.
        records: the key under which a json file has its records.
        text: the columns of text that will be asked for.
        labels: the columns of labels that will be asked for.
    """

    encoding: str | None = None
    separator: str | None = None
    quoting: str = "auto"
    columns: tuple[str, ...] = ()
    records: str | None = None
    text: tuple[str, ...] = ("text",)
    labels: tuple[str, ...] = ("label",)

    @property
    def sign(self) -> str | None:
        """The separator itself."""
        return "\t" if self.separator in TAB else self.separator

    @property
    def wanted(self) -> set[str]:
        """All columns that will be asked for."""
        return {*self.text, *self.labels}

    def check(self) -> None:
        """Check what no file can make right.

        Raises:
            TextddError: an encoding, a separator or a quoting that there is not, or columns of one name.
        """
        if self.quoting not in QUOTING:
            raise unknown_choice("quoting", self.quoting, QUOTING, "dataset.quoting")
        if self.sign is not None and (len(self.sign) != 1 or not self.sign.isascii() or self.sign in '"\r\n'):
            raise TextddError(
                f"Got dataset.separator={self.separator!r}; one sign of ASCII is allowed, but no mark and no line "
                "break. Type for instance: dataset.separator=';' (for a tab: dataset.separator=tab)"
            )
        doubled = sorted({name for name in self.columns if self.columns.count(name) > 1})
        if doubled:
            names = ",".join(told_apart(self.columns))
            raise TextddError(f"dataset.columns has {doubled[0]!r} twice. Type for instance: dataset.columns=[{names}]")
        if self.encoding is not None and not is_encoding(self.encoding):
            nearest = nearest_first(self.encoding, ENCODINGS)
            raise TextddError(
                f"Got dataset.encoding={self.encoding}, which is no encoding of text that Python knows. Allowed among "
                f"many (nearest first): {', '.join(nearest)}. Type for instance: dataset.encoding={nearest[0]}"
            )


def is_encoding(name: str) -> bool:
    """Whether Python decodes text by this name; "base64" and the like are codecs, but none of text."""
    try:
        return codecs.lookup(name)._is_text_encoding and "\0".encode(name) != b""
    except (LookupError, UnicodeError, ValueError):
        return False


def told_apart(names: tuple[str, ...] | list[str]) -> list[str]:
    """Give every column a name of its own: `column_3` where it has none, `text_2` for a second `text`."""
    found: list[str] = []
    for place, name in enumerate(names, 1):
        own, count = name.strip() or f"column_{place}", 1
        while (called := own if count == 1 else f"{own}_{count}") in found:
            count += 1
        found.append(called)
    return found
