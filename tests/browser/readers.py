"""What readers do first, wherever they go on from there."""

from tests.browser.town import Town
from tests.browser.visitor import Visitor

TOPIC = "CAR cells in autoimmunity"


async def subscribe(visitor: Visitor, address: str, often: str = "Every day") -> None:
    """Fill in the form as briefly as it allows, and send it."""
    await visitor.open("/subscribe")
    await visitor.choose(often)
    await visitor.write("Your e-mail address", address)
    await visitor.push("Subscribe")


async def confirmed(visitor: Visitor, town: Town, address: str, often: str = "Every day") -> None:
    """Subscribe, and confirm by the link in the mail."""
    await subscribe(visitor, address, often)
    await town.moment()
    await visitor.open(town.mailed_link(address, "confirm"))
    await visitor.push("Yes, send me this")


async def managing(visitor: Visitor, town: Town, address: str) -> None:
    """Ask for the link to manage, and open it."""
    await visitor.open("/link")
    await visitor.write("Your e-mail address", address)
    await visitor.push("Send me the link")
    await town.moment()
    await visitor.open(town.mailed_link(address, "manage"))
