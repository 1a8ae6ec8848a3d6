"""Says what the words of a text are, for chunks and questions alike: the one rule of word search.

`chunk_words` cuts a chunk into lexemes, `asked_words` a question; `spans` tells which words of a
text are asked for. What a lexeme is stands in `lexemes.py`: words by their stem (`languages.py`),
amounts by their value (`amounts.py`), codes of forms and procedures in all their spellings
(`codes.py`), scripts without spaces by pairs of characters (`scripts.py`).
"""

from pipeline.words.chunk_words import RULE, chunk_words
from pipeline.words.highlighting import lexemes_of, spans
from pipeline.words.question_words import AskedWord, NearWord, asked_words

__all__ = ["RULE", "AskedWord", "NearWord", "asked_words", "chunk_words", "lexemes_of", "spans"]
