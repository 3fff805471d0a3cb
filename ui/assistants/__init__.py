"""The endpoint `/mcp`: assistants search the photos by the Model Context Protocol."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.routing import BaseRoute

from ...errors import UsageError
from ...library import Library

PATH = "/mcp"


@dataclass(frozen=True)
class Endpoint:
    """The routes of the endpoint, which answer within `running`."""

    _app: Starlette

    @property
    def routes(self) -> Sequence[BaseRoute]:
        """The routes, for the router of the server."""
        return self._app.routes

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Answer during this block, which cannot be entered twice."""
        async with self._app.router.lifespan_context(self._app):
            yield


def make_endpoint(library: Library) -> Endpoint:
    """Return the endpoint over `library`. Raises UsageError if the package `mcp` is missing."""
    try:
        from mcp.server.transport_security import TransportSecuritySettings

        from . import tools
    except ModuleNotFoundError as error:
        raise UsageError("--mcp needs the package mcp.", "Run: pip install 'polyglance[mcp]'") from error

    # Each request is complete in itself: no sessions are kept, and nothing is pushed. `Gate` has checked the Host.
    app = tools.make_server(library).streamable_http_app(
        streamable_http_path=PATH,
        json_response=True,
        stateless_http=True,
        transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
    )
    return Endpoint(app)
