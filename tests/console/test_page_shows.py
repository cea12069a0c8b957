"""What the page shows, in a real browser: units, banners, bands, steps, drafts, and the engineer's tables."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from at_the_page import MARKS, SOON_MS, Bedside, open_page
from playwright.sync_api import Browser, Page, Route, expect
from staging import State, alarm, stage, staged

from controller.runtime.lateness import EDGES_S, Lateness
from controller.runtime.slot import LinkStatistics

pytestmark = MARKS
Make = Callable[..., Bedside]
LIMITS = Path(__file__).parents[2] / "controller" / "console" / "static" / "js" / "limits.js"
CLIPPED = Path(__file__).with_name("clipped.js").read_text()
IDLE = "const IDLE_MS = 60000;"
COLUMNS = """(table) => {
    const [head, body] = ['thead tr', 'tbody tr:not(.port)'].map((row) => document.querySelector(`${table} ${row}`));
    const edges = (row) => [...row.cells].map((cell) => cell.getBoundingClientRect());
    const below = edges(body);
    return edges(head).map((box, at) => Math.abs(box.left - below[at].left) + Math.abs(box.right - below[at].right))
        .filter((off) => off > 1);
}"""
SAMPLED = """(forMs) => new Promise((done) => {
    const flag = document.querySelector('.flag.loud');
    const seen = [];
    const look = (atMs) => {
        seen.push([atMs, getComputedStyle(flag).backgroundColor]);
        if (atMs - seen[0][0] < forMs) requestAnimationFrame(look);
        else done(seen);
    };
    requestAnimationFrame(look);
})"""


@pytest.mark.parametrize(("priority", "rate_hz", "tone"), [("HIGH", 2.0, "176, 0, 0"), ("MEDIUM", 0.5, "255, 210, 31")])
def test_the_frames_that_are_drawn_flash_at_the_rate_of_the_standard_half_on_and_half_off(
    browser: Browser, bedside: Make, priority: str, rate_hz: float, tone: str
) -> None:
    page = staged(browser, bedside(speed=2), lambda state: state.update(alarms=[alarm(priority=priority)]))
    expect(page.locator(f".flag.loud[data-priority={priority}]")).to_be_visible()
    seen = page.evaluate(SAMPLED, 5.5 / rate_hz * 1000.0)
    on = [colour == f"rgb({tone})" for _, colour in seen]
    at_ms = [at for at, _ in seen]
    rises = [at_ms[n] for n in range(1, len(on)) if on[n] and not on[n - 1]]
    falls = [at_ms[n] for n in range(1, len(on)) if on[n - 1] and not on[n] and at_ms[n] > rises[0]]
    measured_hz = (len(rises) - 1) / (rises[-1] - rises[0]) * 1000.0
    assert measured_hz == pytest.approx(rate_hz, rel=0.05)
    lit_ms = sum(fall - rise for rise, fall in zip(rises[:-1], falls, strict=False))
    assert lit_ms / (rises[-1] - rises[0]) == pytest.approx(0.5, abs=0.06)
    page.close()


def test_a_simulated_rig_says_so_on_every_view_and_a_real_one_does_not(browser: Browser, bedside: Make) -> None:
    rig = bedside(speed=2)
    page = open_page(browser, rig)
    for view in ("main", "trends", "guide", "limits", "log", "engineer"):
        page.click(f"[data-view={view}]")
        expect(page.locator("#simulated")).to_be_in_viewport(ratio=1.0)
    expect(page.locator("#simulated")).to_have_text("SIMULATED")
    page.close()
    page = staged(browser, rig, lambda state: state["runtime"].update(simulated=False))
    expect(page.locator("#simulated")).to_be_hidden()
    page.close()


def test_tiles_tell_fahrenheit_and_millilitres_when_asked_and_say_that_texts_do_not(
    browser: Browser, bedside: Make
) -> None:
    def change(state: State) -> None:
        state["values"] |= {"cavity_mean_c": 42.0, "inflow_c": 43.5, "flow_lpm": 1.5}

    page = staged(browser, bedside(speed=2, treatment="mitomycin_90"), change)
    shown = {name: page.locator(f"[data-value={name}]") for name in ("cavity_mean_c", "inflow_c", "flow_lpm")}
    expect(shown["cavity_mean_c"]).to_have_text("42.0°C")
    expect(page.locator("#celsius")).to_be_hidden()
    page.get_by_role("button", name="°C", exact=True).click()
    page.get_by_role("button", name="L/min", exact=True).click()
    expect(shown["cavity_mean_c"]).to_have_text("107.6°F")
    expect(shown["inflow_c"]).to_have_text("110.3°F")
    expect(shown["flow_lpm"]).to_have_text("1500mL/min")
    expect(page.locator("[data-tile=flow_lpm] header")).to_contain_text("mL/min")
    expect(page.locator("#celsius")).to_have_text("Texts are in °C.")
    assert page.evaluate(CLIPPED) == []
    page.reload()
    expect(shown["cavity_mean_c"]).to_have_text("107.6°F")
    expect(shown["flow_lpm"]).to_have_text("1500mL/min")
    expect(page.locator(".clock dt")).to_contain_text(["≥ 105.8 °F", "≥ 107.6 °F"])
    page.get_by_role("button", name="°F", exact=True).click()
    expect(page.locator(".clock dt")).to_contain_text(["≥ 41 °C", "≥ 42 °C"])
    page.reload()
    expect(shown["cavity_mean_c"]).to_have_text("42.0°C")
    page.close()


@pytest.mark.parametrize(("count", "words"), [(1, "1 condition not"), (2, "2 conditions not")])
def test_what_is_not_monitored_is_counted_in_words(browser: Browser, bedside: Make, count: int, words: str) -> None:
    lines = [{"title": "Core hot", "why": "no probe"}] * count
    page = staged(browser, bedside(speed=2), lambda state: state.update(alarms=[], not_monitored=lines))
    expect(page.locator("#alarm .quiet")).to_have_text(f"No alarm. {words} monitored: see Log")
    page.close()


def test_the_flow_is_set_in_steps_of_five_hundredths_of_a_litre(browser: Browser, bedside: Make) -> None:
    rig = bedside(speed=5)
    page = open_page(browser, rig)
    expect(page.locator("#acts")).to_contain_text("1.50")
    page.click("#flow-more")
    expect(page.locator("#acts")).to_contain_text("1.50 → 1.55")
    page.click("#flow-less")
    page.click("#flow-less")
    expect(page.locator("#acts")).to_contain_text("1.50 → 1.45")
    page.click("#flow-set")
    expect(page.locator("#said")).to_contain_text("done", timeout=SOON_MS)
    assert rig.state()["flow_lpm"] == pytest.approx(1.45)
    page.close()


def test_outflow_has_the_band_of_the_cavity_and_inflow_its_cap_and_trip_and_no_band(
    browser: Browser, bedside: Make
) -> None:
    rig = bedside(speed=2)
    page = open_page(browser, rig)
    expect(page.locator("[data-tile=outflow_c]")).to_contain_text(re.compile(r"band 3\d\.\d–4\d\.\d"))
    widths = {
        name: float(page.locator(f"[data-tile={name}] .band").get_attribute("width") or 0.0)
        for name in ("cavity_mean_c", "outflow_c", "inflow_c")
    }
    assert widths["outflow_c"] == widths["cavity_mean_c"] > 0.0
    assert widths["inflow_c"] == 0.0
    limits = rig.state()["runtime"]["limits"]
    expect(page.locator("[data-tile=inflow_c]")).to_contain_text(
        f"△ {limits['inflow_cap_c']:.1f}   ▲ trip {limits['inflow_trip_c']:.1f}", use_inner_text=False
    )
    page.close()


def test_a_limit_that_is_changed_and_not_proposed_is_forgotten_after_a_minute(browser: Browser, bedside: Make) -> None:
    source = LIMITS.read_text()
    assert source.count(IDLE) == 1
    page = browser.new_page()

    def sooner(route: Route) -> None:
        route.fulfill(content_type="text/javascript", body=source.replace(IDLE, "const IDLE_MS = 4000;"))

    page.route("**/js/limits.js", sooner)
    page.goto(bedside(speed=2).url)
    expect(page.locator("html")).to_have_attribute("data-blind", "false", timeout=SOON_MS)
    page.evaluate(
        """() => { window.blinded = 0; new MutationObserver(() => { window.blinded += 1; })
            .observe(document.documentElement, {attributeFilter: ['data-blind']}); }"""
    )
    page.click("[data-view=limits]")
    page.get_by_role("button", name="Core cool: more").click()
    drafted = page.locator(".level", has_text="→")
    expect(drafted).to_have_count(1)
    page.wait_for_timeout(1500)
    expect(drafted).to_have_count(1)
    expect(drafted).to_have_count(0, timeout=10_000)
    assert page.locator("html[data-blind=true]").count() == 0
    page.close()


def test_the_page_fills_the_screen_and_leaves_it_again(browser: Browser, bedside: Make) -> None:
    page = open_page(browser, bedside(speed=2))
    page.click("#fullscreen")
    page.wait_for_function("() => document.fullscreenElement === document.documentElement")
    page.click("#fullscreen")
    page.wait_for_function("() => document.fullscreenElement === null")
    page.close()


def test_the_engineer_sees_readings_and_devices_by_port_and_how_late_the_loop_was(
    browser: Browser, bedside: Make
) -> None:
    lateness = Lateness()
    for late_s, cycles in ((0.0004, 3000), (0.002, 40), (0.15, 2)):
        for _ in range(cycles):
            lateness.add(late_s, 0)
    links = [
        LinkStatistics("bath", "open", 990, 10, 0.031, 0.12, 4.0, "", "Huber PB 1.2"),
        LinkStatistics("relays", "lost", 0, 7, 0.0, 0.0, 0.0, "no reply for 2.1 s", ""),
        LinkStatistics("line_pressure", "open", 500, 0, 0.012, 0.02, 10.0, "", "KELLER 33X"),
    ]

    def change(state: State) -> None:
        state["runtime"]["links"] = [line._asdict() for line in links]
        state["runtime"]["lateness"] = {**lateness.summary(), "histogram": lateness.histogram()}

    page = browser.new_page(viewport={"width": 1280, "height": 800})
    stage(page, change)
    page.goto(bedside(speed=2).url)
    page.click("[data-view=engineer]")
    rows = page.locator(".links tbody tr")
    expect(rows).to_have_text(
        [
            "heater4.010 (1.00 %)",
            "bath4.01031 / 120Huber PB 1.2",
            "bus10.07 (1.38 %)",
            "relays0.070 / 0no reply for 2.1 s",
            "line_pressure10.0012 / 20KELLER 33X",
        ]
    )
    expect(page.locator(".links tr.bad")).to_have_count(1)
    for table in (".links", ".raw"):
        assert page.evaluate(COLUMNS, table) == [], "headings stand over their columns"
    expect(page.locator(".raw tr.port")).to_have_text(["probes", "heater", "pump", "flow", "bus"], timeout=SOON_MS)
    assert under(page, "bus") == {"Line pressure", "Cavity pressure", "Reservoir"}
    bars = page.evaluate(
        """() => [...document.querySelectorAll('.histogram .bars rect')].map((bar) =>
            ['x', 'width', 'height'].map((name) => Number(bar.getAttribute(name))))"""
    )
    assert len(bars) == 3
    heights = [height for _, _, height in bars]
    assert heights == sorted(heights, reverse=True)
    assert heights[0] == pytest.approx(90.0)
    edges_ms = sorted(edge_ms for edge_ms, _ in lateness.histogram())
    assert [left for left, _, _ in bars] == sorted(left for left, _, _ in bars)
    assert all(edge_ms / 1000.0 <= EDGES_S[-1] for edge_ms in edges_ms)
    expect(page.get_by_text(f"3042 cycles, 0 missed; half within {lateness.summary()['p50_ms']} ms")).to_be_visible()
    page.close()


def under(page: Page, port: str) -> set[str]:
    """The signals that stand under that port."""
    found = page.evaluate(
        """(port) => {
            const names = [];
            let here = false;
            for (const row of document.querySelectorAll('.raw tbody tr')) {
                if (row.className.includes('port')) here = row.textContent === port;
                else if (here) names.push(row.cells[0].textContent);
            }
            return names;
        }""",
        port,
    )
    return set(found)
