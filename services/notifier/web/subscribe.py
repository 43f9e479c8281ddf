"""Coming in: the form, and the one letter that it writes."""

from collections.abc import Mapping

import structlog
from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifier import changes, letters_store
from services.notifier.letters import Kind
from services.notifier.recipient import MAIL, recipient
from services.notifier.subscribers import everybody
from services.notifier.subscription import Subscription, Wish, subscription_id
from services.notifier.suppression import is_suppressed
from services.notifier.vault import webhook_key
from services.notifier.web import attempts, form, limits, previews
from services.notifier.web.choices import Choices, choices
from services.notifier.web.faults import Fault, Refused
from services.notifier.web.form import Filled
from services.notifier.web.house import House
from services.notifier.web.pages import page
from services.notifier.web.request import filled
from services.notifier.wording import tame_facts
from shared.database import transaction

log = structlog.get_logger(__name__)

CLOSED = Fault(
    403,
    "Nobody can subscribe here by themselves",
    "Who runs this site adds readers. Please write to them.",
)
SENT = {
    "title": "Please look into your mailbox",
    "paragraphs": (
        "A message is on its way to the address that you wrote. It has a link: open it and "
        "confirm, and the first digest comes when it is due. Nothing is sent before that.",
        "Nothing there after some minutes? Please look into the folder for spam, and whether the "
        "address was right. The link is good for three days.",
    ),
    "way": None,
    "here": "subscribe",
}
"""Said always, whether or not the address is known, or may be written to."""


def router(house: House) -> APIRouter:
    """`/subscribe` and its preview."""
    routes = APIRouter(prefix="/subscribe", include_in_schema=False)

    @routes.get("")
    async def show(request: Request) -> Response:
        refuse_closed(house)
        offer = await choices(house)
        return _form(house, offer, form.begun(request.query_params.multi_items()), {})

    @routes.post("/preview")
    async def try_out(request: Request) -> Response:
        refuse_closed(house)
        given, offer = await filled(request), await choices(house)
        read = form.read_choices(given)
        if read.wish is None:
            return _form(house, offer, given, read.faults)
        shown = await previews.preview(house, request, read.wish)
        return _form(house, offer, given, {}, previews.told(shown, read.wish))

    @routes.post("")
    async def subscribe(request: Request) -> Response:
        refuse_closed(house)
        given, offer = await filled(request), await choices(house)
        if given.any(form.TRAP):
            log.info("form_was_filled_by_a_program")
            return page(house, "told.html.j2", SENT)
        read = form.read(given, house.doors)
        if read.wish is None:
            return _form(house, offer, given, read.faults)
        if read.wish.topic not in dict(offer.titles):
            return _form(house, offer, given, {"topic": "Please choose one of the list."})
        await ask(house, request, read.wish, offer)
        return page(house, "told.html.j2", SENT)

    return routes


def refuse_closed(house: House) -> None:
    """Let strangers in only where the operator does.

    Raises:
        Refused: nobody can subscribe by themselves.
    """
    if not house.doors.is_open:
        raise Refused(CLOSED)


async def ask(house: House, request: Request, wish: Wish, offer: Choices) -> str:
    """Put a wish on record, to be confirmed, and write to who has to; the id it would have.

    Nothing that is answered depends on whether the mailbox is known.

    Raises:
        Refused: it was asked too often.
    """
    mailbox, wanted = mailbox_of(wish), _wanted(house, wish)
    who = recipient("email", mailbox)
    await limits.admit(house, request, "subscribe", who)
    title = offer.title(wish.topic)
    told = {"topic": title, "facts": [list(pair) for pair in tame_facts(wish, offer.names)]}
    now = house.clock()
    async with transaction(house.engine) as connection:
        await attempts.hold(connection, [who])
        if await is_suppressed(connection, who):
            return wanted.id
        found = await changes.ask(connection, wanted, now, house.vault)
        kind: Kind = "confirm" if found == "asked" else "known"
        if kind == "known":
            mailbox = await _on_record(connection, who) or mailbox
        await letters_store.queue(connection, kind, mailbox, now, wanted.id, told)
    log.info("subscription_asked", subscription_id=wanted.id, channel=wish.channel)
    return wanted.id


async def _on_record(connection: AsyncConnection, who: str) -> str | None:
    """A mailbox as it is on record: a link to manage never goes to one as somebody typed it."""
    found = (mailbox_of(one.subscription) for one in await everybody(connection, who))
    return next((mailbox for mailbox in found if recipient("email", mailbox) == who), None)


def mailbox_of(wish: Wish) -> str:
    """Who confirms: the mailbox itself, or who looks after the target."""
    if wish.channel in MAIL:
        return wish.address.get_secret_value()
    return wish.owner.get_secret_value() if wish.owner else ""


def _wanted(house: House, wish: Wish) -> Subscription:
    kept = {name: getattr(wish, name) for name in Wish.model_fields}
    if wish.channel == "webhook":
        kept["secret"] = webhook_key()
    name = subscription_id(wish.topic, wish.channel, wish.address)
    return Subscription(**kept, id=name, created_at=house.clock())


def _form(
    house: House,
    offer: Choices,
    given: Filled,
    faults: Mapping[str, str],
    shown: Mapping[str, object] = previews.NONE,
) -> Response:
    schemes = ", ".join(f"{scheme}://" for scheme in offer.schemes)
    hint = "Slack: https://hooks.slack.com/services/... A webhook: any https address of yours."
    told = {
        "here": "subscribe",
        "offer": offer,
        "form": given,
        "faults": faults,
        **shown,
        "url_hint": f"{hint} Apprise: {schemes}" if schemes else hint,
    }
    return page(house, "subscribe.html.j2", told, 422 if faults else 200)
