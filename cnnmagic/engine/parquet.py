"""Parquet files as columns: labels as a list, encoded images read when they are asked for, however many there are."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, overload

import numpy as np

from cnnmagic.engine.cache import Cache, cache_for
from cnnmagic.engine.decode import Unreadable
from cnnmagic.errors import DataError

ROWS_AT_ONCE = 256
BYTES_FIELD, PATH_FIELD = "bytes", "path"  # Hugging Face and Spark keep an image as {"bytes": …, "path": …}


class Shelf:
    """The columns of a Parquet file, or of a folder of them in the order of their names; raises `DataError`.

    `shelf[name]` is a list, or `Contents` where a column holds encoded images.
    """

    def __init__(self, path: Path):
        self.path = path
        self.data = self._reading(self._opened)
        self.columns: list[str] = list(self.data.schema.names)

    def __iter__(self) -> Iterator[str]:
        return iter(self.columns)

    def __len__(self) -> int:
        return sum(group.num_rows for group, _ in self.groups)

    def __getitem__(self, name: str) -> Sequence[Any]:
        import pyarrow

        kind = self.data.schema.field(name).type
        is_binary = pyarrow.types.is_binary(kind) or pyarrow.types.is_large_binary(kind)
        if is_binary or (pyarrow.types.is_struct(kind) and kind.get_field_index(BYTES_FIELD) >= 0):
            return Contents(self, name, not is_binary)
        return self._reading(lambda: self.data.to_table(columns=[name])[name].to_pylist())

    @cached_property
    def seal(self) -> str:
        """Words that tell what the files hold by what they tell of themselves: names, rows and bytes of every group."""
        told = hashlib.blake2b(digest_size=8)
        for group, part in self.groups:
            columns = [part.metadata.row_group(group.id).column(number) for number in range(part.metadata.num_columns)]
            sizes = [(column.path_in_schema, column.total_compressed_size) for column in columns]
            told.update(f"{Path(part.path).name} {group.id} {group.num_rows} {sizes}".encode())
        return told.hexdigest()

    @cached_property
    def groups(self) -> list[tuple[Any, Any]]:
        """What pyarrow knows of each group of rows, and the fragment that reads it alone."""
        parts = [part for file in self.data.get_fragments() for part in file.split_by_row_group()]
        return [(part.row_groups[0], part) for part in parts]

    def _opened(self) -> Any:
        from pyarrow.dataset import dataset

        files = sorted(self.path.rglob("*.parquet")) if self.path.is_dir() else [self.path]
        return dataset(list(map(str, files)), format="parquet")

    def _reading(self, read: Any) -> Any:
        try:
            import pyarrow.dataset  # noqa: F401  (whether it is there)
        except ImportError as error:
            remedy = "In a cell of its own: `%pip install pyarrow`."
            message = f"`{self.path.name}` is Parquet, and pyarrow, which reads it, is missing."
            raise DataError(message, remedy=remedy) from error
        try:
            return read()
        except Exception as error:  # pyarrow has many errors for a spoilt file
            message = f"`{self.path.name}` can't be read as Parquet: {error}."
            raise DataError(message, remedy="Write it again.") from error


class Contents(Sequence[Any]):
    """The encoded images of a column, as bytes, or as paths where only those are given.

    A group of rows is read as a whole, once: what it holds is kept, in memory where it is little, else in a file, from
    which images come in any order. Where the disk has no room the group is read again.
    """

    def __init__(self, shelf: Shelf, column: str, has_fields: bool):
        self.shelf, self.column, self.has_fields = shelf, column, has_fields
        self.ends = np.cumsum([group.num_rows for group, _ in shelf.groups])
        self.cache: Cache | None = cache_for(len(self), self._mean_size())
        self.latest: tuple[int, list[bytes]] = (-1, [])
        self.lock = threading.Lock()

    def __len__(self) -> int:
        return int(self.ends[-1]) if len(self.ends) else 0

    @overload
    def __getitem__(self, number: int) -> Any: ...
    @overload
    def __getitem__(self, number: slice) -> list[Any]: ...
    def __getitem__(self, number: int | slice) -> Any:
        if isinstance(number, slice):
            return [self[each] for each in range(*number.indices(len(self)))]
        content = self._kept(number)
        if content is None:
            with self.lock:  # of the threads that want images of one group, the first reads it for all
                content = self._kept(number)
                content = self._read(number) if content is None else content
        return {BYTES_FIELD: content, PATH_FIELD: self.names[number]} if self.has_fields else content

    @cached_property
    def names(self) -> list[str | None]:
        """The path that each image comes with; None for one without."""
        kind = self.shelf.data.schema.field(self.column).type
        if not self.has_fields or kind.get_field_index(PATH_FIELD) < 0:
            return [None] * len(self)
        from pyarrow.dataset import field

        table = self.shelf.data.to_table(columns={PATH_FIELD: field(self.column, PATH_FIELD)})
        names: list[str | None] = table[PATH_FIELD].to_pylist()
        return names

    def _mean_size(self) -> int:
        """Bytes of an image in the mean, by what the file says of itself."""
        whole = 0
        for group, part in self.shelf.groups:
            columns = map(part.metadata.row_group(group.id).column, range(part.metadata.num_columns))
            whole += sum(
                column.total_uncompressed_size
                for column in columns
                if column.path_in_schema.split(".")[0] == self.column
            )
        return whole // max(1, len(self))

    def _kept(self, number: int) -> bytes | None:
        kept = self.cache.get_encoded(number) if self.cache is not None else None
        if kept is not None:
            return kept
        start, contents = self.latest
        return contents[number - start] if 0 <= number - start < len(contents) else None

    def _read(self, number: int) -> bytes:
        """Read the group of rows in which an image is; raises `Unreadable`."""
        which = int(np.searchsorted(self.ends, number, side="right"))
        start = int(self.ends[which]) - self.shelf.groups[which][0].num_rows
        try:
            contents = self._contents(self.shelf.groups[which][1])
        except Exception as error:  # pyarrow has many errors for a spoilt file
            raise Unreadable(f"lies in a part of the file that can't be read ({error})") from error
        self.latest = (start, contents)
        if self.cache is not None:
            for first in range(0, len(contents), ROWS_AT_ONCE):
                self.cache.put_encoded(start + first, contents[first : first + ROWS_AT_ONCE])
        return contents[number - start]

    def _contents(self, part: Any) -> list[bytes]:
        contents: list[bytes] = []
        for batch in part.to_batches(columns=[self.column], batch_size=ROWS_AT_ONCE):
            found = batch.column(0)
            cells = found.field(BYTES_FIELD) if self.has_fields else found
            contents += [content or b"" for content in cells.to_pylist()]
        return contents
