"""Faults of the mail server, of the service processes, and of who sends messages."""

import asyncio
from collections.abc import Iterator

from tests.chaos.corrupt import archived, send, spoiled
from tests.chaos.field import Field
from tests.chaos.kinds import Detail, Kind, nothing, rng
from tests.chaos.mailbox import DROP, STALL, Step
from tests.chaos.schedule import Fault, Sort

BEFORE: tuple[Step, ...] = ("greeting", "EHLO", "MAIL", "RCPT", "DATA", "dot")
"""Steps before the message is accepted."""
TO_US: tuple[Step, ...] = ("greeting", "EHLO", "MAIL")
"""Where a refusal for good is about us, and so is tried again."""


def _behave(where: Field) -> None:
    where.mailbox.heal()


def _put_off(where: Field, fault: Fault) -> Detail:
    step = rng(fault).choice(BEFORE)
    where.mailbox.expect(step, "451 4.3.0 not now", rng(fault).randrange(1, 4))
    return {"step": step}


def _refuse_us(where: Field, fault: Fault) -> Detail:
    step = rng(fault).choice(TO_US)
    where.mailbox.expect(step, "554 5.7.1 not from you", rng(fault).randrange(1, 4))
    return {"step": step}


def _drop(where: Field, fault: Fault) -> Detail:
    step = rng(fault).choice(BEFORE)
    where.mailbox.expect(step, DROP, rng(fault).randrange(1, 4))
    return {"step": step}


def _stall(where: Field, fault: Fault) -> Detail:
    step = rng(fault).choice(BEFORE)
    where.mailbox.expect(step, STALL)
    return {"step": step}


def _lose_answer(where: Field, fault: Fault) -> Detail:
    where.mailbox.expect("kept", DROP)
    return {}


def _refuse_message(where: Field, fault: Fault) -> Detail:
    where.mailbox.expect("dot", "554 5.7.1 looks like spam")
    return {}


def _down(where: Field, fault: Fault) -> Detail:
    where.mailbox.down()
    return {}


def mail_server() -> Iterator[Kind]:
    """4xx and 5xx, connections that drop before and after acceptance, silence, absence.

    A `smtp-message-refused` makes the notifier give a digest up: its articles come in the next.
    """
    lane = "smtp"
    yield Kind(Sort("smtp-put-off", lane, 2, 6, 3), _put_off, _behave)
    yield Kind(Sort("smtp-refuses-us", lane, 2, 6), _refuse_us, _behave)
    yield Kind(Sort("smtp-drops", lane, 2, 6, 3), _drop, _behave)
    yield Kind(Sort("smtp-stalls", lane, 2, 6), _stall, _behave)
    yield Kind(Sort("smtp-answer-lost", lane, 2, 6, 2), _lose_answer, _behave)
    yield Kind(Sort("smtp-message-refused", lane, 2, 6), _refuse_message, _behave)
    yield Kind(Sort("smtp-down", lane, 1, 8, 2), _down, _behave)


def _one(where: Field, fault: Fault) -> str:
    return rng(fault).choice(sorted(where.crew.members))


def _kill(where: Field, fault: Fault) -> Detail:
    name = _one(where, fault)
    where.crew.kill(name)
    return {"member": name}


def _kill_all(where: Field, fault: Fault) -> Detail:
    names = sorted(where.crew.members)
    for name in names:
        where.crew.kill(name)
    return {"members": names}


def _terminate(where: Field, fault: Fault) -> Detail:
    name = _one(where, fault)
    where.crew.terminate(name)
    return {"member": name}


def _freeze(where: Field, fault: Fault) -> Detail:
    name = _one(where, fault)
    where.crew.freeze(name)
    return {"member": name}


def processes() -> Iterator[Kind]:
    """SIGKILL of one or all, SIGTERM, and SIGSTOP for some seconds."""
    lane = "services"
    yield Kind(Sort("service-killed", lane, 0.1, 0.2, 6), _kill, nothing)
    yield Kind(Sort("service-all-killed", lane, 0.1, 0.2, rest=3.0), _kill_all, nothing)
    yield Kind(Sort("service-terminated", lane, 0.1, 0.2, 3), _terminate, nothing)
    yield Kind(Sort("service-frozen", lane, 2, 8, 2), _freeze, lambda where: where.crew.thaw())


def _spoil(where: Field, fault: Fault) -> Detail:
    """Bad messages of all kinds, past the proxy; what was sent is in the detail."""

    async def act() -> Detail:
        messages = spoiled(fault.draw, await archived(where.amqp_url))
        await send(where.amqp_url, messages)
        fates = [{"kind": m.kind, "id": m.message_id, "queue": m.queue} for m in messages]
        return {
            "parked": [f for f, m in zip(fates, messages, strict=True) if m.fate == "parked"],
            "no_effect": [f for f, m in zip(fates, messages, strict=True) if m.fate != "parked"],
        }

    return asyncio.run(act())


def senders() -> Iterator[Kind]:
    """Messages that cannot be read, do not belong, or come again."""
    yield Kind(Sort("messages-spoiled", "messages", 0.1, 0.2, rest=5.0), _spoil, nothing)
