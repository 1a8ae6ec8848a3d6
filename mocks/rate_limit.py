"""Rate limits of a mock provider: a token bucket of requests and tokens, told in headers."""

from __future__ import annotations

import time

SHOWN_REQUESTS = 10_000
SHOWN_TOKENS = 5_000_000


class RateBudget:
    """Two buckets; a limit of None is told in the headers but never reached."""

    def __init__(self, requests: int | None, tokens: int | None) -> None:
        self._enforced = (requests is not None, tokens is not None)
        self.requests_limit = requests or SHOWN_REQUESTS
        self.tokens_limit = tokens or SHOWN_TOKENS
        self._requests = float(self.requests_limit)
        self._tokens = float(self.tokens_limit)
        self._seen = time.monotonic()

    @property
    def tokens_used(self) -> int:
        """Tokens of the minute that are spent."""
        return round(self.tokens_limit - self._tokens)

    def spend(self, tokens: int) -> float | None:
        """Take one request and its tokens; otherwise the seconds until there is room."""
        self._refill()
        waits = [0.0]
        if self._enforced[0]:
            waits.append((1 - self._requests) / self.requests_limit * 60)
        if self._enforced[1]:
            waits.append((min(tokens, self.tokens_limit) - self._tokens) / self.tokens_limit * 60)
        if max(waits) > 0:
            return max(waits)
        self._requests -= 1
        self._tokens -= tokens
        return None

    def headers(self) -> dict[str, str]:
        """`x-ratelimit-{limit,remaining,reset}-{requests,tokens}`."""
        self._refill()
        shown = {
            "requests": (self.requests_limit, self._requests),
            "tokens": (self.tokens_limit, self._tokens),
        }
        headers = {}
        for name, (limit, left) in shown.items():
            headers[f"x-ratelimit-limit-{name}"] = str(limit)
            headers[f"x-ratelimit-remaining-{name}"] = str(max(0, int(left)))
            headers[f"x-ratelimit-reset-{name}"] = _duration((limit - left) / limit * 60)
        return headers

    def _refill(self) -> None:
        now = time.monotonic()
        share = (now - self._seen) / 60
        self._seen = now
        self._requests = min(self.requests_limit, self._requests + share * self.requests_limit)
        self._tokens = min(self.tokens_limit, self._tokens + share * self.tokens_limit)


def _duration(seconds: float) -> str:
    if seconds < 1:
        return f"{round(seconds * 1000)}ms"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"
