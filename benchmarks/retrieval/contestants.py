"""Other people's defaults on the same documents and vectors, in an environment of their own.

`FOLDER/documents.json` holds `[{"document", "page", "text"}]` and `FOLDER/questions.json`
`[{"id", "text"}]`. `python contestants.py cut FOLDER` cuts them as each library does by default and
writes `FOLDER/NAME/chunks.json`; our side embeds these (`vectors.npy`, and `questions.npy` in
FOLDER); `python contestants.py rank FOLDER` ranks with each library's own keyword search, vector
store and fusion, at its defaults, and writes `FOLDER/NAME/ranked.json`. Nothing of ours is imported
here, and what is not installed is left out.

Needs: bm25s, PyStemmer, langchain-classic, langchain-community, langchain-text-splitters,
rank_bm25, llama-index-core, llama-index-retrievers-bm25, haystack-ai.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

DEPTH = 50
Row = dict[str, Any]


def cut_langchain(documents: Sequence[Row]) -> list[Row]:
    """LangChain: 1,000 characters, 200 of them shared with the chunk before."""
    from langchain_core.documents import Document
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    splitter = RecursiveCharacterTextSplitter(chunk_size=1000, chunk_overlap=200)
    given = [Document(each["text"], metadata=_place(each)) for each in documents]
    return [
        {**each.metadata, "text": each.page_content} for each in splitter.split_documents(given)
    ]


def cut_llamaindex(documents: Sequence[Row]) -> list[Row]:
    """LlamaIndex: sentences up to 1,024 tokens, 200 of them shared."""
    from llama_index.core import Document
    from llama_index.core.node_parser import SentenceSplitter

    place = ["document", "page"]
    hidden = {"excluded_embed_metadata_keys": place, "excluded_llm_metadata_keys": place}
    given = [Document(text=each["text"], metadata=_place(each), **hidden) for each in documents]
    nodes = SentenceSplitter().get_nodes_from_documents(given)
    return [{**each.metadata, "text": each.get_content()} for each in nodes]


def cut_haystack(documents: Sequence[Row]) -> list[Row]:
    """Haystack: 200 words."""
    from haystack import Document
    from haystack.components.preprocessors import DocumentSplitter

    given = [Document(content=each["text"], meta=_place(each)) for each in documents]
    splitter = DocumentSplitter()
    splitter.warm_up()
    made = splitter.run(documents=given)["documents"]
    return [
        {"document": each.meta["document"], "page": each.meta["page"], "text": each.content}
        for each in made
    ]


def _place(row: Row) -> Row:
    return {"document": row["document"], "page": row["page"]}


Rankings = list[list[int]]


def rank_bm25s(chunks: Sequence[Row], questions: Sequence[str], *_: Any) -> Rankings:
    """BM25 alone, with Snowball's English stemmer and stop words."""
    import bm25s
    import Stemmer

    stemmer = Stemmer.Stemmer("english")
    words = bm25s.tokenize([each["text"] for each in chunks], stopwords="en", stemmer=stemmer)
    index = bm25s.BM25()
    index.index(words, show_progress=False)
    asked = bm25s.tokenize(list(questions), stopwords="en", stemmer=stemmer)
    found, _scores = index.retrieve(asked, k=min(DEPTH, len(chunks)), show_progress=False)
    return [[int(each) for each in row] for row in found]


def rank_langchain(
    chunks: Sequence[Row], questions: Sequence[str], vectors: Any, asked: Any
) -> Rankings:
    """EnsembleRetriever of BM25Retriever and InMemoryVectorStore, weights one half."""
    from langchain_classic.retrievers import EnsembleRetriever
    from langchain_community.retrievers import BM25Retriever
    from langchain_core.documents import Document
    from langchain_core.embeddings import Embeddings
    from langchain_core.vectorstores import InMemoryVectorStore

    texts = [each["text"] for each in chunks]

    class Known(Embeddings):  # type: ignore[misc]
        def embed_documents(self, texts: list[str]) -> list[list[float]]:
            return [list(map(float, row)) for row in vectors[: len(texts)]]

        def embed_query(self, text: str) -> list[float]:
            return list(map(float, asked[questions.index(text)]))

    # Each chunk is told apart by its number; the ensemble joins by content alone.
    given = [Document(text, metadata={"n": n}) for n, text in enumerate(texts)]
    store = InMemoryVectorStore(Known())
    store.add_documents(given)
    words = BM25Retriever.from_documents(given, k=DEPTH)
    both = EnsembleRetriever(
        retrievers=[words, store.as_retriever(search_kwargs={"k": DEPTH})],
        weights=[0.5, 0.5],
        id_key="n",
    )
    return [[each.metadata["n"] for each in both.invoke(text)][:DEPTH] for text in questions]


