"""`python -m tests.browser.screens`: the pictures of docs/pages-tour.md and docs/diff.md, anew.

The same walk as in the tests, on the demo's fortnight, by a browser without script: wide and on a
phone, in light and dark. Each picture is its page's top, in few colours, so that it stays small.
"""

import asyncio
import io
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import structlog
from PIL import Image
from playwright.async_api import Browser, Page, ViewportSize

from tests.browser.chromium import open_browser
from tests.browser.compared import compared_page
from tests.browser.looks import lay_out
from tests.browser.readers import managing, subscribe
from tests.browser.town import Town, open_town, page_of
from tests.browser.visitor import Visitor

FOLDER = Path(__file__).parents[2] / "docs" / "screens"
TOPIC = "/topics/car-autoimmune"
COLOURS = 128


@dataclass(frozen=True)
class Look:
    """One way to look at the pages."""

    name: str
    size: ViewportSize
    scheme: Literal["light", "dark"]
    tallest: int


LOOKS = (
    Look("wide", ViewportSize(width=1120, height=900), "light", 1500),
    Look("phone", ViewportSize(width=390, height=844), "dark", 1300),
)


@dataclass(frozen=True)
class Camera:
    """Takes pictures of a page, in one look."""

    look: Look

    async def take(self, page: Page, name: str) -> None:
        """Write `<name>-<look>.png`; of a long page, its top."""
        shot = Image.open(io.BytesIO(await page.screenshot(full_page=True)))
        top = shot.crop((0, 0, shot.width, min(shot.height, self.look.tallest)))
        few = top.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
        few.save(FOLDER / f"{name}-{self.look.name}.png", optimize=True)


async def main() -> None:
    """Walk once in each look, and write all pictures."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    FOLDER.mkdir(parents=True, exist_ok=True)
    for look in LOOKS:
        async with AsyncExitStack() as stack:
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            town = await stack.enter_async_context(open_town(Path(folder)))
            browser = await stack.enter_async_context(open_browser())
            visitor = await stack.enter_async_context(_visitor(town, browser, look))
            await _walk(town, visitor, Camera(look))
            await compared(visitor.page, Camera(look))


@asynccontextmanager
async def _visitor(town: Town, browser: Browser, look: Look) -> AsyncIterator[Visitor]:
    context = await browser.new_context(
        java_script_enabled=False,
        viewport=look.size,
        color_scheme=look.scheme,
        reduced_motion="reduce",
    )
    try:
        yield Visitor(await context.new_page(), town.url)
    finally:
        await context.close()


async def _walk(town: Town, visitor: Visitor, camera: Camera) -> None:
    await _find(visitor, camera)
    await _come_in(town, visitor, camera)
    await _manage(town, visitor, camera)
    await _digest(town, visitor, camera)


async def compared(page: Page, camera: Camera) -> None:
    """The page of `carillon diff`, which no service serves."""
    await page.set_content(await compared_page())
    await camera.take(page, "diff")


async def _find(visitor: Visitor, camera: Camera) -> None:
    await visitor.open("/")
    await camera.take(visitor.page, "home")
    await visitor.open(f"{TOPIC}?q=lupus")
    await camera.take(visitor.page, "archive")
    await visitor.open("/articles/car-autoimmune/42621160")
    await camera.take(visitor.page, "article")
    await visitor.open("/articles/car-autoimmune/99000001")
    await camera.take(visitor.page, "retracted")


async def _come_in(town: Town, visitor: Visitor, camera: Camera) -> None:
    await visitor.open("/subscribe")
    await camera.take(visitor.page, "subscribe")
    await visitor.tick("CAR-Treg")
    await visitor.push("Show what the last weeks would have brought")
    await camera.take(visitor.page, "preview")
    await subscribe(visitor, "reader@example.org")
    await town.moment()
    await _mail(town, visitor, camera, "letter")
    await visitor.open(town.mailed_link("reader@example.org", "confirm"))
    await camera.take(visitor.page, "confirm")
    await visitor.push("Yes, send me this")


async def _manage(town: Town, visitor: Visitor, camera: Camera) -> None:
    await managing(visitor, town, "reader@example.org")
    await camera.take(visitor.page, "manage")
    await visitor.push("Change")
    await camera.take(visitor.page, "change")
    await managing(visitor, town, "reader@example.org")
    await visitor.unfold("Pause")
    await visitor.write("Until", "12242026")
    await visitor.push("Pause")
    await camera.take(visitor.page, "paused")


async def _digest(town: Town, visitor: Visitor, camera: Camera) -> None:
    await visitor.open(town.mailed_link("weekly@example.org", "digests"))
    await camera.take(visitor.page, "digest")
    await visitor.follow("Wrong label? Not relevant?")
    await camera.take(visitor.page, "feedback")
    await _mail(town, visitor, camera, "mail", "weekly@example.org")
    await visitor.open(town.mailed_link("weekly@example.org", "leave"))
    await camera.take(visitor.page, "leave")
    await visitor.push("Leave")
    await camera.take(visitor.page, "left")


async def _mail(
    town: Town, visitor: Visitor, camera: Camera, name: str, address: str = "reader@example.org"
) -> None:
    page = await visitor.page.context.new_page()
    await lay_out(page, page_of(town.mails(address)[-1]), f"{town.url}/mail.html")
    await camera.take(page, name)
    await page.close()


if __name__ == "__main__":
    asyncio.run(main())
