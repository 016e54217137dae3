"""Files that are not read, and the way out for each."""

from __future__ import annotations

from pathlib import Path

from textdd.errors import TextddError

SHEET = (
    "a spreadsheet. Save it as CSV UTF-8 from the program that made it, or type (pandas and openpyxl are needed): "
    "python -c \"import pandas; pandas.read_excel('{name}').to_csv('{stem}.csv', index=False)\""
)
ARCHIVE = "an archive. Unpack it and name what is in it: {unpack}"
PROGRAM = "a pickle, which may run programs when it is opened, and is never. Save a table: frame.to_csv('{stem}.csv')"
PAGE = (
    "no table of texts. Save one row a text as csv, for instance with pandas: frame.to_csv('{stem}.csv', index=False)"
)

WAYS_OUT = {
    **dict.fromkeys((".xlsx", ".xls", ".xlsm", ".xlsb", ".ods", ".numbers"), SHEET),
    **dict.fromkeys((".zip",), ARCHIVE.format(unpack="unzip '{name}'")),
    **dict.fromkeys((".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.zst"), ARCHIVE.format(unpack="tar -xf '{name}'")),
    **dict.fromkeys((".7z", ".rar", ".xz"), ARCHIVE.format(unpack="7z x '{name}'")),
    **dict.fromkeys((".pkl", ".pickle", ".pt", ".pth", ".joblib"), PROGRAM),
    **dict.fromkeys((".xml", ".html", ".db", ".sqlite", ".h5", ".hdf5", ".orc", ".avro", ".sav", ".dta"), PAGE),
}

MAGIC = {
    b"PK\x03\x04": ".zip",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": ".xls",
    b"\xfd7zXZ\0": ".xz",
    b"SQLite format": ".db",
}


def refuse(path: Path) -> None:
    """Refuse a file that is not read, by its name or, where that says otherwise, by its first bytes.

    Raises:
        TextddError: with the way out.
    """
    name = path.name.lower()
    suffix = next((suffix for suffix in sorted(WAYS_OUT, key=len, reverse=True) if name.endswith(suffix)), None)
    if suffix is None:
        with path.open("rb") as file:
            first = file.read(16)
        suffix = next((suffix for magic, suffix in MAGIC.items() if first.startswith(magic)), None)
    if suffix is not None:
        what = WAYS_OUT[suffix].format(name=path, stem=path.with_suffix(""))
        raise TextddError(f"{path} is {what} and then: dataset.path=FILE")
