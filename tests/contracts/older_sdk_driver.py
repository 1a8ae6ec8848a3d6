"""Runs in the environment of llama-cloud-services: one JSON call a line in, one answer a line out.

It imports nothing of ours, and nothing of ours imports it.
"""

from __future__ import annotations

import json
import sys
from importlib.metadata import version
from typing import Any

# The SDK prints its remarks; only answers may go to the real standard output.
_answers, sys.stdout = sys.stdout, sys.stderr

from llama_cloud_services import LlamaParse  # noqa: E402

OPTIONS = {
    "check_interval": 0, "backoff_pattern": "constant", "verbose": False,
    "ignore_errors": False, "split_by_page": False,
}  # fmt: skip


def versions(parser: LlamaParse) -> dict[str, str]:
    """The packages that are driven."""
    return {name: version(name) for name in ("llama-cloud-services", "llama-cloud")}


def load_data(parser: LlamaParse, path: str) -> dict[str, Any]:
    """The documents' texts, in the result type that the parser was made with."""
    return {"texts": [document.text for document in parser.load_data(path)]}


def parse(parser: LlamaParse, path: str) -> dict[str, Any]:
    """The result as the SDK understands it, and what it fetches again from /api/v1."""
    result = parser.parse(path)
    return {
        "job_id": result.job_id,
        "pages": [{"page": p.page, "text": p.text, "md": p.md} for p in result.pages],
        "items": [[item.type for item in page.items] for page in result.pages],
        "job_pages": result.job_metadata.job_pages,
        "job_is_cache_hit": result.job_metadata.job_is_cache_hit,
        "markdown": result.get_markdown(),
        "text": result.get_text(),
        "json": result.get_json(),
    }


def get_json(parser: LlamaParse, path: str) -> dict[str, Any]:
    """The raw JSON result."""
    return {"results": parser.get_json_result(path)}


def again(parser: LlamaParse, job_id: str) -> dict[str, Any]:
    """A job that was made before."""
    return {"pages": [page.text for page in parser.get_result(job_id).pages]}


def main() -> None:
    """Answer until the input ends."""
    methods = {each.__name__: each for each in (versions, load_data, parse, get_json, again)}
    for line in sys.stdin:
        asked = json.loads(line)
        parser = LlamaParse(**{**OPTIONS, **asked["options"]})
        try:
            answer = methods[asked["method"]](parser, *asked["arguments"])
        except Exception as error:
            told = {name: getattr(error, name, None) for name in ("status", "error_code")}
            answer = {"error": type(error).__name__, "message": str(error), **told}
        _answers.write(json.dumps(answer) + "\n")
        _answers.flush()


if __name__ == "__main__":
    main()
