"""A server of one's own that speaks OpenAI's API under a model's name that says nothing."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np

DIMENSION = 32


@contextmanager
def server(model: str) -> Iterator[tuple[str, list[str]]]:
    """The address of a server with this model behind it, and the texts that it was sent."""
    texts: list[str] = []

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            texts.extend(asked["input"])
            data = [
                {"index": place, "embedding": _vector(model, text)}
                for place, text in enumerate(asked["input"])
            ]
            tokens = sum(len(text.split()) for text in asked["input"])
            body = json.dumps({"data": data, "usage": {"prompt_tokens": tokens}}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    running = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=running.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{running.server_port}/v1", texts
    finally:
        running.shutdown()
        running.server_close()
        thread.join()


def _vector(model: str, text: str) -> list[float]:
    seed = int.from_bytes(hashlib.sha256(f"{model}{text}".encode()).digest()[:8], "big")
    return [float(each) for each in np.random.default_rng(seed).standard_normal(DIMENSION)]
