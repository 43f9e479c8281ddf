"""Confirming: the page behind the link of a letter. Looking at it changes nothing."""

from dataclasses import dataclass

import structlog
from fastapi import APIRouter, Request, Response

from services.notifier import changes, suppression
from services.notifier.recipient import MAIL, recipient
from services.notifier.subscribers import Kept, find
from services.notifier.web import limits
from services.notifier.web.choices import Choices, choices
from services.notifier.web.faults import Fault, Refused, Way
from services.notifier.web.house import House
from services.notifier.web.pages import page
from services.notifier.web.request import filled
from services.notifier.web.subscribe import mailbox_of
from services.notifier.web.trial import trial
from services.notifier.wording import facts
from shared.database import transaction

log = structlog.get_logger(__name__)

ENDED = Fault(
    410,
    "This cannot be confirmed any more",
    "It was asked for too long ago, or has ended since. Please subscribe anew.",
    Way("/subscribe", "Subscribe"),
)
STRANGERS = {
    "title": "You are left in peace",
    "paragraphs": (
        "Nothing is sent to this address, now or later, whoever asks for it. For that we keep a "
        "code made of it, from which the address cannot be read.",
        "If you change your mind, please write to who runs this site.",
    ),
    "way": None,
}


@dataclass(frozen=True)
class Case:
    """What a token to confirm is about: a subscription, and the mailbox that may confirm it."""

    kept: Kept
    who: str


def router(house: House) -> APIRouter:
    """`/confirm`."""
    routes = APIRouter(prefix="/confirm", include_in_schema=False)

    @routes.get("")
    async def show(token: str = "") -> Response:
        case = await _case(house, token)
        return _asking(house, await choices(house), case, token)

    @routes.post("")
    async def act(request: Request) -> Response:
        given = await filled(request)
        token = given.one("token") or request.query_params.get("token", "")
        case = await _case(house, token)
        if given.one("action") == "never":
            return await _never(house, case)
        offer = await choices(house)
        refusal = await _tried(house, request, case)
        if refusal:
            return _asking(house, offer, case, token, refusal)
        return await _confirmed(house, offer, case)

    return routes


async def _case(house: House, token: str) -> Case:
    """What the token is about.

    Raises:
        BadToken: it is none of ours, or has expired.
        Refused: what it is about has ended.
    """
    subject = house.tokens.read("confirm", token, house.clock())
    name, _, who = subject.partition(" ")
    async with transaction(house.engine) as connection:
        kept = await find(connection, name)
        barred = await suppression.is_suppressed(connection, who)
    if barred or kept is None or not kept.active or who != _confirmer(kept):
        raise Refused(ENDED)
    return Case(kept, who)


def _confirmer(kept: Kept) -> str:
    return recipient("email", mailbox_of(kept.subscription))


async def _tried(house: House, request: Request, case: Case) -> str | None:
    """Why the target takes no message, after one was sent to try it; `None` when it did."""
    one = case.kept.subscription
    if one.channel in MAIL or one.confirmed_at is not None:
        return None
    await limits.admit(house, request, "try", case.kept.recipient)
    return await trial(house, one)


async def _confirmed(house: House, offer: Choices, case: Case) -> Response:
    one = case.kept.subscription
    async with transaction(house.engine) as connection:
        if not await changes.confirm(connection, one.id, house.clock()):
            raise Refused(ENDED)
    log.info("subscription_confirmed", subscription_id=one.id, channel=one.channel)
    is_first = one.confirmed_at is None
    told = {
        "state": "done",
        "topic": one.topic,
        "title": offer.title(one.topic),
        "facts": facts(one, offer.names),
        "secret": house.vault.open(one.secret.get_secret_value())
        if is_first and one.secret
        else None,
    }
    return page(house, "confirm.html.j2", told)


async def _never(house: House, case: Case) -> Response:
    async with transaction(house.engine) as connection:
        await suppression.suppress(connection, case.who, "asked", house.clock())
        await changes.leave(connection, case.kept.subscription.id)
    log.info("suppressed", reason="asked", subscription_id=case.kept.subscription.id)
    return page(house, "told.html.j2", STRANGERS)


def _asking(
    house: House, offer: Choices, case: Case, token: str, refusal: str | None = None
) -> Response:
    one = case.kept.subscription
    told = {
        "state": "ask",
        "title": offer.title(one.topic),
        "facts": facts(one, offer.names),
        "token": token,
        "refusal": refusal,
    }
    return page(house, "confirm.html.j2", told, 422 if refusal else 200)
