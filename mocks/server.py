"""An HTTP/1.1 server that can also misbehave: reset, hang, drip and cut, over a real socket.

It serves the mock servers and, for who runs them: `GET /__mock/health`, `GET /__mock/stats`,
`GET` and `POST /__mock/faults` (a script as `mocks.faults` describes it, in YAML or JSON; it
replaces the one in force) and `POST /__mock/reset`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import struct
import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import h11

from mocks.faults import Fault, FaultScript, Occasion, read_script
from mocks.wire import Delivery, Request, Response, Service, json_response

CHUNK = 256 * 1024
_LOG = logging.getLogger("mocks")
SLOW_PIECES = 20


class MockServer:
    """Serves the given mock servers on one port.

    Args:
        services: the mock servers; the first one that owns a path answers it.
        script: the faults of all of them.
    """

    def __init__(self, services: Sequence[Service], script: FaultScript) -> None:
        self._services = services
        self._script = script
        self._started = time.monotonic()
        self._connections: set[asyncio.Task[None]] = set()
        self._in_flight = dict.fromkeys((s.name for s in services), 0)
        self._in_flight_max = dict(self._in_flight)
        self._server: asyncio.Server | None = None

    def load_faults(self, script: list[dict[str, Any]]) -> None:
        """Replace the fault script; raises ValueError when it cannot be read."""
        self._script.load(script)

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Listen; returns the port, chosen by the system when 0 is given."""
        self._server = await asyncio.start_server(self._accept, host, port, limit=CHUNK)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Stop listening, forget everything, and end every connection."""
        if self._server is not None:
            self._server.close()
        self._reset()
        for task in tuple(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._connections.add(task)
            task.add_done_callback(self._connections.discard)
        try:
            await self._serve(reader, writer)
        except (ConnectionError, h11.ProtocolError, asyncio.CancelledError):
            pass  # the client went away, spoke no HTTP, or the server is stopping
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError, asyncio.CancelledError):
                await writer.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = h11.Connection(h11.SERVER)
        while (request := await _read_request(connection, reader, writer)) is not None:
            response = await self._respond(request)
            if not await _deliver(connection, writer, response):
                return
            if connection.our_state is not h11.DONE or connection.their_state is not h11.DONE:
                return
            connection.start_next_cycle()

    async def _respond(self, request: Request) -> Response:
        if request.path.startswith("/__mock/"):
            return self._control(request)
        service = next((s for s in self._services if s.owns(request.path)), None)
        if service is None:
            return json_response(404, {"detail": "Not Found"})
        name = service.name
        self._in_flight[name] += 1
        self._in_flight_max[name] = max(self._in_flight_max[name], self._in_flight[name])
        try:
            why = {"correlation_id": request.headers.get("x-correlation-id"), "path": request.path}
            _LOG.info("request_taken", extra={"service": name, "method": request.method, **why})
            occasion = Occasion(name, request.method, request.path, request.body)
            fault = self._script.pick(occasion)
            return await _answer(service, request, fault)
        finally:
            self._in_flight[name] -= 1

    def _control(self, request: Request) -> Response:
        match request.method, request.path:
            case "GET", "/__mock/stats":
                return json_response(200, self.stats())
            case "GET", "/__mock/health":
                up = round(time.monotonic() - self._started, 3)
                names = {service.name: "ok" for service in self._services}
                return json_response(200, {"status": "ok", "services": names, "up_seconds": up})
            case "GET", "/__mock/faults":
                return json_response(200, self._script.written())
            case "POST", "/__mock/faults":
                try:
                    self._script.load(read_script(request.body))
                except ValueError as error:
                    return json_response(400, {"detail": str(error)})
                return json_response(200, {"rules": len(self._script.stats())})
            case "POST", "/__mock/reset":
                self._reset()
                return json_response(200, {})
        return json_response(404, {"detail": "Not Found"})

    def stats(self) -> dict[str, Any]:
        """Every service's counters by its name, and what the fault rules did."""
        counters: dict[str, Any] = {
            s.name: s.stats()
            | {
                "in_flight": self._in_flight[s.name],
                "in_flight_max": self._in_flight_max[s.name],
            }
            for s in self._services
        }
        return counters | {"faults": self._script.stats()}

    def _reset(self) -> None:
        self._script.load([])
        self._in_flight_max = dict(self._in_flight)
        for service in self._services:
            service.reset()


async def _answer(service: Service, request: Request, fault: Fault | None) -> Response:
    if fault is None:
        return await service.respond(request, None)
    if fault.kind == "hang":
        return Response(200, delivery=Delivery.HANG, seconds=fault.seconds(3600.0))
    if fault.kind == "reset":
        return Response(200, delivery=Delivery.RESET)
    return await _disturbed(await service.respond(request, fault), fault)


async def _disturbed(response: Response, fault: Fault) -> Response:
    match fault.kind:
        case "drop":
            return response.delivered(Delivery.RESET)
        case "latency":
            await asyncio.sleep(fault.seconds(1.0))
        case "slow_body":
            return response.delivered(Delivery.SLOW, fault.seconds(5.0))
        case "truncated_body":
            return response.delivered(Delivery.CUT)
        case "truncated_json":
            half = response.body[: len(response.body) // 2]
            return Response(response.status, half, response.headers)
    return response


async def _read_request(
    connection: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> Request | None:
    head: h11.Request | None = None
    body: list[bytes] = []
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            if connection.they_are_waiting_for_100_continue:
                writer.write(
                    connection.send(h11.InformationalResponse(status_code=100, headers=[])) or b""
                )
            connection.receive_data(await reader.read(CHUNK))
        elif isinstance(event, h11.Request):
            head = event
        elif isinstance(event, h11.Data):
            body.append(bytes(event.data))
        elif isinstance(event, h11.EndOfMessage) and head is not None:
            return _request(head, b"".join(body))
        else:
            return None


def _request(head: h11.Request, body: bytes) -> Request:
    target = urlsplit(head.target.decode("latin-1"))
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in head.headers}
    query = parse_qs(target.query, keep_blank_values=True)
    return Request(head.method.decode(), unquote(target.path), query, headers, body)


async def _deliver(
    connection: h11.Connection, writer: asyncio.StreamWriter, response: Response
) -> bool:
    """Send the response; False when the connection is over."""
    match response.delivery:
        case Delivery.RESET:
            _reset_connection(writer)
            return False
        case Delivery.HANG:
            await asyncio.sleep(response.seconds)
            _reset_connection(writer)
            return False
    head = connection.send(_head(response)) or b""
    body = connection.send(h11.Data(data=response.body)) or b""
    end = connection.send(h11.EndOfMessage()) or b""
    match response.delivery:
        case Delivery.CUT:
            writer.write(head + body[: len(body) // 2])
            await writer.drain()
            return False
        case Delivery.SLOW:
            await _drip(writer, head, body + end, response.seconds)
        case Delivery.WHOLE:
            writer.write(head + body + end)
            await writer.drain()
    return True


def _head(response: Response) -> h11.Response:
    return h11.Response(status_code=response.status, headers=response.head())


async def _drip(writer: asyncio.StreamWriter, head: bytes, body: bytes, seconds: float) -> None:
    writer.write(head)
    size = max(1, -(-len(body) // SLOW_PIECES))
    for start in range(0, len(body), size):
        await asyncio.sleep(seconds / SLOW_PIECES)
        writer.write(body[start : start + size])
        await writer.drain()


def _reset_connection(writer: asyncio.StreamWriter) -> None:
    raw = writer.get_extra_info("socket")
    # A zero linger time makes close() send RST instead of FIN.
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
