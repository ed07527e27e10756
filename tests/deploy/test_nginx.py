"""The page and the interface for programs under a path of their own behind a real nginx."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator

import httpx
import pytest
from deployed import free_port, process, wait_for
from fakes import ROOT

pytestmark = [pytest.mark.long, pytest.mark.skipif(not shutil.which("nginx"), reason="there is no nginx here")]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve Dateline behind nginx with the configuration of deploy/, and yield its address."""
    folder = tmp_path_factory.mktemp("nginx")
    port, front = free_port(), free_port()
    site = (ROOT / "deploy" / "nginx.conf").read_text(encoding="utf-8")
    for before, after in (("listen 80;", f"listen 127.0.0.1:{front};"), ("127.0.0.1:7860", f"127.0.0.1:{port}")):
        assert before in site
        site = site.replace(before, after)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    top = [f"pid {folder}/pid;", f"error_log {folder}/error.log;", "events {}", "http {", "access_log off;"]
    main = "\n".join([*top, *(f"{kind}_temp_path {folder}/{kind};" for kind in kinds), site, "}"])
    (folder / "nginx.conf").write_text(main, encoding="utf-8")
    with process(folder, port, "/news"):
        command = ["nginx", "-e", f"{folder}/error.log", "-c", f"{folder}/nginx.conf", "-g", "daemon off;"]
        proxy = subprocess.Popen(command, text=True)
        try:
            wait_for(f"http://127.0.0.1:{front}/news/healthz/live", proxy)
            yield f"http://127.0.0.1:{front}"
        finally:
            proxy.terminate()
            proxy.wait(30)


def test_page_knows_its_path(url: str) -> None:
    with httpx.Client(base_url=url, trust_env=False, headers={"Host": "news.example"}) as client:
        assert client.get("/news").headers["location"].endswith("/news/")
        assert client.get("/news/").status_code == 200
        config = client.get("/news/config").json()
        assert config["root"] == "http://news.example/news"
        assert client.get("/news/theme.css").status_code == 200


def test_programs_ask_under_the_path(url: str) -> None:
    with httpx.Client(base_url=f"{url}/news", trust_env=False, headers={"Host": "news.example"}) as client:
        assert client.get("/v1/models").json()["data"][0]["id"] == "dateline"
        asked = {"question": "When did the cod leave the harbour?", "stream": True}
        done = client.post("/v1/answer", json=asked, timeout=60)
        assert done.status_code == 200 and "event: answer" in done.text and "2019" in done.text
        files = {"files": ("trout.txt", b"The trout left the harbour in June 2020.")}
        assert client.post("/v1/documents", files=files).json()["results"][0]["state"] == "added"


def test_another_name_is_refused(url: str) -> None:
    with httpx.Client(base_url=f"{url}/news", trust_env=False, headers={"Host": "evil.example"}) as client:
        assert client.get("/v1/models").status_code == 421
