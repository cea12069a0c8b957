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


Said = tuple[float, str, str, str]


def told(browser: Browser, rig: parts.Bedside, trend: object, said: list[Said]) -> Page:
    """The trends of a page that is told these rows and these events."""
    names = ("at_s", "kind", "text", "priority")
    log = [{"number": n + 1, "utc_ms": 0.0, **dict(zip(names, line, strict=True))} for n, line in enumerate(said)]

    def answer(body: object) -> Callable[[Route], None]:
        return lambda route: route.fulfill(content_type="application/json", body=json.dumps(body))

    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.route("**/trend?*", answer(trend))
    page.route("**/log?*", answer(log))
    stage(page, lambda state: None, entries=len(log))
    page.goto(rig.url)
    page.click("[data-view=trends]")
    draws_again(page)
    draws_again(page)
    return page


def test_the_band_the_marks_and_every_gap_are_drawn_and_no_gap_is_bridged(browser: Browser, bedside: Make) -> None:
    at_s = [*map(float, range(200)), 250.0, *map(float, range(300, 400)), *map(float, range(440, 800, 40))]
    columns = {name: [None if at == 250.0 else 40.0 for at in at_s] for name in NAMES}
    columns["inflow_c"] = [None if at == 250.0 or 50 <= at < 60 else 40.0 + at / 1000.0 for at in at_s]
    said = [(60.0, "phase", "PRIME: Circulating.", ""), (150.0, "dose", "Dose 1 of 2: 30.0 mg", "")]
    said += [(350.0, "alarm", "Air: 5 mm. Clamp.", "HIGH"), (360.0, "alarm", "Late: once. Look.", "LOW")]
    rig = bedside(speed=10, treatment="mitomycin_90")
    page = told(browser, rig, {"at_s": at_s, "columns": columns}, said)
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
    assert found["nulls"] == 11, "ten seconds not known, and the hole in time; rows that are far apart are no hole"
    assert found["pieces"] == {name: 3 if name == "Inflow" else 2 for name in lines}
    limits = rig.state()["runtime"]
    assert found["band"] == [[limits["protocol"]["ready_c"], limits["protocol"]["cavity_warn_c"]]]
    assert found["marks"] == ["PRIME", "Dose 1 of 2", "Air"]
    assert found["lines"] == 4
    page.close()


OUTSIDE = """() => {
    const { _offset: top, _length: high } = document.getElementById('plot')._fullLayout.yaxis;
    return [...document.querySelectorAll('.annotation')]
        .filter((node) => node.getBoundingClientRect().top < top - 1
            || node.getBoundingClientRect().bottom > top + high + 1)
        .map((node) => node.textContent);
}"""


def test_marks_are_named_once_within_the_uppermost_plot_at_every_size(browser: Browser, bedside: Make) -> None:
    at_s = [float(second) for second in range(6000)]
    trip = "Protective channel tripped: protective probes silent for more than 0.75 s. Find the cause."
    said: list[Said] = [
        (0.0, "phase", "STANDBY: Everything off.", ""), (40.0, "phase", "SELF TEST: Checks.", ""),
        (60.0, "phase", "PRIME: Circulates.", ""), (900.0, "dose", "Dose 1 of 3: 30.0 mg", ""),
        (901.0, "phase", "PERFUSE: Holds the target.", ""), (2000.0, "trip", trip, "HIGH"),
        (2000.1, "alarm", trip, "HIGH"), (2030.0, "alarm", "HEAT OFF: for 10 s", "MEDIUM"),
        (4000.0, "phase", "RINSE: Fills.", ""), (4200.0, "phase", "RINSE: Dwells.", ""),
        (4400.0, "phase", "RINSE: Drains.", ""), (5000.0, "alarm", "Inflow too hot: 45.6 °C", "HIGH"),
        (5030.0, "alarm", "Inflow too hot: 45.6 °C", "HIGH"),
    ]  # fmt: skip
    columns = {name: [40.0] * len(at_s) for name in NAMES}
    page = told(browser, bedside(speed=10, treatment="mitomycin_90"), {"at_s": at_s, "columns": columns}, said)
    frame = plots(page)
    for width, height in parts.SIZES:
        page.set_viewport_size({"width": width, "height": height})
        draws_again(page)
        draws_again(page)
        names = frame.evaluate("document.getElementById('plot').layout.annotations.map((note) => note.text)")
        assert names[:2] == ["STANDBY +2", "Dose 1 of 3, PERFUSE"]
        assert names[2].startswith("Protective chan")
        assert names[2].endswith("… +1")
        assert names[3:] == ["RINSE", "Inflow too hot"]
        assert frame.evaluate("document.querySelectorAll('.shapelayer path').length") == 11
        assert frame.evaluate(OUTSIDE) == []
    page.close()
