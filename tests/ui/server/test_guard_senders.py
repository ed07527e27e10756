"""Attacks over HTTP by those who may not come in, or may only read."""

from __future__ import annotations

import json
from collections.abc import Iterator

import gradio as gr
import httpx
import pytest
from samples import AID, sample_chat
from visitor import API, Visitor, asked

from rag import Engine, UsageError
from rag.users.feedback import feedback_path
from ui import Access, build, serve
from ui.server.lockout import MOST_WRONG

pytestmark = [pytest.mark.filterwarnings("ignore:The copy keyword is deprecated"), pytest.mark.long]


class TestSenders:
    """Only the page itself, and whoever has the password, may talk to the server."""

    @pytest.mark.parametrize(
        "host",
        ["evil.example", "evil.example:7860", "127.0.0.1.evil.example", "192.168.1.9", "", "[::1", "10.0.0.1:8"],
    )
    def test_foreign_host(self, url: str, host: str) -> None:
        with Visitor(url, host=host) as visitor:
            for path in ("/", "/config", f"{API}/queue/data?session_hash=a"):
                assert visitor.http.get(path).status_code in (400, 421)

    @pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "LOCALHOST", "127.0.0.2", "[::1]"])
    def test_own_host(self, url: str, name: str) -> None:
        with Visitor(url, host=f"{name}:{httpx.URL(url).port}") as visitor:
            assert visitor.http.get("/config").status_code == 200

    @pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1", "http://[", ""])
    def test_foreign_origin(self, visitor: Visitor, origin: str) -> None:
        answer = visitor.http.post(f"{API}/queue/join", json={}, headers={"origin": origin})
        assert answer.status_code == 403
        files = {"files": ("a.txt", b"x")}
        assert visitor.http.post(f"{API}/upload", files=files, headers={"origin": origin}).status_code == 403

    def test_own_origin_and_another_sites_link(self, visitor: Visitor, url: str) -> None:
        assert visitor.http.get("/config", headers={"origin": url.rstrip("/")}).status_code == 200
        cross = {"sec-fetch-site": "cross-site"}
        assert visitor.http.get("/config", headers=cross).status_code == 403
        assert visitor.http.get("/", headers=cross | {"sec-fetch-mode": "navigate"}).status_code == 200

    def test_password(self, page: gr.Blocks) -> None:
        with serve(page, access=Access(password="pässword")) as url, Visitor(url) as visitor:
            for path in ("/", "/config", f"{API}/startup-events"):
                answer = visitor.http.get(path)
                assert answer.status_code == 401 and answer.headers["www-authenticate"].startswith("Basic")
            assert visitor.http.get("/config", auth=("x", "pässword".encode())).status_code == 200  # type: ignore[arg-type]
            for wrong in ("Basic x", "Bearer pässword", "Basic " + "A" * 99):
                headers = {"authorization": wrong.encode()}
                assert visitor.http.get("/config", headers=headers).status_code == 401  # type: ignore[arg-type]
            for _ in range(MOST_WRONG):
                answer = visitor.http.get("/config", auth=("x", "guess"))
            assert answer.status_code == 429 and answer.headers["retry-after"]

    @pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.9"])
    def test_others_come_in_with_a_password_or_where_everyone_may(self, host: str) -> None:
        with pytest.raises(UsageError, match=r"RAG_PASSWORD.*--open"):
            Access(host).check()
        Access(host, password="x").check()
        Access(host, everyone=True).check()

    def test_names_of_a_page_that_others_reach(self) -> None:
        access = Access("0.0.0.0", names=("news.example",), everyone=True)
        assert [access.answers_to(h) for h in ("news.example", "192.168.1.9:80", "localhost", "evil.example")] == [
            True, True, True, False,
        ]  # fmt: skip


class TestReadOnly:
    """A page on which nobody can change anything."""

    @pytest.fixture
    def page(self, engine: Engine) -> gr.Blocks:
        return build(engine, chat=sample_chat, access=Access(read_only=True))

    @pytest.fixture
    def url(self, page: gr.Blocks) -> Iterator[str]:
        with serve(page, access=Access(read_only=True)) as url:
            yield url

    def test_nothing_can_be_added(self, visitor: Visitor) -> None:
        assert visitor.http.post(f"{API}/upload", files={"files": ("a.txt", b"x")}).status_code == 404
        with pytest.raises(KeyError):
            visitor.event("dl-drop", "upload")
        assert "From the web" not in json.dumps(visitor.config) and "system-naive" not in json.dumps(visitor.config)

    def test_nothing_can_be_removed(self, visitor: Visitor, engine: Engine) -> None:
        before = engine.sources()
        acts = [d for d in visitor.config["dependencies"] if any(t[1] == "act" for t in d["targets"])]
        assert acts
        for dependency in acts:
            data = {"do": "remove", "id": before[0].id, "vote": "up"}
            visitor.join(dependency["id"], [None] * len(dependency["inputs"]), event_data=data)
        list(visitor.listen())
        assert engine.sources() == before and not feedback_path(engine.settings.store).exists()

    def test_questions_are_answered(self, visitor: Visitor) -> None:
        visitor.join(visitor.event("dl-box", "submit"), asked(AID))
        assert "310 million" in json.dumps(list(visitor.listen()))
