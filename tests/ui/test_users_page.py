"""The real page where there are users: what each role may do on it, and whose things are whose."""

from __future__ import annotations

import json
from collections.abc import Iterator

import gradio as gr
import pytest
import quick_hashes
from samples import AID, sample_chat
from visitor import API, ARTICLE, Visitor, asked, file_data

from rag import Engine, Role, Users
from rag.users.feedback import feedback_path
from ui import Access, build, serve
from ui.app import _calls
from ui.server import permissions

pytestmark = pytest.mark.filterwarnings("ignore:The copy keyword is deprecated")
PASSWORD = "correct horse"


def test_every_event_of_the_page_has_its_role(page: gr.Blocks) -> None:
    """A new handler needs an admin until `ui.server.permissions` names its module."""
    calls = _calls(page)
    needed = {handler.name: permissions.of_event(handler.name, None) for handler in calls.handlers.values()}
    assert {name for name, role in needed.items() if role is Role.ADMIN} == {
        "ui.quality.own_tab.on_own",
        "ui.quality.tab.on_act",
    }
    assert {name for name, role in needed.items() if role is Role.EDITOR} == {
        "ui.library.adder.on_files",
        "ui.library.adder.on_form",
        "ui.library.tab.on_act",  # without a click that only reads
    }
    assert {permissions.of_function(name) for name in calls.functions} == {Role.READER}


class TestServed:
    """Over HTTP."""

    pytestmark = pytest.mark.long

    @pytest.fixture
    def users(self, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Users]:
        quick_hashes.use(monkeypatch)
        with Users(engine.settings.store) as users:
            for name, role in (("rita", Role.READER), ("ed", Role.EDITOR)):
                users.add(name, PASSWORD, role)
            yield users

    @pytest.fixture
    def url(self, engine: Engine, users: Users) -> Iterator[str]:
        access = Access(users=users)
        with serve(build(engine, chat=sample_chat, access=access), access=access) as url:
            yield url

    def enter(self, url: str, name: str) -> Visitor:
        """Log in, and open the page as a browser does."""
        visitor = Visitor(url, page=f"page{name}", origin=url.rstrip("/"))
        done = visitor.http.post("/login", data={"name": name, "password": PASSWORD})
        assert done.status_code == 303
        return visitor.open()

    def test_a_reader_asks_and_changes_nothing(self, url: str, engine: Engine) -> None:
        before = engine.sources()
        with self.enter(url, "rita") as rita:
            rita.join(rita.event("dl-box", "submit"), asked(AID))
            assert "310 million" in json.dumps(list(rita.listen()))
            assert rita.http.post(f"{API}/upload", files={"files": ("a.txt", b"x")}).status_code == 403
            acts = [d for d in rita.config["dependencies"] if any(t[1] == "act" for t in d["targets"])]
            for dependency in acts:
                data = {"do": "remove", "id": before[0].id}
                rita.join(dependency["id"], [None] * len(dependency["inputs"]), event_data=data)
        assert engine.sources() == before

    def test_an_editor_adds_and_the_log_says_so(self, url: str, engine: Engine, users: Users) -> None:
        with self.enter(url, "ed") as ed:
            ed.add(file_data(ed.upload("pier.txt", ARTICLE.encode())))
        assert "pier.txt" in {entry.source for entry in engine.sources()}
        assert ("ed", "article added", "pier.txt") in [
            (line["user"], line["what"], line.get("article")) for line in users.log.lines()
        ]

    def test_feedback_names_its_user(self, url: str, engine: Engine) -> None:
        with self.enter(url, "rita") as rita:
            rita.join(rita.event("dl-box", "submit"), asked(AID))
            shown = json.dumps(list(rita.listen()))
            turn = shown.split("data-turn=")[1].lstrip('\\"')[:16]
            rita.join(rita.event("dl-thread", "act"), [None], event_data={"do": "vote", "vote": "up", "turn": turn})
            list(rita.listen())
        (line,) = feedback_path(engine.settings.store).read_text(encoding="utf-8").splitlines()
        assert json.loads(line)["user"] == "rita"

    def test_who_is_logged_in_is_shown(self, url: str) -> None:
        with self.enter(url, "rita") as rita:
            ids = {c["props"].get("elem_id"): c["id"] for c in rita.config["components"]}
            (load,) = [d for d in rita.config["dependencies"] if d["outputs"] == [ids["dl-account"]]]
            rita.join(load["id"], [])
            assert "rita (reader)" in json.dumps(list(rita.listen()))
