"""Every mail of a large sample is as it should be, and so is every Slack message."""

import pytest

from services.notifier.render.mail import written
from services.notifier.render.slack import payloads
from tests.mail_check import faults
from tests.slack_check import faults as slack_faults
from tests.unit.notifier.sample import some_digest, some_envelope

SEEDS = range(200)
STEP = 20


@pytest.mark.parametrize("start", SEEDS[::STEP])
def test_every_mail_is_as_it_should_be(start: int) -> None:
    found = {
        seed: told
        for seed in range(start, start + STEP)
        if (told := faults(written(some_digest(seed), some_envelope(seed)).content))
    }

    assert found == {}


@pytest.mark.parametrize("start", SEEDS[::STEP])
def test_every_slack_message_is_as_it_should_be(start: int) -> None:
    found = {
        seed: told
        for seed in range(start, start + STEP)
        for message in payloads(some_digest(seed), some_envelope(seed).links)
        if (told := slack_faults(message))
    }

    assert found == {}
