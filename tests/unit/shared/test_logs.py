import json
import logging
import sys

import pytest
import structlog

from shared.logs import configure_logging


@pytest.fixture(autouse=True)
def _as_before() -> object:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


@pytest.mark.parametrize("as_json", [True, False])
def test_a_traceback_in_the_logs_shows_no_local_values(
    as_json: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging("test", as_json=as_json)

    def fails(address: str) -> None:
        raise ValueError("broken")

    try:
        fails("reader" + "@example.org")
    except ValueError:
        structlog.get_logger("t").exception("step_failed")

    printed = capsys.readouterr().err
    assert "step_failed" in printed
    assert "broken" in printed
    assert "reader@" not in printed


def test_what_the_web_server_and_others_log_goes_to_the_stream_that_is_given(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure_logging("poller", stream=sys.stdout)
    for name in ("uvicorn.error", "asyncio", "aiohttp.server"):
        logging.getLogger(name).error("of a library")
    structlog.get_logger("t").error("of_ours")

    printed = capsys.readouterr()
    events = [json.loads(line)["event"] for line in printed.out.splitlines()]
    assert events == ["of a library"] * 3 + ["of_ours"]
    assert printed.err == ""


def test_every_line_is_json_with_the_service_and_the_event(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure_logging("poller")
    structlog.get_logger("t").info("poll_completed", announced=3)
    logging.getLogger("other").warning("from the standard library")

    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [line["event"] for line in lines] == ["poll_completed", "from the standard library"]
    assert {line["service"] for line in lines} == {"poller"}
    assert lines[0]["announced"] == 3
