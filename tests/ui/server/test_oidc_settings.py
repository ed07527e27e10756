"""What whoever runs the server sets about a provider."""

from __future__ import annotations

import pytest
from identity import ID, SECRET

from rag import Settings, SettingsError
from ui.app import provider_of


def test_a_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    assert provider_of(Settings()) is None
    monkeypatch.setenv("RAG_OIDC_ISSUER", "https://login.example/realms/news")
    with pytest.raises(SettingsError, match="RAG_OIDC_CLIENT_ID"):
        provider_of(Settings())
    monkeypatch.setenv("RAG_OIDC_CLIENT_ID", ID)
    monkeypatch.setenv("RAG_OIDC_CLIENT_SECRET", SECRET)
    found = provider_of(Settings())
    assert found and (found.host, found.adds) == ("login.example", False)
    assert SECRET not in repr(Settings())


@pytest.mark.parametrize("issuer", ["http://login.example", "login.example", "ftp://127.0.0.1", "https://"])
def test_an_issuer_without_tls(issuer: str) -> None:
    with pytest.raises(SettingsError, match="https://"):
        provider_of(Settings(oidc_issuer=issuer, oidc_client_id=ID))


def test_missing_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "ui.server.oidc", None)
    with pytest.raises(SettingsError, match=r'pip install "dateline\[oidc\]"'):
        provider_of(Settings(oidc_issuer="https://login.example", oidc_client_id=ID))
