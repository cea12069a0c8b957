"""What the page would show if the controller said so: states of a real rig, changed on their way to the browser."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from at_the_page import SIZES, SOON_MS, Bedside
from playwright.sync_api import Browser, Page, WebSocketRoute, expect

State = dict[str, Any]


def staged(
    browser: Browser, bedside: Bedside, change: Callable[[State], None], *, size: tuple[int, int] = SIZES[0]
) -> Page:
    """The open page, told every state after `change` has been at it."""
    page = browser.new_page(viewport={"width": size[0], "height": size[1]})
    stage(page, change)
    page.goto(bedside.url)
    expect(page.locator("html")).to_have_attribute("data-blind", "false", timeout=SOON_MS)
    return page


def stage(page: Page, change: Callable[[State], None], *, entries: int | None = None) -> None:
    """From the next load on; `entries` is how many lines the log is said to have."""

    def between(socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()

        def pass_on(message: str | bytes) -> None:
            said = json.loads(message)
            if said["kind"] == "state" and said["body"].get("runtime"):
                change(said["body"])
            if entries is not None and "entries" in said:
                said["entries"] = entries
            socket.send(json.dumps(said))

        server.on_message(pass_on)

    page.route_web_socket("**/telemetry", between)


def alarm(**more: Any) -> State:
    """One alarm as the controller tells it."""
    line = {
        "id": "air",
        "priority": "HIGH",
        "kind": "technical",
        "title": "Air in the line",
        "text": "Bubble 5.0 mm > 4 mm",
        "advice": "Find the air, de-air in the bypass.",
        "since_s": 1.0,
        "present": True,
        "latched": False,
        "acknowledged": False,
        "first": False,
        "because": "",
    }
    return {**line, **more}
