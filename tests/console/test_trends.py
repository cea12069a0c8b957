"""The trends in a real browser: what is drawn, what is not known, and a time axis for gloved hands."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import at_the_page as parts
import pytest
from playwright.sync_api import Browser, Frame, Page, Route, expect
from staging import stage
from test_plot_frame import draws_again, plots

from controller.console.history import NAMES

pytestmark = parts.MARKS
Make = Callable[..., parts.Bedside]
RANGE = "() => document.getElementById('plot').layout.xaxis.range.map(Number)"
AXIS = """() => {
    const box = document.querySelector('.nsewdrag').getBoundingClientRect();
    return [box.left, box.top + box.height / 2, box.width];
}"""


@pytest.fixture
def touched(browser: Browser, bedside: Make) -> Iterator[Page]:
    """The trends on a panel that is touched."""
    rig = bedside(speed=20)
    context = browser.new_context(has_touch=True, viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.goto(rig.url)
    expect(page.locator("html")).to_have_attribute("data-blind", "false", timeout=parts.SOON_MS)
    page.wait_for_timeout(2000)
    page.click("[data-view=trends]")
    draws_again(page)
    yield page
    context.close()


def width(frame: Frame) -> float:
    left, right = frame.evaluate(RANGE)
    return float(right - left)


def test_the_time_axis_is_made_shorter_and_longer_by_large_buttons_and_comes_back_whole(touched: Page) -> None:
    frame = plots(touched)
    whole = 4.0
    frame.evaluate("Plotly.relayout('plot', {'xaxis.range': [-4, 0]})")
    for selector in ("#zoom-in", "#zoom-out", "#zoom-reset"):
        box = touched.locator(selector).bounding_box()
        assert box is not None
        assert min(box["width"], box["height"]) >= 43.0
    touched.tap("#zoom-in")
    half = f"(whole) => Math.abs(({RANGE})()[1] - ({RANGE})()[0] - whole) < 0.01"
    frame.wait_for_function(half, arg=whole / 2)
    assert frame.evaluate(RANGE)[1] == 0.0, "the newest stays in sight"
    draws_again(touched)
    assert width(frame) == pytest.approx(whole / 2), "also when it is drawn again"
    touched.tap("#zoom-out")
    frame.wait_for_function(half, arg=whole)
    touched.tap("#zoom-in")
    touched.tap("#zoom-in")
    touched.tap("#zoom-reset")
    frame.wait_for_function("() => document.getElementById('plot').layout.xaxis.autorange === true")


def test_two_fingers_that_part_make_the_time_axis_shorter_around_what_is_between_them(touched: Page) -> None:
    frame = plots(touched)
    frame.evaluate("Plotly.relayout('plot', {'xaxis.range': [-4, 0]})")
    left, middle, wide = frame.evaluate(AXIS)
    corner = touched.locator("#plot").bounding_box()
    assert corner is not None
    touch = touched.context.new_cdp_session(touched)

    def fingers(kind: str, *shares: float) -> None:
        places = [corner["x"] + left + share * wide for share in shares]
        points = [{"x": at, "y": corner["y"] + middle, "id": number} for number, at in enumerate(places)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    fingers("touchStart", 0.4)
    fingers("touchMove", 0.45)  # a finger that pans already
    fingers("touchStart", 0.45, 0.55)
    for apart in (0.1, 0.2, 0.3, 0.4):
        fingers("touchMove", 0.5 - apart / 2, 0.5 + apart / 2)
        touched.wait_for_timeout(60)
    fingers("touchEnd", 0.3)
    fingers("touchEnd")
    touched.wait_for_timeout(500)
    draws_again(touched)
    assert width(frame) == pytest.approx(1.0, abs=0.05)
    assert sum(frame.evaluate(RANGE)) / 2 == pytest.approx(-2.0, abs=0.05)
    assert touched.evaluate("visualViewport.scale") == 1.0


def test_the_band_the_marks_and_every_gap_are_drawn_and_no_gap_is_bridged(browser: Browser, bedside: Make) -> None:
    at_s = [float(second) for second in range(200)] + [float(second) for second in range(300, 400)]
    columns = {name: [40.0] * len(at_s) for name in NAMES}
    columns["inflow_c"] = [None if 50 <= at < 60 else 40.0 + at / 1000.0 for at in at_s]  # type: ignore[misc]
    said = [(60.0, "phase", "PRIME: Circulating.", ""), (150.0, "dose", "Dose 1 of 2: 30.0 mg", "")]
    said += [(350.0, "alarm", "Air: 5 mm. Clamp.", "HIGH"), (360.0, "alarm", "Late: once. Look.", "LOW")]
    names = ("at_s", "kind", "text", "priority")
    log = [{"number": n + 1, "utc_ms": 0.0, **dict(zip(names, line, strict=True))} for n, line in enumerate(said)]

    def answer(body: object) -> Callable[[Route], None]:
        return lambda route: route.fulfill(content_type="application/json", body=json.dumps(body))

    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.route("**/trend?*", answer({"at_s": at_s, "columns": columns}))
    page.route("**/log?*", answer(log))
    stage(page, lambda state: None, entries=len(log))
    rig = bedside(speed=10, treatment="mitomycin_90")
    page.goto(rig.url)
    page.click("[data-view=trends]")
    draws_again(page)
    draws_again(page)
    found = plots(page).evaluate(
        r"""() => {
            const plot = document.getElementById('plot');
            const line = (name) => plot.data.find((trace) => trace.name === name);
            const drawn = [...document.querySelectorAll('.trace')]
                .map((node) => node.querySelectorAll('.js-line').length);
            return {
                names: plot.data.map((trace) => trace.name),
                legends: [...document.querySelectorAll('text')]
                    .filter((node) => /^legend\d*text$/.test(node.getAttribute('class')))
                    .map((node) => node.textContent),
                nulls: line('Inflow').y.filter((y) => y === null).length,
                pieces: Object.fromEntries(plot.data.map((trace, at) => [trace.name, drawn[at]])),
                band: plot.layout.shapes.filter((shape) => shape.type === 'rect').map((shape) => [shape.y0, shape.y1]),
                marks: plot.layout.annotations.map((note) => note.text),
                lines: document.querySelectorAll('.shapelayer path').length,
            };
        }"""
    )
    lines = {"Cavity mean", "Inflow", "Outflow", "Core (oesophagus)", "Flow", "Flow set-point", "Line pressure"}
    lines |= {"Cavity pressure", "Reservoir", "In patient", "Heater power"}
    assert set(found["names"]) == set(found["legends"]) == lines
    assert found["nulls"] == 11, "ten seconds not known, and the hole in time"
    assert found["pieces"] == {name: 3 if name == "Inflow" else 2 for name in lines}
    limits = rig.state()["runtime"]
    assert found["band"] == [[limits["protocol"]["ready_c"], limits["protocol"]["cavity_warn_c"]]]
    assert found["marks"] == ["PRIME", "Dose 1 of 2", "Air"]
    assert found["lines"] == 4
    page.close()
