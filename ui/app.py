"""Serve the web chat.

The page is mounted in a plain uvicorn server. `Blocks.launch` is not used because it fetches its own address to check
that it is up, which fails if a proxy is configured, and because it opens a public tunnel on some hosted notebooks.
"""

from __future__ import annotations

import contextlib
import logging
import signal
import socket
import threading
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from importlib import resources
from typing import TYPE_CHECKING

import gradio as gr
import uvicorn
from fastapi import FastAPI

from rag import Engine, RagError, Settings, SettingsError, Users
from ui.api.app import build_api
from ui.assets import head_html
from ui.library.intake import MOST_BYTES
from ui.page import THEME, WarmUp, build
from ui.server import traces
from ui.server.access import Access
from ui.server.calls import Calls, Handler
from ui.server.ending import Ending
from ui.server.guard import Guard
from ui.server.queue import MOST_WAITING
from ui.server.request_log import RequestLog
from ui.server.uploads import uploads

if TYPE_CHECKING:
    from ui.server.oidc import Provider

__all__ = ["Access", "build", "launch", "provider_of", "serve"]
_MOST_SESSIONS = 500  # pages whose state the server keeps; for other pages the browser keeps the conversations
_MOST_QUICK = 100  # events other than questions that may wait
_GRACE = 60.0  # seconds that answers and uploads have to end after SIGTERM


def launch(
    engine: Engine,
    *,
    host: str = "127.0.0.1",
    port: int = 7860,
    open_browser: bool = False,
    access: Access | None = None,
    token: str | None = None,
    root_path: str = "",
    announce: Callable[[str], AbstractContextManager[None]] = lambda url: contextlib.nullcontext(),
) -> None:
    """Serve the web chat of `engine` and the interface for programs until interrupted.

    SIGTERM ends the server as well, after the answers and uploads that were begun.

    Args:
        engine: Answers the questions; its models are loaded once the page is up.
        host: Address to listen on; `0.0.0.0` for every interface.
        port: Port to listen on; 0 takes a free one.
        open_browser: Open the page in the default browser.
        access: Who may use the page; by default the users of the engine's store, where there are some.
        token: A secret of the user who runs the server; whoever sends it may do everything.
        root_path: The path under which a proxy shows the page, such as `/news`.
        announce: Called with the server's address; its context lasts as long as the server.

    Raises:
        UsageError: Others could reach the page, and `access` neither has a password nor lets everyone in.
        SettingsError: The environment asks for traces or a provider that cannot be used.
        RagError: The server cannot listen on the address.
    """
    access = access or Access(host, users=Users.of(engine.settings), provider=provider_of(engine.settings))
    access.check()
    warm_up = WarmUp(engine)
    page = build(engine, warm_up=warm_up, access=access)
    api = build_api(engine, ready=lambda: warm_up.ready)
    ended = threading.Event()
    with (
        traces.sent(),
        _on_sigterm(ended),
        serve(
            page,
            host=host,
            port=port,
            access=access,
            api=api,
            token=token,
            root_path=root_path,
            log=engine.settings.log_requests,
            grace=lambda: _GRACE if ended.is_set() else 0.0,
        ) as url,
        announce(url),
    ):
        print(f"Dateline is at {url} (Ctrl+C ends it)", flush=True)
        warm_up.start()
        if open_browser:
            webbrowser.open(url)
        with contextlib.suppress(KeyboardInterrupt):
            ended.wait()


def provider_of(settings: Settings) -> Provider | None:
    """Return the OpenID Connect provider that the settings name, if they name one.

    Raises:
        SettingsError: They are not complete or not safe, or packages are missing.
    """
    issuer, client_id, secret = settings.oidc_issuer, settings.oidc_client_id, settings.oidc_client_secret
    if not issuer and not client_id:
        return None
    if not issuer or not client_id:
        raise SettingsError("a login at a provider needs both RAG_OIDC_ISSUER and RAG_OIDC_CLIENT_ID; set both or none")
    try:
        from ui.server.oidc import Provider, is_safe
    except ImportError as error:
        raise SettingsError(
            f'RAG_OIDC_ISSUER needs packages that are not installed ({error.name}); run: pip install "dateline[oidc]"'
        ) from error
    if not is_safe(issuer):
        raise SettingsError(f"RAG_OIDC_ISSUER is {issuer!r}; it must begin with https://, unless it is on this machine")
    given = secret.get_secret_value() if secret else ""
    return Provider(issuer, client_id, given, settings.oidc_claim, settings.oidc_new_readers)


