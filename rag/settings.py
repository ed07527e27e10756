"""Validated settings from keyword arguments, then `RAG_*` variables, then `rag.toml`, then defaults."""

from __future__ import annotations

import difflib
import hashlib
import json
import logging
import os
import re
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import platformdirs
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from rag.errors import SettingsError

logger = logging.getLogger(__name__)
PREFIX = "RAG_"
DEFAULT_COLLECTION = "default"
_COLLECTION = re.compile(r"[A-Za-z0-9_-]{1,64}")
# Locations and access settings, which do not change what an answer says.
_NOT_HASHED = {
    "store", "collection", "models", "llm_api_key", "llm_base_url", "llm_timeout", "threads", "password",
    "reader_endpoints", "database", "chroma", "chroma_token", "chroma_tenant", "chroma_database", "chroma_ca",
    "log_requests", "oidc_issuer", "oidc_client_id", "oidc_client_secret", "oidc_claim", "oidc_new_readers",
}  # fmt: skip
_warned_of: set[str] = set()


class Settings(BaseSettings):
    """What can be configured.

    Unknown keyword arguments, unknown keys in `rag.toml` and unusable values raise `SettingsError`. An unknown `RAG_*`
    variable is logged as a warning, since it may belong to another program.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, toml_file="rag.toml", extra="forbid", frozen=True, env_ignore_empty=True
    )

    store: Path = Field(
        default_factory=lambda: platformdirs.user_data_path("dateline", appauthor=False) / "store",
        description="Folder of the store: documents, Chroma and the lexical index.",
    )
    collection: str = Field(default=DEFAULT_COLLECTION, description="Which of the store's separate libraries is used.")
    database: SecretStr | None = Field(
        default=None,
        description="URL of a PostgreSQL database that many processes share: postgresql+psycopg://user@host/name; "
        "otherwise the documents are in the store. Never shown or logged.",
    )
    chroma: str | None = Field(
        default=None,
        description="URL of a Chroma server that keeps the vectors: http://host:8000; otherwise the store does.",
    )
    chroma_token: SecretStr | None = Field(default=None, description="Token for that server; never shown or logged.")
    chroma_tenant: str = Field(default="default_tenant", min_length=1, description="Tenant on that server.")
    chroma_database: str = Field(default="default_database", min_length=1, description="Database on that server.")
    chroma_ca: Path | None = Field(
        default=None, description="File with the certificates that an https server's is checked against."
    )
    models: Path = Field(
        default_factory=lambda: platformdirs.user_data_path("dateline", appauthor=False) / "models",
        description="Folder of the verified model weights.",
    )
    llm: str = Field(
        default="local",
        min_length=1,
        description="Answer model: local, local:small, extractive, openai:MODEL, or the path of a .gguf file.",
    )
    llm_base_url: str | None = Field(
        default=None, description="URL of the OpenAI-compatible endpoint, such as http://127.0.0.1:8000/v1."
    )
    llm_api_key: SecretStr | None = Field(default=None, description="Key for the endpoint; never shown or logged.")
    llm_timeout: float = Field(
        default=60.0, gt=0, le=86400, allow_inf_nan=False, description="Seconds that one answer of the model may take."
    )
    reader_endpoints: str = Field(
        default="auto",
        description="Endpoints that readers of the web chat may set for themselves: all, none, auto (all where the "
        "page is served to this machine only, else none), or base URLs with commas between them.",
    )
    embedding: str = Field(
        default="all-MiniLM-L6-v2",
        min_length=1,
        description="Embedding model: a name from `rag models list`, or any sentence-transformers model.",
    )
    chunk_sentences: int = Field(default=4, ge=1, le=64, description="Sentences in a passage, at most.")
    candidates: int = Field(default=60, ge=1, le=1000, description="Passages that each retriever proposes.")
    profile: Literal["auto", "small", "strong"] = Field(
        default="auto",
        description="What the answer model is given: small (a few sentences to copy words from), strong (passages with "
        "title, publisher and date), or auto: small for a model that runs here, strong for any other.",
    )
    evidence: int = Field(default=5, ge=1, le=50, description="Sentences shown to a small model, at most.")
    evidence_tokens: int | None = Field(
        default=None,
        ge=50,
        le=200_000,
        description="Tokens of evidence shown to the model, at most, estimated; otherwise 3000 for a strong model, and "
        "75 a sentence for a small one.",
    )
    answer_tokens: int | None = Field(
        default=None,
        ge=16,
        le=16_000,
        description="Tokens of an answer, at most; otherwise 800 for a strong model and 160 for a small one.",
    )
    reranker: str = Field(
        default="reader",
        min_length=1,
        description="What ranks the first sentences again: reader (built in), none, or the folder or name of a "
        "cross-encoder for sentence-transformers.",
    )
    judge: str = Field(
        default="judge",
        min_length=1,
        description="What checks a strong model's statements: judge (built in), none (words are compared instead), or "
        "the folder or name of a cross-encoder for sentence-transformers, for support or natural language inference.",
    )
    caution: float = Field(
        default=0.2,
        ge=0,
        le=1,
        allow_inf_nan=False,
        description="An answer whose probability of being right is below this is held back.",
    )
    without_signals: tuple[str, ...] = Field(
        default=(),
        description="Signals that the probability of an answer is estimated without, to measure what each is good for.",
    )
    log_requests: bool = Field(
        default=False, description="Whether the server logs each request as a line of JSON, without what was asked."
    )
    password: SecretStr | None = Field(
        default=None, description="Password of the web chat, whatever the user's name; never shown or logged."
    )
    oidc_issuer: str | None = Field(
        default=None, description="OpenID Connect provider at which users may log in, such as https://login.example."
    )
    oidc_client_id: str | None = Field(default=None, description="Dateline's client id at that provider.")
    oidc_client_secret: SecretStr | None = Field(
        default=None, description="Dateline's secret there, if it has one; never shown or logged."
    )
    oidc_claim: str = Field(
        default="preferred_username", min_length=1, description="The claim of the provider that is the user's name."
    )
    oidc_new_readers: bool = Field(
        default=False, description="Whether whoever logs in there and has no user yet becomes a reader."
    )
    max_question_chars: int = Field(default=2000, ge=1, description="Longest question that is accepted, in characters.")
    threads: int = Field(
        default_factory=lambda: os.cpu_count() or 1, ge=1, description="Processor threads for the local model."
    )

    @field_validator("collection")
    @classmethod
    def _read_collection(cls, value: str) -> str:
        return collection_name(value)

    @field_validator("database")
    @classmethod
    def _read_database(cls, value: SecretStr | None) -> SecretStr | None:
        parts = urlsplit(value.get_secret_value().strip()) if value else None
        if parts is None:
            return None
        if parts.scheme not in ("postgresql", "postgresql+psycopg") or not parts.path.strip("/"):
            raise ValueError(
                "it is not the address of a database; write it like postgresql+psycopg://user:password@host:5432/name"
            )
        return SecretStr(parts._replace(scheme="postgresql+psycopg").geturl())

    @field_validator("chroma")
    @classmethod
    def _read_chroma(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value.strip())  # raises ValueError itself for what is no address at all
        plain = not (parts.query or parts.fragment or parts.username or parts.path.strip("/"))
        if parts.scheme not in ("http", "https") or not parts.hostname or not plain or parts.port == 0:
            raise ValueError("it is not the address of a server; write it like http://host:8000, and a token apart")
        return value.strip().rstrip("/")

    @field_validator("reader_endpoints")
    @classmethod
    def _read_endpoints(cls, value: str) -> str:
        if value not in ("auto", "all", "none"):
            for url in value.split(","):
                parts = urlsplit(url.strip())
                if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
                    raise ValueError(
                        f"{url.strip()!r} is no base URL; write auto, all, none or URLs such as http://a/v1"
                    )
        return value

    def __init__(self, **values: Any) -> None:
        """Read every source; `values` win over all others."""
        _warn_of_unknown_variables(type(self))
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise SettingsError(_one_line(error)) from error
        except ValueError as error:  # rag.toml is not valid TOML
            raise SettingsError(f"rag.toml cannot be read: {error}; mend or remove it") from error

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Use keyword arguments, environment, `rag.toml` in the working directory, and nothing else."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)

    def __repr_args__(self) -> list[tuple[str | None, Any]]:
        """Return what differs from the defaults because someone set it; a key or a password is not shown."""
        return [(name, getattr(self, name)) for name in type(self).model_fields if name in self.model_fields_set]

    @property
    def hash(self) -> str:
        """Return 16 hex digits that are equal for settings that give the same answers."""
        values = self.model_dump(mode="json", exclude=_NOT_HASHED)
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]


def collection_name(name: str) -> str:
    """Return the name of a collection in lower case, in which names are compared.

    Raises:
        ValueError: It has other characters than letters, digits, - and _, or not 1 to 64 of them.
    """
    if not _COLLECTION.fullmatch(name):
        raise ValueError(
            f"{name[:80]!r} cannot be the name of a collection; use up to 64 letters from a to z, digits, - and _"
        )
    return name.lower()


def _warn_of_unknown_variables(settings_cls: type[Settings]) -> None:
    """Warn once about each unknown `RAG_*` variable: it may be a typo, or belong to another program."""
    known = {PREFIX + name.upper() for name in settings_cls.model_fields}
    for variable in sorted(os.environ):
        name = variable.upper()
        if name.startswith(PREFIX) and name not in known and name not in _warned_of:
            _warned_of.add(name)
            logger.warning("the variable %s is not a setting of Dateline%s; it is ignored", name, _suggest(name, known))


def _suggest(word: str, known: set[str]) -> str:
    near = difflib.get_close_matches(word, sorted(known), n=1)
    return f" (did you mean {near[0]}?)" if near else ""


def _one_line(error: ValidationError) -> str:
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return f"unknown setting {key!r}{_suggest(key, set(Settings.model_fields))}; remove or correct it"
    return f"setting {key!r} is not usable: {first['msg']}; correct it in the call, RAG_{key.upper()} or rag.toml"
