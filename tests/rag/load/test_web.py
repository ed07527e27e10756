"""Pages fetched from a server on this machine, and what of them becomes an article."""

from __future__ import annotations

import gzip
import ipaddress
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from fakes import ROOT, WAIT, make_engine

from rag import DocumentError
from rag.load.web import WebPage, fetch, is_url
from rag.network.connect import _is_public

FIRST = "The council of Harborough voted on Tuesday to reopen the swing bridge, which has been closed since a storm."
SECOND = "“We have waited for years,” said the harbour master, who expects the first ferry to pass before the summer."
THIRD = "Repairs will cost 4.2 million euros, of which the county pays half, and should take eleven weeks to complete."
ARTICLE = f"""<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Bridge to reopen | The Paper</title>
<meta property="og:title" content="Bridge to reopen after eleven years">
<meta name="author" content="Dana Example"><meta property="article:published_time" content="2024-03-05T10:00:00Z">
</head><body><nav><a href="/a">Home</a> <a href="/b">Sport</a></nav><article>
<h1>Bridge to reopen after eleven years</h1><p>{FIRST}</p><p>{SECOND}</p><p>{THIRD}</p></article>
<footer>Cookies, imprint, and 300 partners</footer><script>document.write("never")</script></body></html>"""


class Site(ThreadingHTTPServer):
    """Answers each path as `pages` says: (status, headers, body); `drip` sends a byte now and then until the end."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[str] = []
        self.over = threading.Event()
        html = {"Content-Type": "text/html; charset=utf-8"}
        body = ARTICLE.encode()
        self.pages: dict[str, tuple[int, dict[str, str], bytes]] = {
            "/article": (200, html, body),
            "/packed": (200, html | {"Content-Encoding": "gzip"}, gzip.compress(body)),
            "/bomb": (200, html | {"Content-Encoding": "gzip"}, gzip.compress(b"<p>" + b"a" * 50_000_000)),
            "/notpacked": (200, html | {"Content-Encoding": "gzip"}, body),
            "/strange": (200, html | {"Content-Encoding": "br"}, body),
            "/moved": (302, {"Location": "/article#top"}, b""),
            "/loop": (302, {"Location": "/loop"}, b""),
            "/file": (302, {"Location": "file:///etc/passwd"}, b""),
            "/nowhere": (302, {"Location": "http://[nonsense/"}, b""),
            "/large": (200, html, b"<p>" + b"a" * 20_000),
            "/pdf": (200, {"Content-Type": "application/pdf"}, b"%PDF-1.7"),
            "/untyped": (200, {}, body),
            "/locked": (403, html, b"no"),
            "/down": (503, html, b"no"),
            "/empty": (200, html, b"<html><body><nav>Home</nav></body></html>"),
            "/nothing": (200, html, b""),
            "/plain": (200, {"Content-Type": "text/plain"}, f"A note\n\n{FIRST}\n".encode()),
            "/blank": (200, {"Content-Type": "text/plain"}, b" \n "),
            "/legacy": (200, {"Content-Type": "text/html; charset=ISO-8859-1"}, body.decode().encode("cp1252")),
            "/meta": (
                200,
                {"Content-Type": "text/html"},
                body.decode().replace("utf-8", "koi8-r").encode("koi8-r", "xmlcharrefreplace"),
            ),
            "/bom": (200, {"Content-Type": "text/html; charset=koi8-r"}, b"\xef\xbb\xbf" + body),
            "/broken": (200, html, body.replace("“We have".encode(), b"\xff\xfeWe\xff \xffhave\xff")),
            "/stray": (200, html, body.replace("“We have".encode(), b"\x93We have")),
            "/unknown": (200, {"Content-Type": "text/html; charset=klingon-8"}, body),
            "/advert": (200, html, body.replace(b"300 partners", b"300 \xff partners")),
            "/deep": (200, html, b"<div>" * 40_000 + body),
        }

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Site

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        if self.path.startswith("/drip"):
            self.drip()
            return
        status, headers, body = self.server.pages.get(self.path, (404, {}, b""))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def drip(self) -> None:
        """Send the head, or the body, one byte at a time."""
        start = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
        self.wfile.write(start if self.path == "/drip-head" else start + b"\r\n")
        try:
            while not self.server.over.wait(0.02):
                self.wfile.write(b"x")
        except OSError:
            pass  # the reader has gone, as it should

    def log_message(self, *_: Any) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield server
        server.over.set()
        server.shutdown()
        thread.join(WAIT)


def get(site: Site, path: str, **options: Any) -> WebPage:
    return fetch(site.url + path, allow_private=True, **options)


def test_article_with_its_headline_byline_and_date(site: Site) -> None:
    page = get(site, "/article")
    assert page == WebPage(
        f"{site.url}/article",
        "Bridge to reopen after eleven years",
        "2024-03-05T10:00:00+00:00",
        "Dana Example",
        "Bridge to reopen after eleven years\n\nBy Dana Example\n\nPublished: 2024-03-05\n\n"
        f"{FIRST}\n\n{SECOND}\n\n{THIRD}",
        publisher=site.url.removeprefix("http://"),  # the page names no other
        language="en",
    )


def test_article_becomes_part_of_the_library(site: Site, tmp_path: Any) -> None:
    page = get(site, "/article")
    with make_engine(tmp_path, documents={}) as engine:
        assert engine.add(page.url, page.text, page.url).added == (page.url,)
        (entry,) = engine.sources()
        assert (entry.source, entry.title) == (page.url, page.title)
        found = engine.answer("How many weeks should the repairs take?")
        assert [c.quote for c in found.citations] == [THIRD]
        assert engine.add(page.url, page.text, page.url).unchanged == (page.url,)


@pytest.mark.parametrize("path", ["/packed", "/moved", "/legacy", "/meta", "/bom", "/advert", "/unknown"])
def test_other_ways_to_the_same_article(site: Site, path: str) -> None:
    page = get(site, path)
    assert SECOND in page.text and THIRD in page.text
    assert page.url == site.url + ("/article" if path == "/moved" else path)


def test_a_stray_byte_is_read_with_a_notice(site: Site, tmp_path: Path) -> None:
    page = get(site, "/stray")
    assert SECOND in page.text and "are not utf-8: read as Windows-1252" in page.notice
    with make_engine(tmp_path, documents={}) as engine:
        report = engine.add_url(f"{site.url}/stray", allow_private=True)
    assert report.notices == ((page.url, page.notice),)


def test_plain_text_is_taken_as_it_is(site: Site) -> None:
    assert get(site, "/plain").text == f"A note\n\n{FIRST}\n"


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/missing", "does not exist (404)"),
        ("/locked", "refuses to be read by a program"),
        ("/down", "answers with an error (503)"),
        ("/pdf", "is no web page (it is 'application/pdf')"),
        ("/untyped", "is no web page (it is of no stated type)"),
        ("/loop", "redirects more than 5 times"),
        ("/file", "starts with https:// or http://"),
        ("/nowhere", "is no web address"),
        ("/empty", "no article was found"),
        ("/deep", "no article was found"),
        ("/nothing", "no article was found"),
        ("/blank", "no article was found"),
        ("/broken", "is not utf-8 text (byte"),
        ("/notpacked", "cannot be unpacked"),
        ("/strange", "packed in a way that was not asked for ('br')"),
        ("/bomb", "is larger than 10 MB"),
    ],
)
def test_what_cannot_be_read_says_why(site: Site, path: str, said: str) -> None:
    with pytest.raises(DocumentError) as caught:
        get(site, path)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value) and ";" in str(caught.value)  # one line, with what to do next


def test_redirects_are_counted(site: Site) -> None:
    with pytest.raises(DocumentError, match="redirects"):
        get(site, "/loop")
    assert site.asked == ["/loop"] * 6


def test_size_limit(site: Site) -> None:
    with pytest.raises(DocumentError, match=r"larger than 0\.01 MB"):
        get(site, "/large", max_bytes=10_000)


@pytest.mark.parametrize("path", ["/drip-head", "/drip-body"])
def test_a_server_that_drips_is_left(site: Site, path: str) -> None:
    with pytest.raises(DocumentError, match=r"took longer than 0\.4 s"):
        get(site, path, seconds=0.4)


def test_a_server_that_hangs_up_or_is_not_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        hang_up = threading.Thread(target=lambda: listener.accept()[0].close())
        hang_up.start()
        with pytest.raises(DocumentError, match="cannot be read"):
            fetch(url, allow_private=True)
        hang_up.join(WAIT)
    with pytest.raises(DocumentError, match="cannot be read"):
        fetch(url, allow_private=True)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "no web address"),
        ("news", "no web address"),
        ("file:///etc/passwd", "starts with https://"),
        ("ftp://example.org/", "starts with https://"),
        ("https://", "no web address"),
        ("http://[::1", "no web address"),
        ("http://user:secret@example.org/", "user name or password"),
        ("https://example.org/" + "a" * 3000, "3,020 characters"),
        ("https://exa mple.org/", "is no web address"),
    ],
)
def test_addresses_that_are_refused_unasked(url: str, said: str) -> None:
    with pytest.raises(DocumentError, match=said) as caught:
        fetch(url, allow_private=True)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0x7f.1", "2130706433", "[::ffff:127.0.0.1]"])
def test_this_machine_is_not_fetched_for_others(site: Site, host: str) -> None:
    with pytest.raises(DocumentError, match="not on the public internet"):
        fetch(f"http://{host}:{site.server_address[1]}/article")
    assert site.asked == []


def test_every_redirect_is_checked(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A public page may not lead on to this machine: here the first name counts as public, the second does not."""
    port = site.server_address[1]
    site.pages["/out"] = (302, {"Location": f"http://inside.example:{port}/article"}, b"")
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, port, *_, **__: entries(host, port))
    monkeypatch.setattr("rag.network.connect._is_public", lambda address: str(address) == "127.0.0.1")

    def entries(host: str, port: int) -> list[Any]:
        address = "127.0.0.2" if host == "inside.example" else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    with pytest.raises(DocumentError, match=r"inside\.example is not on the public internet"):
        fetch(f"http://outside.example:{port}/out")
    assert site.asked == ["/out"]


