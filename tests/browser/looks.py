"""What a page looks like to those who depend on it: axe-core, in light and dark, and no sideways.

The visitor's browser runs no script, and axe-core is one. So the page as the visitor has it is
laid out once more in a browser that runs it, with the same address, styles and pictures.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import axe_playwright_python
from playwright.async_api import Browser, Page, Route, ViewportSize

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
GRAVE = {"serious", "critical"}
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
SIZES = {
    "desktop": ViewportSize(width=1280, height=800),
    "phone": ViewportSize(width=390, height=844),
}

_RUN = "axe.run(document, {resultTypes: ['violations']}).then(found => found.violations)"
_TOO_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@dataclass(frozen=True)
class Looks:
    """Looks at pages in one size."""

    browser: Browser
    size: str

    async def check(self, page: Page) -> None:
        """No serious finding of axe-core in light or dark; nothing wider than the window."""
        html = await page.content()
        await self.check_html(html, page.url)

    async def check_html(self, html: str, url: str) -> None:
        """The same for HTML that is, or could be, at that address."""
        context = await self.browser.new_context(bypass_csp=True, viewport=SIZES[self.size])
        try:
            copy = await context.new_page()
            await lay_out(copy, html, url)
            wide = await copy.evaluate(_TOO_WIDE)
            assert wide <= 0, f"{url}: {wide} pixels wider than the {self.size}"
            await copy.evaluate(AXE)
            for scheme in SCHEMES:
                await copy.emulate_media(color_scheme=scheme)
                found = await copy.evaluate(_RUN)
                grave = [_said(one) for one in found if one["impact"] in GRAVE]
                assert not grave, f"{url} on {self.size} in {scheme}:\n" + "\n".join(grave)
        finally:
            await context.close()


async def lay_out(copy: Page, html: str, url: str) -> None:
    """Show HTML as if it had come from that address, with the styles that are there."""

    async def answer(route: Route) -> None:
        await route.fulfill(body=html, content_type="text/html; charset=utf-8")

    await copy.route(url, answer)
    await copy.goto(url)


def _said(finding: dict[str, Any]) -> str:
    nodes = [f"    {node['html'][:160]}  {node['failureSummary']}" for node in finding["nodes"][:4]]
    return "\n".join([f"  {finding['impact']} {finding['id']}: {finding['help']}", *nodes])
