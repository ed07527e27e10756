"""A small reverse proxy that shows a server under a path of its own, as deploy/nginx.conf does."""

from __future__ import annotations

import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

_OWN = {"connection", "transfer-encoding", "keep-alive"}  # headers of one connection


@contextmanager
def front(server: str, path: str) -> Iterator[str]:
    """Yield the address at which a proxy shows a server.

    Args:
        server: The server's address.
        path: The path, such as `/news`, which the proxy takes away.
    """

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[dict[str, httpx.AsyncClient]]:
        async with httpx.AsyncClient(base_url=server, trust_env=False, timeout=60) as client:
            yield {"client": client}

    async def passed(request: Request) -> Response:
        if request.url.path == path:
            return RedirectResponse(f"{path}/", 301)
        if not request.url.path.startswith(f"{path}/"):
            return PlainTextResponse("another application", 404)
        address = httpx.URL(path=request.url.path.removeprefix(path), query=request.url.query.encode())
        named = [(name, value) for name, value in request.headers.raw if name.decode() not in _OWN]
        client: httpx.AsyncClient = request.state.client
        sent = client.build_request(request.method, address, headers=named, content=await request.body())
        reply = await client.send(sent, stream=True)
        answer = StreamingResponse(reply.aiter_raw(), reply.status_code, background=BackgroundTask(reply.aclose))
        answer.raw_headers = [(name, value) for name, value in reply.headers.raw if name.decode().lower() not in _OWN]
        return answer

    routes = [Route("/{rest:path}", passed, methods=["GET", "HEAD", "POST", "PUT", "DELETE"])]
    app = Starlette(routes=routes, lifespan=lifespan)
    proxy = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical", ws="none", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=proxy.run)
    thread.start()
    while not proxy.started:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{proxy.servers[0].sockets[0].getsockname()[1]}{path}"
    finally:
        proxy.should_exit = True
        thread.join()
