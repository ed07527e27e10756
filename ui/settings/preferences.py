"""One reader's settings: the answer model, its caution, and the number of evidence sentences."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath
from typing import Any
from urllib.parse import unquote, urlsplit

from pydantic import SecretStr, TypeAdapter, ValidationError

from rag import Engine, Settings, SettingsError
from ui.settings.endpoint import url_problem

SERVER, ENDPOINT = "server", "endpoint"
BUILT_IN = {
    "local": "Built-in model (best of the built-in ones)",
    "local:small": "Small built-in model (faster, less exact)",
    "extractive": "No model: quote the best sentence",
}
MOST_SOURCES = 10


@dataclass(frozen=True)
class Preferences:
    """A reader's settings. `model` is `SERVER`, `ENDPOINT` or a key of `BUILT_IN`; None means the server's value."""

    model: str = SERVER
    url: str = ""
    name: str = ""
    caution: float | None = None
    sources: int | None = None


_PREFERENCES = TypeAdapter(Preferences)


def read_preferences(stored: object) -> Preferences:
    """Return the preferences that a browser stored; invalid data counts as no preferences."""
    try:
        found = _PREFERENCES.validate_python(stored)
    except ValidationError:
        return Preferences()
    known = found.model in (SERVER, ENDPOINT, *BUILT_IN)
    fits = found.caution is None or 0 <= found.caution <= 1
    fits &= found.sources is None or 1 <= found.sources <= MOST_SOURCES
    return found if known and fits else Preferences()


def own_endpoints(settings: Settings, loopback: bool) -> bool:
    """Return whether readers may set an endpoint at all; see `endpoint_allowed`."""
    return settings.reader_endpoints not in ("none", "auto" if not loopback else "none")


def endpoint_allowed(settings: Settings, url: str, loopback: bool) -> bool:
    """Return whether a reader may use an endpoint, which the server then connects to from its own network.

    Args:
        settings: Only `reader_endpoints` is read.
        url: The endpoint's base address.
        loopback: Whether the page is served to this machine only.
    """
    if not own_endpoints(settings, loopback) or url_problem(url):
        return False
    if settings.reader_endpoints in ("all", "auto"):
        return True
    wanted = _place(url)
    # "..", plain or percent-encoded, would lead out of the allowed path.
    if any(unquote(part) in (".", "..") or "\\" in part for part in wanted[3]) or "%2f" in url.lower():
        return False
    allowed = [_place(entry.strip()) for entry in settings.reader_endpoints.split(",")]
    return any(wanted[:3] == a[:3] and wanted[3][: len(a[3])] == a[3] for a in allowed)


def _place(url: str) -> tuple[str, str, int, list[str]]:
    """Return scheme, host, port and the parts of the path."""
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
    return parts.scheme, parts.hostname or "", port, parts.path.rstrip("/").split("/")


def refused(settings: Settings, url: str, loopback: bool) -> str:
    """Return why a reader may not use this endpoint, or an empty string."""
    if endpoint_allowed(settings, url, loopback):
        return ""
    if not own_endpoints(settings, loopback):
        return "This server asks no model at an address that a reader sets."
    return "This server asks no model at this address; it allows others."


def view(engine: Engine, wanted: Preferences, key: str, loopback: bool = True) -> Engine | None:
    """Return the reader's own view of `engine`, or None if nothing differs from it.

    Args:
        engine: The server's engine.
        wanted: What the reader has set.
        key: The reader's key for their endpoint, or an empty string.
        loopback: Whether the page is served to this machine only.

    The server's own key is never sent to an address that a reader typed; such a model gets the reader's key or none.

    Raises:
        SettingsError: The endpoint's address or the model's name is missing or invalid, or the address is not allowed.
    """
    changes: dict[str, Any] = {}
    if wanted.model == ENDPOINT:
        if problem := url_problem(wanted.url):
            raise SettingsError(problem)
        if problem := refused(engine.settings, wanted.url, loopback):
            raise SettingsError(problem)
        if not wanted.name:
            raise SettingsError("The model's name is missing; the endpoint's provider lists the names.")
        changes = {
            "llm": f"openai:{wanted.name}",
            "llm_base_url": wanted.url,
            "llm_api_key": SecretStr(key) if key else None,
        }
    elif wanted.model != SERVER:
        changes = {"llm": wanted.model}
    changes |= {} if wanted.caution is None else {"caution": wanted.caution}
    changes |= {} if wanted.sources is None else {"evidence": wanted.sources}
    changed = {name: value for name, value in changes.items() if value != getattr(engine.settings, name)}
    if not changed:
        return None
    if wanted.model == ENDPOINT:
        changed = changes  # the address and the key must be replaced together
    return engine.using(**changed)


def model_name(llm: str) -> str:
    """Return the setting `llm` in words."""
    known = {
        "local": "the built-in model",
        "local:small": "the small built-in model",
        "extractive": "quoting (no language model)",
    }
    if llm.startswith("openai:"):
        return llm.removeprefix("openai:")
    return known.get(llm) or PurePath(llm).stem


def choices(llm: str, endpoint: bool = True) -> list[tuple[str, str]]:
    """Return (label, value) of each answer model to choose from.

    Args:
        llm: The server's answer model.
        endpoint: Whether a reader may set an endpoint.
    """
    own = [] if llm in BUILT_IN else [(f"As this server is set up: {model_name(llm)}", SERVER)]
    built_in = [(label, name) for name, label in BUILT_IN.items()]
    other = [("Another model, at an OpenAI-compatible address", ENDPOINT)] if endpoint else []
    return [*own, *built_in, *other]
