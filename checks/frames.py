"""The frames that the gate judges: rows of plain measurements, never text or vectors.

Each row class lists what must be measured; `frame` turns rows into a pandas DataFrame and adds the
columns that are derived from them. Something that cannot be measured is stated as failing (a
missing vector has norm 0), so that no NULL passes silently.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from math import nan
from operator import attrgetter
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from pipeline.errors import BrokenGate

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from pandas import DataFrame, Series


@dataclass(frozen=True, slots=True)
class FidelityRow:
    """One document: how far what was read agrees with its pages. Shares are 0 to 1.

    NaN stands where nothing was measured, as for a ruled row of a document without tables.

    Attributes:
        job_id: the job, as text.
        pages: pages that show something; a format without pages has one.
        pages_with_text: pages that hold at least one word.
        characters, words: in the canonical text.
        replaced: NULs and lone surrogates replaced while normalising.
        readable_share: of the characters that a reader can make sense of.
        words_found, order_agreement: of the words and of the neighboring words of an independent
            reading.
        ruled_rows: rows of ruled tables; ruled_rows_whole: the share whose cells stand together.
        glyphs_without_unicode: characters whose font does not say what they are;
            glyphs_readable: the share of the others.
        letters_plausible: of the pairs of letters that are usual in a language.
        language_known: 1 or 0.
        headings, odd_headings: how many; heading_share: of the text; headings_sane: of them.
        furniture_repeated: of the pages, those that repeat a running header or footer.
        gaps: notes that say that something was not read; gaps_told: these in words, with remedies.
    """

    job_id: str
    pages: int
    pages_with_text: int
    characters: int
    words: int
    replaced: int
    readable_share: float
    words_found: float
    order_agreement: float
    ruled_rows: int
    ruled_rows_whole: float
    glyphs_without_unicode: int
    glyphs_readable: float
    letters_plausible: float
    language_known: float
    headings: int
    odd_headings: int
    heading_share: float
    headings_sane: float
    furniture_repeated: float
    gaps: int
    gaps_told: str


@dataclass(frozen=True, slots=True)
class ChunkRow:
    """One chunk in the buffer.

    Attributes:
        job_id, chunk_id: as text.
        ordinal: position in the document, from 0.
        occurrence: how many earlier chunks of the document have the same content.
        tokens: of what is sent to the embedder.
        max_tokens: the chunker's limit.
        characters: of the text without white space at its ends.
        sha256: as stored.
        computed_sha256: of the stored text, computed now.
        start, end: offsets into the canonical text.
        text_matches: whether the offsets cut exactly the stored text out of the parsed document.
        covered_share: 0 to 1, how much of the document's visible text its chunks hold together;
            the same on every row of a document.
        substantial_share: of the document's chunks, those that are more than a heading or a
            running line. headed_share: of its pieces of tables, those with their columns. Both
            are the same on every row of a document, and NaN where nothing was measured.
    """

    job_id: str
    chunk_id: str
    ordinal: int
    occurrence: int
    tokens: int
    max_tokens: int
    characters: int
    sha256: str
    computed_sha256: str
    start: int
    end: int
    text_matches: bool
    covered_share: float
    substantial_share: float = nan
    headed_share: float = nan


@dataclass(frozen=True, slots=True)
class VectorRow:
    """One chunk that should have a vector.

    Attributes:
        job_id, chunk_id: as text.
        ordinal: the chunk's position in the document.
        vectors: how many vectors the chunk has in the embedding space.
        dimension: of the vector, 0 when there is none.
        expected_dimension: of the embedding space.
        finite: no NaN and no infinity; False when there is no vector.
        norm: Euclidean length, 0 when there is no vector or it is not finite.
        sha256: of the text that the vector was made from, empty when there is none.
        expected_sha256: of the chunk.
    """

    job_id: str
    chunk_id: str
    ordinal: int
    vectors: int
    dimension: int
    expected_dimension: int
    finite: bool
    norm: float
    sha256: str
    expected_sha256: str


DERIVED_COLUMNS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "fidelity": ("coverage", "replaced_share"),
        "chunks": ("rank", "ordinal_gap", "token_excess", "hash_matches", "chunk_key"),
        "vectors": ("dimension_gap", "norm_error", "hash_matches"),
    }
)
"""What the frames have beside the fields of their rows, by the name of their suite."""


def columns_of(suite: str) -> set[str]:
    """Every column that a rule of a suite may judge."""
    row = {"fidelity": FidelityRow, "chunks": ChunkRow, "vectors": VectorRow}[suite]
    return {*(each.name for each in fields(row)), *DERIVED_COLUMNS[suite]}


def fidelity_frame(
    rows: Iterable[FidelityRow], measured: Mapping[str, Mapping[str, float]] | None = None
) -> DataFrame:
    """One row a document, for the fidelity suite; adds `coverage` and `replaced_share`.

    Args:
        measured: by column and job, what a company measures of each document itself.

    Raises:
        BrokenGate: a row is not a `FidelityRow`, or there is none.
    """
    frame = _table(FidelityRow, rows)
    frame["coverage"] = frame["pages_with_text"] / frame["pages"].clip(lower=1)
    frame["replaced_share"] = frame["replaced"] / frame["characters"].clip(lower=1)
    for column, values in (measured or {}).items():
        frame[column] = [float(values[job]) for job in frame["job_id"]]
    return frame


def chunk_frame(rows: Iterable[ChunkRow]) -> DataFrame:
    """One row a chunk, for `CHUNKS`; adds the rank in the document, gaps and comparisons.

    Raises:
        BrokenGate: a row is not a `ChunkRow`, or there is none.
    """
    frame = _table(ChunkRow, rows)
    documents, chunks = frame["job_id"].factorize()[0], frame["chunk_id"].factorize()[0]
    frame["rank"] = _ranks(documents, frame["ordinal"].to_numpy())
    frame["ordinal_gap"] = frame["ordinal"] - frame["rank"]
    frame["token_excess"] = frame["tokens"] - frame["max_tokens"]
    frame["hash_matches"] = frame["sha256"] == frame["computed_sha256"]
    # Two versions of one document share the ids of unchanged chunks, each within its own job.
    # As numbers, for Great Expectations hashes every column that it is given.
    frame["chunk_key"] = documents * len(frame) + chunks
    return frame


def vector_frame(rows: Iterable[VectorRow]) -> DataFrame:
    """One row a chunk, for `VECTORS`; adds gaps and comparisons.

    Raises:
        BrokenGate: a row is not a `VectorRow`, or there is none.
    """
    frame = _table(VectorRow, rows)
    frame["dimension_gap"] = frame["dimension"] - frame["expected_dimension"]
    frame["norm_error"] = (frame["norm"] - 1.0).abs()
    frame["hash_matches"] = frame["sha256"] == frame["expected_sha256"]
    return frame


def measure_vectors(
    vectors: NDArray[np.float32],
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Which rows of an (n, dimension) array are finite, and their Euclidean lengths.

    The length of a row that is not finite is given as 0.
    """
    import numpy as np

    finite: NDArray[np.bool_] = np.asarray(np.isfinite(vectors).all(axis=1))
    # einsum squares and sums in one pass, in double precision and without a copy of the array.
    squared = np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64, casting="safe")
    norms: NDArray[np.float64] = np.sqrt(np.where(finite, squared, 0.0))
    return finite, norms


