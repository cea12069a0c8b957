"""What happened lately, as every state carries it."""

from controller.core.exchange import Event
from controller.runtime.told import KEPT, Told


def test_the_newest_events_are_numbered_on_and_the_oldest_are_left_out() -> None:
    told = Told(began_s=7.0, wall_s=lambda: 1.5)
    for second in range(KEPT + 3):
        told.add(Event(float(second), "order", "target", f"{second}", ""))
    view = told.view()
    lines = view["lines"]
    assert isinstance(lines, list)
    assert view["began_s"] == 7.0
    assert [line[0] for line in lines] == list(range(4, KEPT + 4))
    assert lines[-1] == (KEPT + 3, KEPT + 2.0, 1500, "order", "target", f"{KEPT + 2}", "")
