"""The engineer's page in a real browser: a jog runs only under a hand, and what is shown is the controller's word."""

import signal
import time
from collections.abc import Callable

import pytest
from at_the_page import MARKS, SOON_MS, Bedside, fill_in, hold, open_page, press
from playwright.sync_api import Browser, Page, expect

pytestmark = MARKS
Make = Callable[..., Bedside]
STOPS_WITHIN_S = 1.0
LOOK_S = 0.02


def as_engineer(page: Page) -> None:
    page.click("#who-am-i")
    page.select_option("#role", "engineer")
    hold(page)
    expect(page.locator("#who-am-i")).to_have_text("engineer")
    page.click("[data-view=engineer]")


def jogging(rig: Bedside) -> bool:
    return float(rig.state()["pump_lpm"]) > 0.0


def wait_for(condition: Callable[[], bool], seconds: float) -> float:
    """Wall seconds until `condition`."""
    began_s = time.monotonic()
    while not condition():
        assert time.monotonic() - began_s <= seconds
        time.sleep(LOOK_S)
    return time.monotonic() - began_s


def held_for(rig: Bedside, page: Page, selector: str, seconds: float) -> bool:
    """Press, and see it run for so long. A busy host may let a press lapse: then it is let go."""
    press(page, selector)
    wait_for(lambda: jogging(rig) or not page.locator(f"{selector}.jogging").count(), 20.0)
    until_s = time.monotonic() + seconds
    while jogging(rig):
        if time.monotonic() > until_s:
            return True
        time.sleep(LOOK_S)
    page.mouse.up()
    return False


@pytest.fixture
def jogged(browser: Browser, bedside: Make) -> tuple[Bedside, Page]:
    return jog(browser, bedside(speed=1))


def jog(browser: Browser, rig: Bedside) -> tuple[Bedside, Page]:
    page = open_page(browser, rig)
    as_engineer(page)
    for _ in range(3):
        page.click("#jog_pump-more")
    wait_for(lambda: held_for(rig, page, "#jog-pump", 1.5), 60.0)
    return rig, page


@pytest.mark.parametrize("gone", ["released", "page closed", "server frozen", "script stalls"])
def test_the_pump_runs_only_under_a_hand(jogged: tuple[Bedside, Page], gone: str) -> None:
    rig, page = jogged
    if gone == "released":
        page.mouse.up()
    elif gone == "page closed":
        page.close()
    elif gone == "server frozen":
        rig.console.send_signal(signal.SIGSTOP)
    else:
        page.evaluate(
            "setTimeout(() => { const until = performance.now() + 4000; while (performance.now() < until); }, 0)"
        )
    assert wait_for(lambda: not jogging(rig), STOPS_WITHIN_S + 1.0) <= STOPS_WITHIN_S + 0.5  # and the time to look
    rig.console.send_signal(signal.SIGCONT)
    time.sleep(2.0)
    assert not jogging(rig), "a press that is over was taken up again"


def test_a_jog_of_a_rig_at_speed_is_refreshed_as_often_as_that_rig_needs_it(browser: Browser, bedside: Make) -> None:
    rig, page = jog(browser, bedside(speed=5))  # there a refresh lives for less than the page's pace at speed 1
    page.mouse.up()
    wait_for(lambda: not jogging(rig), STOPS_WITHIN_S + 1.0)
    page.close()


def test_only_an_engineer_in_standby_can_press_it(browser: Browser, bedside: Make) -> None:
    rig = bedside(speed=20)
    page = open_page(browser, rig)
    page.click("[data-view=engineer]")
    expect(page.locator("#jog-pump")).to_be_disabled()
    expect(page.get_by_text("Not now: sign in as engineer.")).to_be_visible()
    as_engineer(page)
    expect(page.locator("#jog-pump")).to_be_enabled()
    page.click("[data-view=main]")
    page.click("#next", timeout=SOON_MS)
    fill_in(page)
    hold(page)
    page.click("[data-view=engineer]")
    expect(page.get_by_text("Not now: jogging is allowed in STANDBY.")).to_be_visible(timeout=SOON_MS)
    expect(page.locator("#jog-both")).to_be_disabled()
    page.close()


