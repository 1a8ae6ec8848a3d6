"""Makes deterministic ids (UUIDv5) and content hashes (content addressing, deduplication).

The same inputs give the same ids on every machine, so doing a thing twice finds the first doing.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable
from uuid import UUID, uuid5

NAMESPACE = UUID("6c8a1e6e-1f0b-4aa8-9f0a-1a7c2e6f2b42")

# Parts are joined by a character that no part may contain, so ("ab", "c") never equals ("a", "bc").
_SEPARATOR = "\x1f"


def _uuid(kind: str, *parts: str) -> UUID:
    return uuid5(NAMESPACE, _SEPARATOR.join((kind, *parts)))


def sha256_hex(data: bytes | str) -> str:
    """The SHA-256 of bytes, or of a text's UTF-8, as 64 hexadecimal digits."""
    raw = data.encode("utf-8") if isinstance(data, str) else data
    return hashlib.sha256(raw).hexdigest()


def user_id(name: str) -> UUID:
    """Who an operator means: a UUID is a user's id, anything else a name of this installation.

    For those who may name anybody (the command line, Prefect, an operator's token); a user's own
    token never goes this way.
    """
    try:
        return UUID(name)
    except ValueError:
        return named_user(name)


def named_user(name: str) -> UUID:
    """The user of a name of this installation, also of one that looks like an id.

    Blanks around it and how its letters are composed make no other user.
    """
    told = name.encode("utf-8", "backslashreplace").decode("utf-8")
    return _uuid("user", unicodedata.normalize("NFC", told).strip() or told)


def owner_mark(user: UUID) -> str:
    """A user's mark on a page over several users: whether they are on it, and not who they are."""
    return sha256_hex(f"owner{_SEPARATOR}{user}")[:16]


def subject_user(issuer: str, subject: str) -> UUID:
    """The user whom an issuer of tokens calls so; another issuer's subject is another user."""
    return _uuid("subject", issuer, subject)


OPERATOR = _uuid("operator")
"""The user in whose name a run over everybody's documents is filed; no name leads to it."""

EVERYBODY = _uuid("everybody")
"""All users together, where sums of a month are kept by user; no name leads to it."""

CANARY, STRANGER = _uuid("canary"), _uuid("canary", "stranger")
"""Whose the canary corpus is, and who may see nothing of it; no name leads to either."""


API_CANARIES = ("navigator-canary", "navigator-canary-stranger")
"""The names of the users by whom the HTTP API is verified: the canary's, and one who may see
nothing of it."""


def document_id(user: UUID, source: str, lives: int = 0) -> UUID:
    """The id of a document that is made for a user's source: a path or URI.

    New bytes there are a new version of it. A file that moves takes its document along, with its
    id; so the id says where a document was made, and only its row where it is now.

    Args:
        lives: how many documents that have moved away were made for this source before.
    """
    return _uuid("document", str(user), source, *([str(lives)] if lives else []))


def golden_question_id(user: UUID, question: str) -> UUID:
    """The id of a user's golden question: the same words again are the same question."""
    return _uuid("golden question", str(user), question)


def job_id(document: UUID, file_sha256: str, pipeline_version: str) -> UUID:
    """A job is a document's bytes through one pipeline version; the same again is the same job."""
    return _uuid("job", str(document), file_sha256, pipeline_version)


def chunk_id(document: UUID, chunker: str, chunk_sha256: str, occurrence: int) -> UUID:
    """A chunk keeps its id from version to version as long as its content is unchanged.

    Args:
        chunker: name, version and sizes of the chunker, e.g. ``markdown-1:400/50``.
        occurrence: 0 for the first chunk with this content in the document, 1 for the second …
    """
    return _uuid("chunk", str(document), chunker, chunk_sha256, str(occurrence))


def recipe_id(chunker: str) -> UUID:
    """The id of a recipe: of the chunker's version, e.g. ``markdown-3:400/50:cl100k_base``."""
    return _uuid("recipe", chunker)


def space_id(provider: str, model: str, dimension: int, version: str) -> UUID:
    """An embedding space: vectors of different spaces are never compared."""
    return _uuid("space", provider, model, str(dimension), version)


def combined_sha256(parts: Iterable[str]) -> str:
    """One hash for an ordered list of strings."""
    return sha256_hex(_SEPARATOR.join(parts))
