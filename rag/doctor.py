"""`rag doctor`: what is configured, and whether it works."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rag import models
from rag.errors import RagError
from rag.llm import is_extractive, make_llm
from rag.pipeline import Engine
from rag.settings import Settings


def checks(settings: Settings) -> Iterator[tuple[str, bool, str]]:
    """Yield each check as (name, whether there is a problem, what was found or what to do)."""

    def embedding() -> str:
        if not any(settings.embedding == model.name for model in models.MODELS):
            return f"{settings.embedding} (not one of ours)"
        return f"{settings.embedding}, verified: {models.path(settings.embedding, settings.models)}"

    def llm() -> str:
        if is_extractive(settings):
            return "none: the best sentence is the answer"
        made = make_llm(settings, lambda name: models.path(name, settings.models))
        said = made.complete("Answer with one word: ready").text.strip()
        return f"{made.metadata.model_name} answers ({said[:20]!r})"

    def store() -> str:
        with Engine(settings) as engine:
            documents, passages, sentences = engine.counts()
        return f"{documents} articles, {passages} passages, {sentences} sentences in {settings.store}; indexes agree"

    found: tuple[tuple[str, Callable[[], str]], ...] = (
        ("embedding model", embedding),
        ("answer model", llm),
        ("store", store),
    )
    for name, check in found:
        try:
            yield name, False, check()
        except RagError as error:
            yield name, True, str(error)
        except Exception as error:  # an endpoint's client has its own tree of errors
            yield name, True, f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
