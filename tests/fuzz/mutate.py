"""Damage: bytes and JSON content cut, flipped, repeated, of huge numbers, of wrong kinds, nested."""

import json
import re

PIECES = [
    *(b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"\r", b"\r\n", b"\n\n", b'"', b"'", b"\t", b",", b";", b" ", b"\x1b[31m"),
    *(b"NaN", b"inf", b"-1", b"1e999", b"9" * 5000, b"4294967296", b"0x10", b"1_0", b"null", b"=1+1", b"\xed\xa0\x80"),
    *(b"[" * 3000, b'{"a":' * 3000, b"\\ud800", b"a" * 100_000, "名前".encode(), b"[/x]", b"${oc.env:HOME}", b"%s%n"),
]
"""What is put where it does not belong."""

HOSTILE = [
    *(None, True, False, 0, -1, 1, 2, 1000, 1 << 31, 10**30, -(10**30), 0.5, -0.5, 1e308, 1e-320, float("nan")),
    *(
        float("inf"),
        "",
        " ",
        "x",
        "x" * 100_000,
        "foo",
        "1",
        "\ud800",
        "\x1b[2J",
        "[/x]",
        "=1+1",
        "../../x",
        "/etc/passwd",
    ),
    *(
        "${oc.env:HOME}",
        "a\nb",
        [],
        {},
        [[]],
        [1, 2],
        ["a"],
        [None],
        {"a": 1},
        {"name": "x"},
        [0.5] * 1000,
        [1_000_000],
    ),
]
"""What may stand in place of a JSON value."""


def damaged(content, draw):
    """Bytes with one to three mutations."""
    for _ in range(draw.choice((1, 1, 2, 3))):
        content = draw.choice(MUTATIONS)(content, draw)
    return content[: 1 << 21]


def cut(content, draw):
    return content[: draw.randrange(len(content) + 1)]


def without(content, draw):
    begin = draw.randrange(len(content) + 1)
    return content[:begin] + content[begin + draw.choice((1, 2, 10, 100)) :]


def flipped(content, draw):
    found = bytearray(content)
    for _ in range(draw.choice((1, 1, 4, 32)) if found else 0):
        found[draw.randrange(len(found))] ^= 1 << draw.randrange(8)
    return bytes(found)


def repeated(content, draw):
    begin = draw.randrange(len(content) + 1)
    part = content[begin : begin + draw.choice((1, 3, 30, 300))]
    return content[:begin] + part * draw.choice((2, 3, 100, 2000)) + content[begin:]


def mixed_in(content, draw):
    begin = draw.randrange(len(content) + 1)
    return content[:begin] + draw.choice(PIECES) + content[begin + draw.choice((0, 0, 1, 5)) :]


def renumbered(content, draw):
    places = list(re.finditer(rb"-?\d+(\.\d+)?", content))
    if not places:
        return content
    place, other = (
        draw.choice(places),
        draw.choice((b"-1", b"0", b"1e39", b"nan", b"1000000000", b"9" * 400, b"", b"x")),
    )
    return content[: place.start()] + other + content[place.end() :]


def reordered(content, draw):
    lines = content.splitlines(keepends=True)
    if lines:
        one, other = draw.randrange(len(lines)), draw.randrange(len(lines))
        lines[one : one + 1] = draw.choice(
            ([], [lines[other]], [lines[one]] * 2, [b"\n"], [lines[one].rstrip() + lines[other]])
        )
    return b"".join(lines)


def other_newlines(content, draw):
    return content.replace(b"\n", draw.choice((b"\r", b"\r\n", b"\n\r", b"")))


def other_encoding(content, draw):
    return content.decode(errors="replace").encode(
        draw.choice(("utf-16", "utf-16-be", "utf-8-sig", "cp1252")), "replace"
    )


MUTATIONS = (
    *(cut, without, flipped, repeated, mixed_in, mixed_in, renumbered, renumbered, reordered, other_newlines),
    other_encoding,
)


def altered(content, draw):
    """JSON content with one to three values changed, and the bytes of it."""
    content = json.loads(json.dumps(content))
    for _ in range(draw.choice((1, 1, 2, 3))):
        content = one_altered(content, draw)
    return content


def one_altered(content, draw):
    """Go down to any value and put another in its place, leave it out, or give it another name."""
    inside = list(content) if isinstance(content, dict) else range(len(content)) if isinstance(content, list) else []
    if not inside or draw.random() < 0.05:
        return draw.choice(HOSTILE)
    key = draw.choice(list(inside))
    if isinstance(content[key], dict | list) and content[key] and draw.random() < 0.75:
        content[key] = one_altered(content[key], draw)
        return content
    what = draw.random()
    if what < 0.7:
        content[key] = draw.choice(HOSTILE)
    elif what < 0.85:
        del content[key]
    elif isinstance(content, dict):
        content[draw.choice(("x", "", f"{key} ", "path"))] = content[key]
    else:
        content.append(content[key])
    return content
