"""How much of a text its chunks cover."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stages.gating import covered_share

TEXTS = st.text(st.sampled_from("ab \n"), max_size=60)
SPANS = st.lists(
    st.tuples(st.integers(0, 60), st.integers(0, 60)).map(lambda span: (min(span), max(span))),
    max_size=6,
)


@given(text=TEXTS, spans=SPANS)
def test_it_is_what_counting_characters_gives(text: str, spans: list[tuple[int, int]]) -> None:
    """The share of visible characters that lie in at least one span, whatever their order."""
    visible = [index for index, character in enumerate(text) if not character.isspace()]
    inside = [index for index in visible if any(start <= index < end for start, end in spans)]
    share = covered_share(text, spans)
    assert abs(share - (len(inside) / len(visible) if visible else 0)) < 1e-9


@given(text=TEXTS.filter(str.strip))
def test_one_span_over_everything_covers_everything(text: str) -> None:
    """Exactly 1, so that a rule may ask for it."""
    assert covered_share(text, [(0, len(text))]) == 1.0


def test_gaps_of_white_space_lose_nothing() -> None:
    """Chunks need not hold the blank lines between them; a lost word is seen."""
    text = "first\n\n\nsecond third"
    assert covered_share(text, [(8, 20), (0, 5)]) == 1.0
    assert covered_share(text, [(0, 5), (8, 14)]) == 11 / 16
    assert covered_share(text, []) == 0.0
    assert covered_share("  \n", [(0, 3)]) == 0.0
