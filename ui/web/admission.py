"""Checking the password or token of each request, with delays after wrong ones."""

from __future__ import annotations

import asyncio
from http import HTTPStatus

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import Scope

from .attempts import Attempts
from .auth import CHALLENGE, Secret
from .devices import Devices
from .problems import problem
from .shared_attempts import SharedAttempts
from .sharing import ALONE, Sharing

WRONG_PASSWORD_SECONDS = 0.5
"""Delay of the answer to a wrong password."""


class Admission:
    """Lets requests pass that carry the secret."""

    def __init__(self, secret: Secret, sharing: Sharing = ALONE) -> None:
        self._secret = secret
        self._attempts = SharedAttempts(sharing.folder) if sharing.folder else Attempts()
        self._devices = Devices(sharing.device_key)

    async def refuse(self, scope: Scope) -> Response | None:
        """Return the answer to a request without the right password, or one that has to wait; None if it may pass."""
        headers = Headers(scope=scope)
        address = (scope.get("client") or ("",))[0]
        device = self._devices.name(headers.get("cookie", ""))
        authorization = headers.get("authorization")
        if authorization is None:
            return _unauthorized()
        if seconds := self._attempts.seconds_to_wait(address, device):
            answer = problem(HTTPStatus.TOO_MANY_REQUESTS, "There were too many wrong passwords.", "Wait a while.")
            answer.headers["Retry-After"] = str(int(seconds) + 1)
            return answer
        if self._secret.accepts(authorization):
            self._attempts.succeeded(address)
            return None
        self._attempts.failed(address, device)
        await asyncio.sleep(WRONG_PASSWORD_SECONDS)
        return _unauthorized()

    def set_cookie(self, scope: Scope, answer: MutableHeaders) -> None:
        """Give the device that sent the right password its cookie, unless it has one."""
        if self._devices.name(Headers(scope=scope).get("cookie", "")) is None:
            answer.append("Set-Cookie", self._devices.cookie(is_encrypted=scope["scheme"] == "https"))


def _unauthorized() -> Response:
    answer = problem(HTTPStatus.UNAUTHORIZED, "A password or token is needed.", "It is in the file given to --auth.")
    answer.headers["WWW-Authenticate"] = CHALLENGE
    return answer