def rank_llamaindex(
    chunks: Sequence[Row], questions: Sequence[str], vectors: Any, asked: Any
) -> Rankings:
    """QueryFusionRetriever (reciprocal rank) of its BM25Retriever and its vector index."""
    from llama_index.core import QueryBundle, VectorStoreIndex
    from llama_index.core.embeddings import MockEmbedding
    from llama_index.core.llms import MockLLM
    from llama_index.core.retrievers import QueryFusionRetriever
    from llama_index.core.schema import TextNode
    from llama_index.retrievers.bm25 import BM25Retriever

    nodes = [
        TextNode(id_=str(n), text=each["text"], embedding=list(map(float, vectors[n])))
        for n, each in enumerate(chunks)
    ]

    class Known(MockEmbedding):  # type: ignore[misc]
        def _get_query_embedding(self, query: str) -> list[float]:
            return list(map(float, asked[questions.index(query)]))

    model = Known(embed_dim=vectors.shape[1])
    index = VectorStoreIndex(nodes, embed_model=model)
    depth = min(DEPTH, len(nodes))
    both = QueryFusionRetriever(
        [
            index.as_retriever(similarity_top_k=depth),
            BM25Retriever.from_defaults(nodes=nodes, similarity_top_k=depth),
        ],
        llm=MockLLM(), num_queries=1, mode="reciprocal_rerank", similarity_top_k=depth,
        use_async=False,
    )  # fmt: skip
    return [[int(each.node.node_id) for each in both.retrieve(QueryBundle(q))] for q in questions]


def rank_haystack(
    chunks: Sequence[Row], questions: Sequence[str], vectors: Any, asked: Any
) -> Rankings:
    """DocumentJoiner (reciprocal rank fusion) of both in-memory retrievers."""
    from haystack import Document
    from haystack.components.joiners import DocumentJoiner
    from haystack.components.retrievers.in_memory import (
        InMemoryBM25Retriever,
        InMemoryEmbeddingRetriever,
    )
    from haystack.document_stores.in_memory import InMemoryDocumentStore

    store = InMemoryDocumentStore(embedding_similarity_function="cosine")
    store.write_documents(
        [
            Document(id=str(n), content=each["text"], embedding=list(map(float, vectors[n])))
            for n, each in enumerate(chunks)
        ]
    )
    words = InMemoryBM25Retriever(store, top_k=DEPTH)
    near = InMemoryEmbeddingRetriever(store, top_k=DEPTH)
    joiner = DocumentJoiner(join_mode="reciprocal_rank_fusion", top_k=DEPTH)
    ranked = []
    for number, text in enumerate(questions):
        vector = list(map(float, asked[number]))
        found = [
            words.run(query=text)["documents"],
            near.run(query_embedding=vector)["documents"],
        ]
        ranked.append([int(each.id) for each in joiner.run(documents=found)["documents"]])
    return ranked


CONTESTANTS: dict[str, tuple[str, Callable[..., list[Row]], Callable[..., Rankings]]] = {
    "BM25 alone (bm25s), LangChain's chunks": ("bm25s", cut_langchain, rank_bm25s),
    "LangChain": ("langchain_classic", cut_langchain, rank_langchain),
    "LlamaIndex": ("llama_index", cut_llamaindex, rank_llamaindex),
    "Haystack": ("haystack", cut_haystack, rank_haystack),
}


def main(what: str, folder: Path) -> None:
    """Cut the documents, or rank the chunks, with whatever is installed."""
    documents = json.loads((folder / "documents.json").read_text())
    questions = [each["text"] for each in json.loads((folder / "questions.json").read_text())]
    for name, (package, cut, rank) in CONTESTANTS.items():
        if find_spec(package) is None:
            continue
        place = folder / package
        place.mkdir(exist_ok=True)
        if what == "cut":
            kept = [each for each in cut(documents) if each["text"].strip()]
            (place / "chunks.json").write_text(json.dumps({"name": name, "chunks": kept}))
            continue
        chunks = json.loads((place / "chunks.json").read_text())["chunks"]
        vectors = np.load(place / "vectors.npy")
        ranked = rank(chunks, questions, vectors, np.load(folder / "questions.npy"))
        (place / "ranked.json").write_text(json.dumps(ranked))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
