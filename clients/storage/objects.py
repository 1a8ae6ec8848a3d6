"""Names stored objects (content-addressed keys), and checks their bytes.

Keys are made of ids and hashes only, never of a file's name:
``{user}/raw/{sha256}`` for the bytes as they came, ``{user}/parsed/{sha256}/{parser}.json`` for
their text. So the same bytes of one user are stored once. What comes over the network is
``{user}/incoming/{id}`` until its hash is known.

A *stem* names all that belongs together: the hash for a file's bytes and texts, ``incoming/{id}``
for an upload.
"""

from __future__ import annotations

from uuid import UUID

from pipeline.errors import NavigatorError
from pipeline.identity import sha256_hex


class ObjectMissing(NavigatorError):
    """The storage has no such object, though the database says so."""

    code = "object_missing"
    remedy = "Ingest the file again; what is stored of it is lost."


INCOMING = "incoming/"


def raw_key(user: UUID, sha256: str) -> str:
    """Where the bytes of a file are kept."""
    return f"{user}/raw/{sha256}"


def parsed_key(user: UUID, sha256: str, parser: str) -> str:
    """Where the text of a file is kept, for one parser version."""
    return f"{parsed_folder(user, sha256)}{parser}.json"


def parsed_folder(user: UUID, sha256: str) -> str:
    """The prefix of all texts of a file."""
    return f"{user}/parsed/{sha256}/"


def incoming_key(user: UUID, upload: UUID) -> str:
    """Where an upload is kept until it is whole and its hash is known."""
    return f"{user}/{incoming_stem(upload)}"


def incoming_stem(upload: UUID) -> str:
    """The stem of an upload."""
    return f"{INCOMING}{upload}"


def stem_of(user: UUID, key: str) -> str:
    """The stem of an upload, from its key."""
    return key.removeprefix(f"{user}/")


def checked(data: bytes | ObjectMissing, sha256: str) -> bytes:
    """What was read, if it is what was stored.

    Raises:
        ObjectMissing: there was nothing, or something else.
    """
    if isinstance(data, ObjectMissing):
        raise data
    if sha256_hex(data) != sha256:
        raise ObjectMissing("A stored object is damaged.", code="object_damaged")
    return data
