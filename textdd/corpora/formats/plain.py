"""Columns of any type of Arrow as strings, or lists of strings; what is broken is found before it is looked into."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from textdd.errors import TextddError


def plain_table(batch: pa.RecordBatch, columns: Sequence[str], where: str) -> pa.Table:
    """Some columns of a batch, checked and made plain.

    Args:
        batch: as it was read.
        columns: the columns to keep, in this order.
        where: the file, for messages.

    Raises:
        TextddError: a column cannot be made text.
        pyarrow.ArrowInvalid: offsets or indices that point outside, or strings that are not UTF-8.
    """
    found = {}
    for name in columns:
        column = batch.column(name)
        column.validate(full=True)
        try:
            found[name] = plain(column)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowKeyError) as error:
            raise TextddError(
                f"{where}: column {name!r} holds {str(column.type)[:200]}, which cannot be made text: {error}. Name "
                "other columns: dataset.text=NAME dataset.label=NAME"
            ) from error
    return pa.table(found)


def plain(column: pa.Array) -> pa.Array:
    """A column as strings, or lists of strings.

    Raises:
        pyarrow.ArrowNotImplementedError: it holds structures or maps.
    """
    kind = column.type
    if isinstance(kind, pa.BaseExtensionType):
        return plain(column.storage)
    if pa.types.is_run_end_encoded(kind):
        return plain(pc.run_end_decode(column))
    if pa.types.is_dictionary(kind):
        return plain(column.dictionary_decode())
    if pa.types.is_list_view(kind) or pa.types.is_large_list_view(kind):
        # The cast of list views to lists loses values (pyarrow 26).
        return plain(pa.array(column.to_pylist(), pa.list_(kind.value_type)))
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        lists = column.cast(pa.list_(kind.value_type))
        start, end = lists.offsets[0].as_py(), lists.offsets[-1].as_py()
        values = plain(lists.values.slice(start, end - start))
        return pa.ListArray.from_arrays(pc.subtract(lists.offsets, start), values, mask=lists.is_null())
    if pa.types.is_nested(kind):
        raise pa.ArrowNotImplementedError("it has parts with names of their own")
    return column.cast(pa.string())
