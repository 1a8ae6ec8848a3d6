"""What a worker may be asked for, and how that is called in messages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pipeline.parsing.kinds import MediaType
from pipeline.parsing.options import ParseOptions

PARSE, RESCUE, RENDER, SNIFF = "parse", "rescue", "render", "sniff"

_SNIFF_SECONDS = 5.0


def request(function: str, media_type: MediaType, **arguments: int | str) -> dict[str, Any]:
    """A request for one of the worker's functions, with the arguments that it takes by name."""
    return {
        "function": function,
        "media_type": media_type.value,
        "arguments": arguments,
        "passwords": [],
        "counted": False,
    }


@dataclass(frozen=True, slots=True)
class Limits:
    """What a request may take, and how it is told when it took more.

    Attributes:
        seconds: of processor time. doing, did: what the worker does, or did when it died.
    """

    seconds: float
    doing: str
    did: str

    @classmethod
    def of(cls, function: str, options: ParseOptions) -> Limits:
        """Of one of the worker's functions; telling a kind has less than reading a file."""
        seconds = options.timeout_seconds
        if function == SNIFF:
            return cls(min(seconds, _SNIFF_SECONDS), "Telling the file's kind", "looked at it")
        if function == RENDER:
            return cls(seconds, "Drawing the page", "drew this page")
        return cls(seconds, "Parsing", "read this file")
