"""A reader who has a keyboard only, and whose browser runs no script.

What is done here is done by Tab, Enter, Space, arrows and letters; an address may be typed. Each
place that is reached has to show that it has the focus.
"""

from dataclasses import dataclass

from playwright.async_api import Locator, Page

MOST_TABS = 400

_SHOWS_FOCUS = """e => {
  const style = getComputedStyle(e)
  const outlined = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2
  const box = e.getBoundingClientRect()
  return (outlined || style.boxShadow !== 'none') && box.width > 0 && box.height > 0
}"""
_WHAT = "() => document.activeElement.outerHTML.slice(0, 120)"


@dataclass(frozen=True)
class Visitor:
    """`url` is the root of the pages; paths are below it."""

    page: Page
    url: str

    async def open(self, address: str) -> None:
        """Type an address, or a path of ours; the page has to be there."""
        answer = await self.page.goto(address if "://" in address else self.url + address)
        assert answer is not None
        assert answer.ok, f"{answer.status} {await self.heading()}"

    async def heading(self) -> str:
        """The page's one heading of the first level."""
        return (await self.page.locator("h1").inner_text()).strip()

    async def text(self) -> str:
        """What the page says, without its frame."""
        return await self.page.locator("main").inner_text()

    async def reach(self, thing: Locator) -> None:
        """Press Tab until the thing has the focus, which has to be seen."""
        await thing.wait_for(state="attached", timeout=5_000)
        for _ in range(MOST_TABS):
            if await thing.evaluate("e => e === document.activeElement"):
                assert await thing.evaluate(_SHOWS_FOCUS), f"no focus seen on {thing}"
                return
            await self.page.keyboard.press("Tab")
        raise AssertionError(f"{thing} is not reached by Tab; now at {await self._at()}")

    async def _at(self) -> str:
        return str(await self.page.evaluate(_WHAT))

    async def follow(self, name: str) -> None:
        """Go where a link leads."""
        await self.enter(self.page.get_by_role("link", name=name).first)

    async def push(self, name: str) -> None:
        """Push a button that sends a form."""
        await self.enter(self.page.get_by_role("button", name=name).first)

    async def enter(self, thing: Locator) -> None:
        """Reach it, press Enter, and wait for the page that comes."""
        await self.reach(thing)
        async with self.page.expect_navigation():
            await self.page.keyboard.press("Enter")

    async def unfold(self, summary: str) -> None:
        """Open what is folded, unless it is open."""
        thing = self.page.locator("summary").filter(has_text=summary).first
        if not await thing.evaluate("e => e.parentElement.open"):
            await self.reach(thing)
            await self.page.keyboard.press("Enter")

    async def write(self, label: str, text: str) -> None:
        """Put text into a field, in place of what is there."""
        await self.reach(self.page.get_by_label(label).first)
        await self.page.keyboard.press("Control+A")
        await self.page.keyboard.type(text)

    async def tick(self, label: str) -> None:
        """Change a box by Space."""
        await self.reach(self.page.get_by_role("checkbox", name=label).first)
        await self.page.keyboard.press("Space")

    async def choose(self, label: str) -> None:
        """One of several: Tab to the group, then the arrows."""
        wanted = self.page.get_by_role("radio", name=label).first
        group = self.page.locator(f"input[type=radio][name={await wanted.get_attribute('name')}]")
        chosen = group.and_(self.page.locator(":checked"))
        await self.reach(chosen if await chosen.count() else group.first)
        await self.page.keyboard.press("Space")
        for _ in range(await group.count()):
            if await wanted.is_checked():
                return
            await self.page.keyboard.press("ArrowDown")
        raise AssertionError(f"{label} cannot be chosen by arrows")

    async def pick(self, label: str, option: str) -> None:
        """One of a list, by its first letters."""
        field = self.page.get_by_label(label).first
        await self.reach(field)
        await self.page.keyboard.type(option)
        chosen = await field.evaluate("e => e.selectedOptions[0].textContent.trim()")
        assert str(chosen).startswith(option), f"{label}: {chosen!r} was picked"
