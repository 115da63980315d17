"""Small HTTP servers for the sandbox: start on a loopback address, stop, JSON answers and errors."""

import json
from collections.abc import Callable
from typing import Any, TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

F = TypeVar("F", bound=BaseModel)


class HttpDoor:
    """An aiohttp application on `host:port` (port 0: the kernel's choice, see `url` after the start)."""

    def __init__(self, application: web.Application, address: str) -> None:
        host, _, port = address.rpartition(":")
        self._host, self._port = host, int(port)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)

    @property
    def url(self) -> str:
        """Where the door is, without a slash at the end."""
        return f"http://{self._host}:{self._port}"

    async def start(self) -> None:
        """Begins to serve. Raises OSError if the address is taken."""
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, self._port)
        await site.start()
        self._port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Ends all connections."""
        await self._runner.cleanup()


async def json_body(request: web.Request) -> dict[str, Any]:
    """The body as a JSON object; answers 400 if it is none."""
    try:
        body = await request.json()
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise refused(400, f"the body is not JSON: {error}") from None
    if not isinstance(body, dict):
        raise refused(400, "the body must be a JSON object")
    return body


def refused(status: int, message: str) -> web.HTTPException:
    """An error answer: `{"message": …}`."""
    kinds: dict[int, type[web.HTTPException]] = {
        400: web.HTTPBadRequest,
        404: web.HTTPNotFound,
        409: web.HTTPConflict,
        500: web.HTTPInternalServerError,
    }
    return kinds[status](text=json.dumps({"message": message}), content_type="application/json")


def add_fault_routes(application: web.Application, get: Callable[[], F], put: Callable[[F], None]) -> None:
    """GET, PUT (the whole of it: what is left out is off) and DELETE of `/faults`, for one pydantic class of faults."""
    kind = type(get())

    async def show(_: web.Request) -> web.Response:
        return web.json_response(get().model_dump(mode="json"))

    async def change(request: web.Request) -> web.Response:
        try:
            put(kind.model_validate(await json_body(request)))
        except ValidationError as error:
            raise refused(400, str(error)) from None
        return await show(request)

    async def clear(request: web.Request) -> web.Response:
        put(kind())
        return await show(request)

    application.add_routes([web.get("/faults", show), web.put("/faults", change), web.delete("/faults", clear)])