def _ranks(groups: NDArray[np.int64], values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Each value's place within its group, from 0; equal values in the order of the array."""
    import numpy as np

    order = np.lexsort((values, groups))
    sizes = np.bincount(groups)
    starts = np.repeat(np.cumsum(sizes) - sizes, sizes)
    ranks = np.empty(len(groups), dtype=np.int64)
    ranks[order] = np.arange(len(groups)) - starts
    return ranks


def _table(row_type: type[Any], rows: Iterable[Any]) -> DataFrame:
    import pandas as pd

    listed: Sequence[Any] = list(rows)
    if not listed:
        raise BrokenGate(f"There are no {row_type.__name__} rows to check.")
    if any(type(row) is not row_type for row in listed):
        raise BrokenGate(f"The frame needs rows of type {row_type.__name__}.")
    names = [found.name for found in fields(row_type)]
    columns = zip(*map(attrgetter(*names), listed), strict=True)
    frame = pd.DataFrame(dict(zip(names, columns, strict=True)))
    for found in fields(row_type):
        if not _holds(frame[found.name], str(found.type)):
            raise BrokenGate(f"{row_type.__name__}.{found.name} is not {found.type} in every row.")
    return frame


def _holds(column: Series[Any], kind: str) -> bool:
    """Whether a column is of a row's declared type throughout; only a float may be NULL."""
    if kind == "str":
        return column.dtype == "str" and not column.hasnans
    return column.dtype.kind in {"int": "iu", "float": "fiu", "bool": "b"}[kind]
