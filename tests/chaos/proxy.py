"""A TCP proxy that misbehaves when it is told to, in a thread of its own.

    with Proxy() as proxy:
        broker = proxy.route("broker", "127.0.0.1", 5672)
        url = f"amqp://guest:guest@127.0.0.1:{broker.port}/"
        broker.cut()                      # reset all connections; new ones work
        broker.refuse(); broker.heal()    # nobody listens; all is well again
        broker.cut_after(1_000, "down")   # a reset after 1000 more bytes from the server

Every method may be called from any thread, and has had its effect when it returns. A route's port
never changes. The names of the faults are Toxiproxy's where it has them
(https://github.com/Shopify/toxiproxy#toxics).
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, Self, TypeVar

from tests.chaos.weather import How, Link, Way, Weather

T = TypeVar("T")

CALL_SECONDS = 10.0
"""How long a command may take to have its effect."""


class Route:
    """One way through the proxy: from `port` of 127.0.0.1 to a server."""

    def __init__(self, name: str, host: str, port: int, call: Callable[..., Any]) -> None:
        self.name = name
        self.port = 0
        self.accepted = 0
        """Connections accepted so far."""
        self._to = (host, port)
        self._call = call
        self._weather = Weather()
        self._links: dict[Link, asyncio.Task[None]] = {}
        self._server: asyncio.Server | None = None

    # --- what can be done to it, from any thread ---

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return len(self._links)

    def cut(self, how: How = "rst") -> int:
        """End all connections, with a reset or orderly; how many there were. New ones work."""

        async def act() -> int:
            links = list(self._links)
            for link in links:
                link.end(how)
            return len(links)

        return self._do(act())

    def refuse(self) -> None:
        """Listen no more: new connections are refused. Those that are open stay."""
        self._do(self.close_listener())

    def black_hole(self) -> None:
        """Accept everything and swallow every byte both ways, without a reset, until `heal`."""
        self._change(hole=True)

    def half_open(self) -> int:
        """End the server's side of all connections; the clients hear nothing until `heal`.

        New connections work. How many there were.
        """

        async def act() -> int:
            links = list(self._links)
            for link in links:
                link.is_deaf = True
                link.end_server("rst")
            return len(links)

        return self._do(act())

    def delay(self, seconds: float, jitter: float = 0.0) -> None:
        """Hold each chunk back for `seconds`, and up to `jitter` seconds more."""
        self._change(latency=seconds, jitter=jitter)

    def throttle(self, bytes_per_second: int) -> None:
        """Let so much pass, each way of each connection; 0 for no limit."""
        self._change(rate=bytes_per_second)

    def cut_after(self, more: int, way: Way = "down", how: How = "rst") -> None:
        """Let so many bytes more pass this way, over all connections, then end the one at hand.

        What the chunk has beyond them is lost: the cut falls inside a frame or a confirm.
        """

        async def act() -> None:
            self._weather.countdown[way] = max(1, more)
            self._weather.countdown_how = how

        self._do(act())

    def heal(self) -> None:
        """End every fault. What lost bytes is reset, as a peer does that has forgotten it."""

        async def act() -> None:
            self._weather.__dict__.update(Weather().__dict__)
            for link in list(self._links):
                if link.has_lost:
                    link.end("rst")
            await self.listen()

        self._do(act())

    def _change(self, **values: float | bool) -> None:
        async def act() -> None:
            self._weather.__dict__.update(values)

        self._do(act())

    def _do(self, coroutine: Coroutine[Any, Any, T]) -> T:
        done: T = self._call(coroutine)
        return done

    # --- inside the proxy's thread ---

    async def listen(self) -> None:
        """Accept connections, on the same port as before."""
        if self._server is None:
            self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    async def close_listener(self) -> None:
        """Accept no more."""
        if self._server is not None:
            self._server.close()
            self._server = None

    async def close(self) -> None:
        """Accept no more, and end what is open."""
        await self.close_listener()
        tasks = list(self._links.values())
        for link in list(self._links):
            link.end("rst")
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        link = Link(self._weather, writer)
        task = asyncio.create_task(link.carry(reader, *self._to))
        self._links[link] = task
        task.add_done_callback(lambda _: self._links.pop(link, None))


class Proxy:
    """All routes of one process, in a thread; a context manager."""

    def __init__(self) -> None:
        self.routes: dict[str, Route] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for route in self.routes.values():
            self._call(route.close())
        self._call(asyncio.sleep(0.05))  # what was closed is told so by the loop
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(CALL_SECONDS)
        self._loop.close()

    def route(self, name: str, host: str, port: int) -> Route:
        """A new way to a server; its `port` is free to connect to when this returns."""
        route = self.routes[name] = Route(name, host, port, self._call)
        self._call(route.listen())
        return route

    def heal(self) -> None:
        """End every fault of every route."""
        for route in self.routes.values():
            route.heal()

    def _call(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(CALL_SECONDS)