def test_the_checked_address_is_the_one_connected_to(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that resolves to something else the second time (DNS rebinding) is looked up once only."""
    looked_up = []

    def getaddrinfo(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        if host == "127.0.0.1":  # what the socket module asks for an address that is checked
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port))]
        looked_up.append(host)
        address = "127.0.0.1" if len(looked_up) == 1 else "10.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr("rag.network.connect._is_public", lambda address: str(address) == "127.0.0.1")
    page = fetch(f"http://rebind.example:{site.server_address[1]}/article")
    assert THIRD in page.text
    assert looked_up == ["rebind.example"]


def test_one_private_address_among_public_ones_is_enough_to_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    addresses = ["93.184.215.14", "10.0.0.1"]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [(2, 1, 6, "", (a, 80)) for a in addresses])
    with pytest.raises(DocumentError, match="not on the public internet"):
        fetch("http://both.example/")


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("::ffff:8.8.8.8", True),
        ("64:ff9b::808:808", True),
        ("::ffff:0:8.8.8.8", True),
        *[
            (address, False)
            for address in (
                "10.0.0.1 172.16.0.1 192.168.1.1 127.0.0.1 169.254.169.254 100.64.0.1 0.0.0.0 224.0.0.1 "
                ":: ::1 ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 2002:7f00:1:: 64:ff9b::7f00:1 64:ff9b:1::1 "
                "::ffff:0:127.0.0.1 ::ffff:0:10.0.0.1 ::ffff:0:192.168.1.1 ::ffff:0:169.254.169.254 "
                "fe80::1 fc00::1 ff02::1 255.255.255.255"
            ).split()
        ],
    ],
)
def test_which_addresses_are_public(address: str, public: bool) -> None:
    assert _is_public(ipaddress.ip_address(address)) is public


def test_what_is_meant_as_an_address() -> None:
    assert [is_url(t) for t in ("https://example.org", " HTTP://x.org ", "folder/http", "httpx.txt")] == [
        True,
        True,
        False,
        False,
    ]


def test_import_is_light_and_asks_nothing_of_the_network() -> None:
    """The extraction library, with lxml, is for those only who fetch a page."""
    code = "import sys, rag.load.web; sys.exit(any(m in sys.modules for m in ('trafilatura', 'lxml', 'gradio')))"
    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=ROOT).returncode == 0
