"""Applications served beside a service's other work."""

import httpx
import pytest

from shared.errors import ConfigurationError
from shared.probes import probes
from shared.serving import served


async def test_it_answers_where_it_says_as_soon_as_the_block_begins() -> None:
    async with served(probes({}), "127.0.0.1", 0) as url, httpx.AsyncClient() as http:
        answer = await http.get(f"{url}/livez")

    assert answer.json() == {"alive": True}


async def test_a_port_that_is_taken_is_said_so_and_how_to_go_on() -> None:
    async with served(probes({}), "127.0.0.1", 0) as url:
        port = int(url.rpartition(":")[2])
        with pytest.raises(ConfigurationError, match=f"port {port} of 127.0.0.1.*set another"):
            async with served(probes({}), "127.0.0.1", port):
                pass


async def test_when_the_block_ends_the_port_is_free_again() -> None:
    async with served(probes({}), "127.0.0.1", 0) as url:
        port = int(url.rpartition(":")[2])

    async with served(probes({}), "127.0.0.1", port) as again:
        assert again == url
