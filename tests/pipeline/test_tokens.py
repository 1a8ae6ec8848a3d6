"""Token counts: true, offline, and additive where the tokenizer says so."""

from __future__ import annotations

import inspect
import socket
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiktoken_ext import openai_public
from tokenizers import Tokenizer as HuggingFaceTokenizer
from tokenizers import models, pre_tokenizers, processors

from pipeline.chunking.cuts import is_additive
from pipeline.errors import ConfigurationError
from pipeline.tokens import CL100K_PATTERN, CL100K_SHA256, name_of, tokenizer

NAMES = ("cl100k_base", "wordllama")
WORDS = st.sampled_from(
    [
        "deductible",
        "it's",
        "$1,500",
        "(see",
        "e.g.",
        "NON-NETWORK",
        "—",
        "保険。",
        "ﬁ",
        "👩‍👧",
        "12",
    ]
)
GAPS = st.sampled_from([" ", "  ", "\n", "\n\n", "\n  ", " \n\n", "\t", "\n \n"])
TEXTS = st.lists(st.tuples(WORDS | st.text(max_size=6), GAPS), max_size=30).map(
    lambda pairs: "".join(word + gap for word, gap in pairs)
)


@pytest.fixture
def word_piece(tmp_path: Path) -> Path:
    """A tokenizer file like an ONNX model folder's, with a cut-off and a padding switched on."""
    vocabulary = {"[UNK]": 0, "[CLS]": 1, "[SEP]": 2, "[PAD]": 3, "plan": 4, "pays": 5, "##s": 6}
    model = HuggingFaceTokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    model.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    model.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)]
    )
    model.enable_truncation(4)
    model.enable_padding(length=16)
    path = tmp_path / "tokenizer.json"
    model.save(str(path))
    return path


def test_cl100k_gives_the_published_counts() -> None:
    """Known texts have the counts that OpenAI publishes for cl100k_base."""
    texts = ["hello world", "antidisestablishmentarianism", "2 + 2 = 4", ""]
    assert tokenizer("cl100k_base").count(texts) == [2, 6, 7, 0]


def test_cl100k_is_built_from_the_same_parts_as_tiktokens_own() -> None:
    """Our pattern and vocabulary hash are the ones in tiktoken's own constructor."""
    source = inspect.getsource(openai_public.cl100k_base)
    assert CL100K_PATTERN in source
    assert CL100K_SHA256 in source


@pytest.mark.parametrize("name", NAMES)
def test_special_token_strings_are_plain_text(name: str) -> None:
    """A document that quotes a special token is counted, not refused."""
    [count] = tokenizer(name).count(["<|endoftext|> </s> [SEP] <|fim_prefix|>"])
    assert count > 4


@pytest.mark.parametrize("name", NAMES)
def test_a_batch_counts_like_its_texts_one_by_one(name: str) -> None:
    """Counts come in the order of the texts, and no text is padded or cut off."""
    model = tokenizer(name)
    texts = ["plan", "word " * 5000, "", "the plan pays\n"]
    assert model.count(texts) == [model.count([text])[0] for text in texts]
    assert model.count(texts)[1] > 4999
    assert model.count([]) == []


@given(texts=st.lists(TEXTS | st.sampled_from(["", "a\0b", " ", "\n", "'ll", "<|endoftext|>"])))
@settings(deadline=None)
def test_cl100k_counts_all_texts_in_one_call_as_if_apart(texts: list[str]) -> None:
    """What stands between the texts joins none of their tokens, even if one holds it."""
    alone = [tokenizer("cl100k_base").count([text])[0] for text in texts]
    assert tokenizer("cl100k_base").count(texts) == alone


@pytest.mark.parametrize("name", NAMES)
def test_a_tokenizer_is_loaded_once(name: str) -> None:
    """Asking twice gives the same object."""
    assert tokenizer(name) is tokenizer(name)
    assert tokenizer(name).name == name_of(name) == name


def test_loading_opens_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fresh load works where every connection is refused."""

    def refuse(*_: object) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    for name in NAMES:
        assert tokenizer.__wrapped__(name).count(["hello world"]) == [2]


def test_a_model_folders_tokenizer_counts_what_the_model_receives(word_piece: Path) -> None:
    """Special tokens count; the file's own cut-off and padding do not."""
    model = tokenizer(f"hf:{word_piece}")
    assert model.count(["plan pays plan pays plan pays", "plan"]) == [8, 3]


def test_a_model_folders_tokenizer_is_named_by_its_content(word_piece: Path) -> None:
    """The name that goes into ids holds no path, so it is the same on every machine."""
    model = tokenizer(f"hf:{word_piece}")
    assert model.name.startswith("hf-")
    assert name_of(f"hf:{word_piece}") == model.name
    assert "/" not in model.name


def test_unknown_and_damaged_tokenizers_are_configuration_errors(tmp_path: Path) -> None:
    """A wrong name, a missing file and a damaged file each say so."""
    damaged = tmp_path / "tokenizer.json"
    damaged.write_text("{")
    for name in ("gpt-9", f"hf:{tmp_path}/missing.json", f"hf:{damaged}"):
        with pytest.raises(ConfigurationError) as caught:
            tokenizer(name)
        assert caught.value.remedy


@pytest.mark.parametrize("name", NAMES)
@given(text=TEXTS)
@settings(deadline=None, max_examples=150)
def test_counts_add_up_at_additive_places(name: str, text: str) -> None:
    """Cut after newlines or before the space of a word, the parts have the tokens of the whole."""
    model = tokenizer(name)
    places = [i for i in range(1, len(text)) if is_additive(text, i)]
    for place in places[:10]:
        head, whole = model.count([text[:place], text])
        [tail] = model.count_continuing([text[place:]])
        assert head + tail == whole
