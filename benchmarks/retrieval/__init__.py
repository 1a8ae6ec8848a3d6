"""How well questions are answered: ours beside BM25 alone, LangChain, LlamaIndex and Haystack."""