@contextlib.contextmanager
def _on_sigterm(ended: threading.Event) -> Iterator[None]:
    """Set an event when the process is told to end; only the main thread can be told."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, lambda *_: ended.set())
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def serve(
    page: gr.Blocks,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    access: Access | None = None,
    api: FastAPI | None = None,
    token: str | None = None,
    root_path: str = "",
    log: bool = False,
    grace: Callable[[], float] = lambda: 0.0,
) -> Iterator[str]:
    """Serve `page` in a background thread and yield its address; leaving the context stops the server.

    Args:
        page: The page that `build` returned.
        host: Address to listen on.
        port: Port to listen on; 0 takes a free one.
        access: Who may use the page; built from `host` alone by default.
        api: The interface for programs, beside the page; none by default.
        token: A secret of the user who runs the server; whoever sends it may do everything.
        root_path: The path under which a proxy shows the page.
        log: Whether to log each request.
        grace: Returns how many seconds answers and uploads have to end when the server does.

    Raises:
        RagError: The server cannot listen on the address, or `access` would let in others without a password.
    """
    access = access or Access(host)
    access.check()
    _bound(page)
    with _listen(host, port) as listener, resources.as_file(resources.files("ui") / "static" / "favicon.svg") as icon:
        app = gr.mount_gradio_app(
            FastAPI(openapi_url=None, lifespan=api.router.lifespan_context if api else None),
            page,
            path="/",
            root_path=root_path or None,
            theme=THEME,
            head=head_html(),
            favicon_path=str(icon),
            footer_links=[],
            max_file_size=MOST_BYTES,
            run_history=False,
            ssr_mode=False,
            mcp_server=False,
            enable_monitoring=False,
            pwa=False,
        )
        ending = Ending(traces.traced(Guard(app, access, _calls(page), api, token, root_path)))
        config = uvicorn.Config(
            RequestLog(ending) if log else ending, log_level="warning", timeout_graceful_shutdown=1, ws="none"
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listener],), name="dateline-server", daemon=True)
        thread.start()
        while not server.started:
            thread.join(0.02)
            if not thread.is_alive():
                raise RagError("the web server did not start; its log says why")
        shown = "localhost" if host in ("0.0.0.0", "::") else f"[{host}]" if ":" in host else host
        try:
            yield f"http://{shown}:{listener.getsockname()[1]}/"
        finally:
            if seconds := grace():
                ending.drain(seconds)
            # Every open page holds a stream, and uvicorn logs a traceback for each one that it cuts.
            logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
            server.should_exit = True
            thread.join(5)


def _bound(page: gr.Blocks) -> None:
    """Turn on the checks and limits that `Blocks.launch` would have set."""
    page.has_launched = True  # without it Gradio accepts files from any path on this machine
    page.state_session_capacity = _MOST_SESSIONS
    # Waiting for a model needs no thread, so many events may run at once; the model's queue tells each its position.
    threads, page.max_threads = page.max_threads, MOST_WAITING + _MOST_QUICK
    page.queue(max_size=_MOST_QUICK)
    page.max_threads = threads


def _calls(page: gr.Blocks) -> Calls:
    handlers = {number: Handler(len(fn.inputs), _name(fn.fn)) for number, fn in page.fns.items()}
    names = {
        name
        for block in page.blocks.values()
        for name, member in vars(block).items()
        if getattr(member, "_is_server_fn", False)
    }
    return Calls(handlers, frozenset(names), uploads().owns)


def _name(function: Callable[..., object] | None) -> str:
    """Return the module and the name of a function; empty if the browser handles the event alone."""
    return f"{function.__module__}.{getattr(function, '__name__', '')}" if function else ""


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except (OSError, OverflowError) as error:
        raise RagError(f"cannot listen on {host}:{port} ({error}); choose another port with --port") from error
