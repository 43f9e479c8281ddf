"""The HTTP API for who has no token yet: what there is, and how to come in."""

from typing import Annotated

from fastapi import APIRouter, Path, Request
from pydantic import ValidationError

from services.notifier.recipient import MAIL
from services.notifier.senders.targets import BadTarget, check_target
from services.notifier.store import last_poll
from services.notifier.subscription import Wish, is_mail_address
from services.notifier.web import api_models as models
from services.notifier.web import api_own, form, link, previews, subscribe
from services.notifier.web.choices import choices
from services.notifier.web.faults import NOT_FOUND, Refused, wrong
from services.notifier.web.house import House
from services.notifier.web.topics import topics
from shared.database import transaction

TopicId = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]


def router(house: House) -> APIRouter:
    """`/api/...`; its description is at `/api/openapi.json`."""
    routes = APIRouter(prefix="/api", responses=models.PROBLEMS)
    _about(house, routes)
    _coming_in(house, routes)
    routes.include_router(api_own.router(house))
    return routes


def _about(house: House, routes: APIRouter) -> None:
    @routes.get("/topics", tags=["topics"])
    async def list_topics() -> list[models.TopicOut]:
        """The topics that are followed."""
        async with transaction(house.engine) as connection:
            return [models.TopicOut.of(one) for one in await topics(connection, house.clock())]

    @routes.get("/topics/{topic}/coverage", tags=["topics"])
    async def coverage(topic: TopicId) -> models.Coverage:
        """What the last poll of a topic checked, relation by relation."""
        return await _coverage(house, topic)

    @routes.get("/health", tags=["topics"])
    async def health() -> models.Health:
        """Whether the pages work, and which topics could not be checked completely."""
        async with transaction(house.engine) as connection:
            found = await topics(connection, house.clock())
        return models.Health(
            topics=len(found), incomplete=[one.id for one in found if not one.healthy]
        )


async def _coverage(house: House, topic: str) -> models.Coverage:
    async with transaction(house.engine) as connection:
        last = await last_poll(connection, topic, house.clock())
    if last is None:
        raise Refused(NOT_FOUND)
    return models.Coverage(
        topic=topic,
        checked_at=last.finished_at,
        is_complete=last.healthy,
        next_at=last.next_at,
        relations=[
            models.LegOut(
                relation=leg.relation,
                name=leg.name,
                state=leg.state,
                counted=leg.counted,
                held=leg.fetched,
                open_since=leg.open_since,
                alarm=leg.alarm,
            )
            for leg in last.legs
        ],
    )


def _coming_in(house: House, routes: APIRouter) -> None:
    @routes.post("/subscriptions", status_code=202, tags=["subscriptions"])
    async def ask(request: Request, wanted: models.NewSubscription) -> models.Asked:
        """Ask for a subscription. Nothing is sent before its mailbox has confirmed it."""
        subscribe.refuse_closed(house)
        wish, offer = _wish(house, wanted), await choices(house)
        if wish.topic not in dict(offer.titles):
            raise wrong({"topic": "There is no such topic."})
        await subscribe.ask(house, request, wish, offer)
        return models.Asked()

    @routes.post("/preview", tags=["subscriptions"])
    async def try_out(request: Request, wanted: models.Wanted) -> models.PreviewOut:
        """What these choices would have brought in the last four weeks."""
        return await _preview(house, request, wanted)

    @routes.post("/links", status_code=202, tags=["subscriptions"])
    async def ask_link(request: Request, wanted: models.LinkWanted) -> models.Asked:
        """Have the link to manage mailed: its token opens what is below `/api/me`."""
        if not is_mail_address(wanted.email):
            raise wrong({"email": "Not an e-mail address."})
        await link.by_address(house, request, wanted.email)
        return models.Asked()


async def _preview(house: House, request: Request, wanted: models.Wanted) -> models.PreviewOut:
    named = {name: getattr(wanted, name) for name in models.Wanted.model_fields}
    try:
        wish = Wish.model_validate({**named, "address": form.NOBODY})
    except ValidationError as error:
        raise wrong(api_own.faults_of(error)) from None
    shown = await previews.preview(house, request, wish)
    return models.PreviewOut(
        since=shown.since,
        total=shown.total,
        is_cut_off=shown.is_cut_off,
        issues=[
            models.Issue(due=one.due, total=one.total, pmids=[item.pmid for item in one.items])
            for one in shown.issues
        ],
    )


def _wish(house: House, wanted: models.NewSubscription) -> Wish:
    """The wish, if it can be one.

    Raises:
        Refused: it cannot; says which field and why.
    """
    if wanted.channel not in MAIL:
        if not wanted.owner:
            raise wrong({"owner": "Needed: the mail address that confirms."})
        try:
            check_target(wanted.channel, wanted.address, house.doors)
        except BadTarget as fault:
            raise wrong({"address": str(fault)}) from None
    elif wanted.owner:
        raise wrong({"owner": "Only for a target that is no mailbox."})
    try:
        return Wish.model_validate({name: getattr(wanted, name) for name in _NAMES})
    except ValidationError as error:
        raise wrong(api_own.faults_of(error)) from None


_NAMES = tuple(models.NewSubscription.model_fields)
