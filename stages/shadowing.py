"""Works on one document through every stage but publication, with no database and no storage.

That is how a release is tried on real documents beside the one that runs: what is not connected to
the database can publish nothing. The stages' own rules are used: the parsers, the suites, the
chunker, the embedder.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

import numpy as np

from checks.company_rules import company_rules
from checks.frames import chunk_frame, fidelity_frame, vector_frame
from checks.gate import Gate
from checks.rules import Suite
from checks.suites_in_force import suites_in_force
from pipeline.chunk_sizes import UNREMEMBERED, sizes_in_force
from pipeline.chunking.options import ChunkerOptions
from pipeline.documents import Chunk, ParsedDocument, embedding_text
from pipeline.errors import (
    ChunkingError,
    ConfigurationError,
    EmbeddingError,
    NavigatorError,
    ParseError,
)
from pipeline.identity import chunk_id, sha256_hex
from pipeline.job_notes import job_notes
from pipeline.packing import pack
from pipeline.parsing.assessment.gaps import with_gaps_noted
from pipeline.parsing.assessment.validation import assess, require_text
from pipeline.parsing.kinds import MediaType
from pipeline.parsing.media import is_container, sniff, unnamed
from pipeline.settings import Settings
from pipeline.states import JobState
from pipeline.store.chunk_buffer import BufferedChunk
from pipeline.store.registration import PipelineVersion
from pipeline.store.vector_facts import VectorFact
from pipeline.tokens import tokenizer
from stages.chunking import cut
from stages.gate_outcomes import rejection
from stages.gating import chunk_rows_of, vector_row
from stages.parsers import open_remote_parser, parser_pool
from stages.reading import bugs_end_the_document
from stages.services import chunker_options, open_embedder, version_of
from stages.validating import fidelity_row, measured_by

if TYPE_CHECKING:
    from pandas import DataFrame

    from checks.company_rules import CompanyRules
    from clients.embedder import Embedder, EmbeddingAnswer
    from clients.parser import RemoteParser
    from clients.parser_pool.sandbox import ParserPool


@dataclass(frozen=True, slots=True)
class Tools:
    """What documents are worked on with."""

    settings: Settings
    parser: ParserPool
    remote_parser: RemoteParser | None
    embedder: Embedder
    chunker: ChunkerOptions
    version: PipelineVersion
    rules: CompanyRules

    def suites(self) -> tuple[Suite, Suite, Suite]:
        """For text, chunks and vectors."""
        return suites_in_force(self.settings, self.rules)


@asynccontextmanager
async def open_tools(settings: Settings) -> AsyncIterator[Tools]:
    """Open parsers and embedder, and close them at the end.

    Raises:
        ConfigurationError: a setting is missing or wrong.
    """
    async with AsyncExitStack() as stack:
        embedder = await open_embedder(settings)
        stack.push_async_callback(embedder.close)
        settings, remote = await open_remote_parser(settings)
        if remote is not None:
            stack.push_async_callback(remote.close)
        parser = parser_pool(settings)
        stack.push_async_callback(parser.close)
        # who starts a candidate says them, unless it is of before they were remembered
        chunker = chunker_options(sizes_in_force(settings, UNREMEMBERED), embedder)
        rules = company_rules(settings.check_names, settings.gate_suite_file)
        version = version_of(settings, remote, chunker, embedder)
        yield Tools(settings, parser, remote, embedder, chunker, version, rules)


@dataclass(frozen=True, slots=True)
class Given:
    """A document to work on.

    Attributes:
        text: as it is stored, where the service that would read it was paid for it already.
    """

    job_id: UUID
    document_id: UUID
    source: str
    content: bytes
    text: ParsedDocument | None = None


@dataclass(slots=True)
class Result:
    """What came of a document: how it would have ended, never its words.

    Attributes:
        text: SHA-256 of what was read.
        chunks: id and SHA-256 of each.
        gaps: kinds of what was not read.
        seconds: of each stage.
    """

    state: str = ""
    error: str | None = None
    text: str | None = None
    media_type: str | None = None
    pages: int | None = None
    characters: int | None = None
    tokens: int | None = None
    language: str = ""
    chunks: list[tuple[str, str]] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def has_ended(self) -> bool:
        """Whether there is nothing to embed."""
        return bool(self.state)


class _Ended(Exception):
    """The document goes no further."""

    def __init__(self, state: JobState, error: NavigatorError) -> None:
        self.state, self.error = state, error


@dataclass(frozen=True, slots=True)
class Bought:
    """What embedding a document's texts took.

    Attributes:
        tokens: as billed, or as counted where the service does not tell.
    """

    requests: int = 0
    tokens: int = 0
    seconds: float = 0.0
    request_id: str | None = None


class Work:
    """One document's way through the stages, up to where it would be published."""

    def __init__(self, tools: Tools, given: Given) -> None:
        self._tools, self._given = tools, given
        self._document: ParsedDocument | None = None
        self._chunks: Sequence[Chunk] = ()
        self._made: dict[str, tuple[int, float]] = {}
        self.result = Result()
        self.bought = Bought()

    @property
    def wanted(self) -> dict[str, int]:
        """Tokens of each text to be embedded, by its hash."""
        return {each.sha256: each.tokens for each in self._chunks}

    async def until_embedding(self) -> Result:
        """Parse, validate and chunk.

        Raises:
            ConfigurationError: a service would have to be paid to read it.
            BrokenGate: no verdict is possible.
        """
        try:
            document = await self._timed("parse", self._parsed())
            self._judge_text(document)
            self._cut(document)
        except _Ended as ended:
            self._end(ended)
        return self.result

    async def finish(self, known: Collection[str]) -> Result:
        """Embed the texts that are not known, and judge chunks and vectors.

        Args:
            known: hashes of texts that have a vector in the space already.

        Raises:
            TransientError: the service does not answer; `finish` may be called again.
            BrokenGate: no verdict is possible.
        """
        try:
            vectors = await self._timed("embed", self._embedded(known))
            self._judge_chunks(vectors)
            gaps = JobState.COMPLETE_WITH_GAPS if self.result.gaps else JobState.COMPLETE
            self.result.state = gaps.value
        except _Ended as ended:
            self._end(ended)
        return self.result

    def _end(self, ended: _Ended) -> None:
        self.result.state, self.result.error = ended.state.value, ended.error.code
        self.result.chunks = []  # none of them would be published

    async def _timed(self, stage: str, work: Any) -> Any:
        began = time.perf_counter()
        try:
            return await work
        finally:
            self.result.seconds[stage] = round(time.perf_counter() - began, 6)

    # -- text ----------------------------------------------------------------------------------

    async def _parsed(self) -> ParsedDocument:
        try:
            kind = await self._kind()
            self.result.media_type = kind.value
            document = await self._read(kind)
            require_text(document)
        except ParseError as error:
            raise _Ended(JobState.FAILED_PARSE, error) from None
        self._document = document
        self.result.text = sha256_hex(document.text)
        self.result.pages = len(document.pages) if document.paged else None
        self.result.characters = len(document.text)
        return document

    async def _kind(self) -> MediaType:
        content, name = self._given.content, unnamed(self._given.source)
        remote = self._tools.remote_parser is not None
        if is_container(content):
            return await self._tools.parser.sniff(content, name, remote=remote)
        return sniff(content, name, remote=remote)

    async def _read(self, kind: MediaType) -> ParsedDocument:
        remote = self._tools.remote_parser
        if remote is not None and remote.reads(kind):
            if self._given.text is not None:
                return self._given.text
            raise ConfigurationError(
                f"{remote.service} would have to be paid to read a document again.",
                code="parsing_is_paid",
                remedy="Compare with files of your own: `navigator compare … --files`.",
            )
        passwords = self._tools.settings.passwords_for(self._given.source)
        with bugs_end_the_document():
            found = await self._tools.parser.parse(self._given.content, kind, passwords)
        return found.without_contents() if found.attachments else found

    def _judge_text(self, document: ParsedDocument) -> None:
        began = time.perf_counter()
        seen = assess(document)
        notes = job_notes(with_gaps_noted(document), self._tools.version.parser)
        self.result.language = seen.language
        self.result.gaps = sorted(note.kind for note in notes if note.gap)
        key = str(self._given.job_id)
        measured = {
            column: {key: measured_by(column, measure, document)}
            for column, measure in self._tools.rules.measures.items()
        }
        frame = fidelity_frame([fidelity_row(self._given.job_id, seen, notes)], measured)
        self._require(self._tools.suites()[0], frame)
        self.result.seconds["validate"] = round(time.perf_counter() - began, 6)

    def _require(self, suite: Suite, frame: DataFrame) -> None:
        key = str(self._given.job_id)
        if reason := Gate().check(suite, frame, expected_jobs=[key]).reason(key):
            raise _Ended(JobState.QUARANTINED, rejection(reason))

    # -- chunks --------------------------------------------------------------------------------

    def _cut(self, document: ParsedDocument) -> None:
        began = time.perf_counter()
        counter = tokenizer(self._tools.embedder.tokenizer_name)
        try:
            self._chunks = cut(document, self._tools.chunker, counter)
        except ChunkingError as error:
            raise _Ended(JobState.FAILED_CHUNKING, error) from None
        finally:
            self.result.seconds["chunk"] = round(time.perf_counter() - began, 6)
        self.result.chunks = [(str(self._id(each)), each.sha256) for each in self._chunks]
        self.result.tokens = sum(each.tokens for each in self._chunks)

    def _id(self, chunk: Chunk) -> UUID:
        chunker = self._tools.version.chunker
        return chunk_id(self._given.document_id, chunker, chunk.sha256, chunk.occurrence)

    # -- vectors -------------------------------------------------------------------------------

    async def _embedded(self, known: Collection[str]) -> dict[str, tuple[int, float]]:
        """Dimension and length of each text's vector; a known one was judged when it was made."""
        space = self._tools.embedder.space
        found = dict.fromkeys(known, (space.dimension, 1.0)) | self._made
        new = {each.sha256: each for each in self._chunks if each.sha256 not in found}
        texts = list(new.values())
        try:
            packed = pack([each.tokens for each in texts], self._tools.embedder.limits)
            for request in packed:
                asked = [texts[index] for index in request]
                self._made |= await self._asked(asked)
        except EmbeddingError as error:
            raise _Ended(JobState.FAILED_EMBEDDING, error) from None
        return found | self._made

    async def _asked(self, asked: Sequence[Chunk]) -> dict[str, tuple[int, float]]:
        texts = [embedding_text(each.heading_path, each.text, each.context) for each in asked]
        answer = await self._tools.embedder.embed(texts)
        self._note(answer, sum(each.tokens for each in asked))
        norms = np.linalg.norm(answer.vectors.astype(np.float64), axis=1)
        size = answer.vectors.shape[1]
        return {each.sha256: (size, float(n)) for each, n in zip(asked, norms, strict=True)}

    def _note(self, answer: EmbeddingAnswer, counted: int) -> None:
        so_far = self.bought
        self.bought = Bought(
            so_far.requests + 1,
            so_far.tokens + (answer.tokens or counted),
            so_far.seconds + answer.seconds,
            answer.request_id,
        )

    def _judge_chunks(self, vectors: Mapping[str, tuple[int, float]]) -> None:
        began = time.perf_counter()
        assert self._document is not None
        buffered = [self._buffered(each) for each in self._chunks]
        _, of_chunks, of_vectors = self._tools.suites()
        rows = chunk_rows_of(buffered, self._document, self._tools.chunker.max_tokens)
        self._require(of_chunks, chunk_frame(rows))
        dimension = self._tools.embedder.space.dimension
        facts = self._facts(buffered, vectors)
        self._require(of_vectors, vector_frame(vector_row(each, dimension) for each in facts))
        self.result.seconds["gate"] = round(time.perf_counter() - began, 6)

    def _buffered(self, chunk: Chunk) -> BufferedChunk:
        return BufferedChunk(
            job_id=self._given.job_id,
            chunk_id=self._id(chunk),
            ordinal=chunk.ordinal,
            occurrence=chunk.occurrence,
            text=chunk.text,
            sha256=chunk.sha256,
            start_offset=chunk.start,
            end_offset=chunk.end,
            heading_path=list(chunk.heading_path),
            context=chunk.context,
            tokens=chunk.tokens,
        )

    def _facts(
        self, buffered: Iterable[BufferedChunk], vectors: Mapping[str, tuple[int, float]]
    ) -> Iterable[VectorFact]:
        for each in buffered:
            dimension, norm = vectors.get(each.sha256, (None, None))
            yield VectorFact(
                each.job_id, each.chunk_id, each.ordinal, each.sha256,
                each.sha256 if dimension is not None else None, dimension is not None, dimension,
                norm,
            )  # fmt: skip