def test_what_is_in_force_and_every_reading_is_shown_and_no_simulator_means_no_faults(
    browser: Browser, bedside: Make
) -> None:
    rig = bedside(speed=5)
    page = open_page(browser, rig)
    page.click("[data-view=engineer]")
    state = rig.state()
    expect(page.locator(".hash")).to_contain_text(state["runtime"]["config_sha256"])
    expect(page.locator(".raw tbody tr:not(.port)")).to_have_count(len(state["runtime"]["raw"]))
    expect(page.locator(".force")).to_contain_text("rig.limits.inflow_cap_c")
    expect(page.get_by_text("Faults of the simulator")).to_be_hidden()
    page.close()


def test_a_fault_is_begun_and_ended_when_the_simulator_shows_it(browser: Browser, bedside: Make) -> None:
    page = open_page(browser, bedside(speed=5))
    line = {"name": "stall", "strikes": "pump", "about": "", "unit": "", "value": None, "targets": [], "partners": []}
    active: list[str] = []
    page.route("**/faults", lambda route: route.fulfill(json={"vocabulary": [line], "active": active}))
    page.route("**/fault", lambda route: route.fulfill(json={"ok": True}))
    as_engineer(page)
    said = page.locator("#said")
    page.click("#fault-begin")
    expect(said).to_have_text("Fault: taken, but not seen to be done. Check.", timeout=SOON_MS)
    page.click("#fault-begin")
    active.append("stall@12")
    expect(said).to_have_text("Fault: done", timeout=SOON_MS)
    page.click("#fault-end")
    active.clear()
    expect(said).to_have_text("Faults ended: done", timeout=SOON_MS)
    page.close()


def test_what_a_fault_can_strike_stands_once_and_a_port_is_told_from_a_device(browser: Browser, bedside: Make) -> None:
    rig = bedside(speed=5)
    page = open_page(browser, rig)
    wiring = rig.state()["runtime"]["wiring"]
    names = [*sorted(wiring), *sorted(set(wiring.values()))]
    assert len(set(names)) < len(names), "a device and its port have one name"
    line = {"name": "silent", "strikes": "link", "about": "", "unit": "", "value": None, "partners": []}
    page.route(
        "**/faults", lambda route: route.fulfill(json={"vocabulary": [{**line, "targets": names}], "active": []})
    )
    as_engineer(page)
    options = page.locator("#fault-target option")
    expect(options).to_have_count(len(set(names)))
    assert options.evaluate_all("(all) => all.map((option) => option.value)") == list(dict.fromkeys(names))
    here = [device for device, port in wiring.items() if port == "bus"]
    expect(page.locator("#fault-target option[value=bus]")).to_have_text(f"port bus: {', '.join(here)}")
    expect(page.locator("#fault-target option[value=line_pressure]")).to_have_text("line_pressure")
    page.close()


def test_the_heater_runs_only_under_a_hand(browser: Browser, bedside: Make) -> None:
    rig = bedside(speed=1)
    page = open_page(browser, rig)
    as_engineer(page)
    for _ in range(8):
        page.click("#jog_pump-more")

    def heats_under_the_hand() -> bool:
        """A busy host may let a press lapse: then it is let go, and tried again."""
        press(page, "#jog-both")
        wait_for(lambda: bool(rig.state()["heat_on"]) or not page.locator("#jog-both.jogging").count(), 30.0)
        if rig.state()["heat_on"]:
            return True
        page.mouse.up()
        return False

    wait_for(heats_under_the_hand, 80.0)
    assert jogging(rig)
    page.mouse.up()
    wait_for(lambda: not rig.state()["heat_on"], STOPS_WITHIN_S + 0.5)
    wait_for(lambda: not jogging(rig), 20.0)  # the pump may run on to cool the heater
    time.sleep(2.0)
    assert not rig.state()["heat_on"]
    page.close()
