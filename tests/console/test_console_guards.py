"""Each guard of the console: the attack works when it is down, and does not when it is up."""

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from asgi import HERE, OWN, Desk

from controller.console.commands import BODY_MAX
from controller.console.guards import PLOT_FILES, Guards
from controller.console.pins import WRONG_MAX, BadPins, Locked, Pins, write_pin
from controller.console.place import BadPlace, Place, place_of
from controller.console.sessions import IDLE_LOCK_S, PAGES_MAX, SESSIONS_MAX, Role

EVIL = {"host": HERE, "origin": "http://evil.example"}


def rebound_name(desk: Desk) -> bool:
    return desk.get("/", headers={"host": "evil.example:8765"}).status == 200


def foreign_page_commands(desk: Desk) -> bool:
    desk.post("/command", desk.command(), headers=desk.own(**EVIL))
    return desk.heard.acts == ["hold"]


def page_without_origin_commands(desk: Desk) -> bool:
    headers = desk.own()
    del headers["origin"]
    desk.post("/command", desk.command(), headers=headers)
    return desk.heard.acts == ["hold"]


def foreign_page_listens(desk: Desk) -> bool:
    return desk.opens_socket(desk.own(**EVIL))


def foreign_page_stops(desk: Desk) -> bool:
    desk.post("/stop", headers=EVIL)
    return desk.heard.stops == 1


def stranger_listens(desk: Desk) -> bool:
    return desk.opens_socket(OWN)


def forged_form(desk: Desk) -> bool:
    desk.post("/command", desk.command(), headers=desk.own(**{"x-csrf": "guessed"}))
    return desk.heard.acts == ["hold"]


def viewer_holds(desk: Desk) -> bool:
    desk.session.role = Role.VIEWER
    desk.post("/command", desk.command())
    return desk.heard.acts == ["hold"]


def late_command(desk: Desk) -> bool:
    desk.post("/command", desk.command("start", age_s=2.1))
    return desk.heard.acts == ["start"]


def command_from_the_future(desk: Desk) -> bool:
    desk.post("/command", desk.command("start", age_s=-30.0))
    return desk.heard.acts == ["start"]


def replayed_command(desk: Desk) -> bool:
    body = desk.command("dose")
    desk.post("/command", body)
    desk.post("/command", body)
    return desk.heard.acts == ["dose", "dose"]


def remote_start(desk: Desk) -> bool:
    desk.post("/command", desk.command("start"), client="192.0.2.7")
    return desk.heard.acts == ["start"]


def oversized_body(desk: Desk) -> bool:
    desk.post("/command", desk.command(text="x" * (BODY_MAX + 1)))
    return desk.heard.acts == ["hold"]


def unlabelled_page(desk: Desk) -> bool:
    return "content-security-policy" not in desk.get("/").headers


ATTACKS: list[tuple[str, Callable[[Desk], bool]]] = [
    ("host", rebound_name),
    ("origin", foreign_page_commands),
    ("origin", page_without_origin_commands),
    ("origin", foreign_page_listens),
    ("origin", foreign_page_stops),
    ("session", stranger_listens),
    ("csrf", forged_form),
    ("role", viewer_holds),
    ("expiry", late_command),
    ("expiry", command_from_the_future),
    ("replay", replayed_command),
    ("remote", remote_start),
    ("size", oversized_body),
    ("policy", unlabelled_page),
]


@pytest.mark.parametrize(("guard", "attack"), ATTACKS, ids=[attack.__name__ for _, attack in ATTACKS])
def test_the_attack_works_without_the_guard_and_not_with_it(guard: str, attack: Callable[[Desk], bool]) -> None:
    assert attack(Desk(guards=Guards(**{guard: False})))
    assert not attack(Desk())


def guess_pins(desk: Desk) -> bool:
    for pin in range(WRONG_MAX + 3):
        desk.post("/role", f'{{"role": "operator", "pin": "{pin:04d}"}}'.encode())
    return desk.post("/role", b'{"role": "operator", "pin": "4711"}').status == 200


@pytest.fixture
def pins(tmp_path: Path) -> Path:
    path = tmp_path / "pins.json"
    write_pin(path, Role.OPERATOR, "4711")
    return path


def test_guessing_pins_works_without_the_limit_and_not_with_it(pins: Path) -> None:
    assert guess_pins(Desk(pins=pins, guards=Guards(rate=False)))
    desk = Desk(pins=pins)
    assert not guess_pins(desk)
    assert desk.post("/role", b'{"role": "operator", "pin": "4711"}').status == 429
    assert desk.post("/stop", headers=OWN).status == 200


def test_h45_wrong_pins_from_other_machines_lock_those_out_and_never_the_bedside(pins: Path) -> None:
    desk = Desk(pins=pins)
    for pin in range(WRONG_MAX + 3):
        desk.post("/role", f'{{"role": "operator", "pin": "{pin:04d}"}}'.encode(), client=f"192.0.2.{pin}")
    right = b'{"role": "operator", "pin": "4711"}'
    assert desk.post("/role", right, client="198.51.100.7").status == 429
    assert desk.post("/role", right).status == 200


def test_all_guards_are_up_unless_a_test_takes_one_down() -> None:
    up = Guards()
    assert all(getattr(up, name) for name in Guards.__dataclass_fields__)


def test_a_pin_opens_its_role_only_and_an_idle_session_is_a_viewer_again(pins: Path) -> None:
    desk = Desk(pins=pins)
    assert desk.session.role is Role.VIEWER
    assert desk.post("/role", b'{"role": "engineer", "pin": "4711"}').status == 403
    assert desk.post("/role", b'{"role": "operator", "pin": "4711"}').status == 200
    assert desk.post("/command", desk.command()).status == 200
    assert desk.told_first(desk.own())["role"] == "operator"
    desk.session.used_s = time.monotonic() - IDLE_LOCK_S - 1.0
    assert desk.told_first(desk.own())["role"] == "viewer"  # the page is told, and does not offer what is refused
    assert desk.post("/command", desk.command(number=2)).status == 403
    assert desk.heard.acts == ["hold"]


def test_pins_are_kept_as_salted_hashes_for_their_owner_only(pins: Path) -> None:
    assert pins.stat().st_mode & 0o077 == 0
    assert "4711" not in pins.read_text()
    before = pins.read_text()
    write_pin(pins, Role.OPERATOR, "4711")
    assert pins.read_text() != before
    assert Pins(pins).check(Role.OPERATOR, "4711", 0.0, local=True)


@pytest.mark.parametrize("pin", ["", "123", "12345678901234", "abcd", "12 4"])
def test_what_is_no_pin_is_refused(tmp_path: Path, pin: str) -> None:
    with pytest.raises(BadPins, match="4 to 12 digits"):
        write_pin(tmp_path / "pins.json", Role.OPERATOR, pin)


@pytest.mark.parametrize("text", ["", "[]", '{"admin": {}}', '{"operator": {"salt": "zz", "hash": ""}}'])
def test_a_file_that_holds_no_pins_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "pins.json"
    path.write_text(text)
    with pytest.raises(BadPins):
        Pins(path)


def test_stop_needs_no_session_no_token_and_no_role(pins: Path) -> None:
    desk = Desk(pins=pins)
    assert desk.post("/stop", headers=OWN, client="192.0.2.7").status == 200
    assert desk.heard.stops == 1


def test_from_another_machine_one_can_hold_but_not_heat() -> None:
    desk = Desk()
    for number, act in enumerate(("start", "resume", "confirm", "dose", "target", "reset", "hold"), start=1):
        desk.post("/command", desk.command(act, number=number), client="192.0.2.7")
    assert desk.heard.acts == ["hold"]


@pytest.mark.parametrize("at", ["192.0.2.1:8765", "console.example:8765", "[2001:db8::1]:8765"])
def test_another_address_than_loopback_needs_tls_and_an_explicit_option(at: str) -> None:
    for remote, tls in ((False, False), (True, False), (False, True)):
        with pytest.raises(BadPlace, match="reachable from other machines"):
            place_of(at, remote=remote, tls=tls)
    assert place_of(at, remote=True, tls=True).remote


@pytest.mark.parametrize("at", ["0.0.0.0:8765", "[::]:8765", "0:8765", "[::ffff:0.0.0.0]:8765", "[0::0]:8765"])
def test_every_address_of_the_machine_at_once_is_none_that_the_page_could_be_told_by(at: str) -> None:
    with pytest.raises(BadPlace, match="allowed: the one that people open in a browser"):
        place_of(at, remote=True, tls=True)


@pytest.mark.parametrize(
    "at",
    [
        "",
        "8765",
        "127.0.0.1",
        "127.0.0.1:0",
        "127.0.0.1:70000",
        ":8765",
        "127.0.0.1:x",
        "127.0.0.1:\N{SUPERSCRIPT TWO}",
        "127.0.0.1:" + 5000 * "8",
    ],
)
def test_what_is_no_address_is_refused(at: str) -> None:
    with pytest.raises(BadPlace, match="allowed: HOST:PORT"):
        place_of(at, remote=False, tls=False)


def test_the_cookie_is_strict_and_out_of_reach_of_scripts() -> None:
    answer = Desk().get("/", headers={"host": HERE})
    words = {word.strip().lower() for word in answer.headers["set-cookie"].split(";")}
    assert {"httponly", "samesite=strict"} <= words
    assert "secure" not in words
    secure = Desk(place=Place(tls=True)).get("/", headers={"host": HERE}).headers["set-cookie"]
    assert "secure" in secure.lower()


def test_the_policy_allows_nothing_inline_and_nothing_from_elsewhere() -> None:
    policy = Desk().get("/").headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy


def test_the_frame_of_the_plots_is_given_its_four_files_and_no_origin() -> None:
    policy = Desk().get("/plot.html").headers["content-security-policy"]
    rules = dict(rule.strip().partition(" ")[::2] for rule in policy.split(";"))
    own = f"http://{HERE}"
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == f"{own}/js/plot.js {own}/js/zoom.js {own}/vendor/plotly.min.js"
    assert rules["style-src"] == f"{own}/css/plot.css"
    assert rules["frame-ancestors"] == "'self'"
    assert rules["sandbox"] == "allow-scripts"


def test_a_page_without_an_origin_may_read_the_files_of_the_plots_and_nothing_else() -> None:
    nobody = {"host": HERE, "origin": "null"}
    for path in PLOT_FILES:
        answer = Desk().get(path, headers=nobody)
        assert (answer.status, answer.headers["cross-origin-resource-policy"]) == (200, "cross-origin")
        assert Desk().post(path, headers=nobody).status == 403
    for path in ("/", "/plot.html", "/js/main.js", "/session", "/trend", "/record.json"):
        assert Desk().get(path, headers=nobody).status == 403
        assert Desk().get(path).headers["cross-origin-resource-policy"] == "same-origin"


def test_no_other_page_is_shown_in_a_frame() -> None:
    for path in ("/", "/session", "/js/plot.js"):
        headers = Desk().get(path).headers
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-frame-options"] == "DENY"
    assert Desk().get("/plot.html").headers["x-frame-options"] == "SAMEORIGIN"


@pytest.mark.parametrize("path", ["/../app.py", "/..%2fapp.py", "/css/../../app.py", "/%2e%2e/app.py", "//etc/passwd"])
def test_only_the_pages_own_files_are_served(path: str) -> None:
    assert Desk().get(path).status in (404, 405)


def test_sessions_are_bounded_and_the_one_in_use_stays() -> None:
    desk = Desk()
    desk.session.pages = 1
    for _ in range(3 * SESSIONS_MAX):
        desk.get("/", headers={"host": HERE})
    assert desk.get("/session").status == 200


def test_a_stop_that_the_controller_did_not_take_is_said_with_the_reason() -> None:
    desk = Desk()
    desk.heard.stop_fails = "the socket is gone"
    answer = desk.post("/stop")
    assert answer.status == 503
    assert b"STOP was not taken: the socket is gone" in answer.body


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"number": 1, "\xb7": 1}',
        b"{",
        b'{"number": 1}',
        b'{"number": "1", "issued_ms": 0, "act": "hold"}',
        b"\xff",
    ],
)
def test_what_is_no_command_is_answered_and_not_passed_on(body: bytes) -> None:
    desk = Desk()
    assert desk.post("/command", body).status == 400
    assert desk.heard.acts == []


@pytest.mark.parametrize("path", ["/command", "/preview", "/role", "/fault"])
def test_bytes_that_no_json_reader_can_read_are_answered_wherever_they_come(path: str) -> None:
    assert Desk().post(path, b'{"\xb7": 1}').status == 400


def test_two_pages_of_a_browser_count_each_for_itself_and_neither_can_be_replayed() -> None:
    desk = Desk()
    first = [desk.command("target", number=number, page="a", value=42.0) for number in (1, 2)]
    second = desk.command("flow", number=1, page="b", value=1.5)
    assert [desk.post("/command", body).status for body in (*first, second)] == [200, 200, 200]
    assert [desk.post("/command", body).status for body in (*first, second)] == [409, 409, 409]
    assert desk.heard.acts == ["target", "target", "flow"]


def test_the_pages_that_a_session_remembers_are_bounded() -> None:
    desk = Desk()
    for page in range(2 * PAGES_MAX):
        assert desk.post("/command", desk.command(page=str(page))).status == 200
    assert len(desk.session.numbers) == PAGES_MAX
    assert desk.post("/command", desk.command(page="x" * 41)).status == 400


@pytest.mark.parametrize("after", ["%C2%B2", "%D9%A3", "-1", "1.0", "9" * 5000, ""])
def test_what_is_no_number_of_an_event_asks_for_all_of_them(after: str) -> None:
    desk = Desk()
    desk.console.hub.note("order", "noted")
    answer = desk.get(f"/log?after={after}")
    assert (answer.status, len(json.loads(answer.body))) == (200, 1)


def test_guesses_side_by_side_are_judged_one_at_a_time(pins: Path) -> None:
    file = Pins(pins)
    guesses = [f"{guess:04d}" for guess in range(4 * WRONG_MAX)]

    def judged(pin: str) -> bool:
        try:
            assert not file.check(Role.OPERATOR, pin, 0.0, local=True)
        except Locked:
            return False
        return True

    with ThreadPoolExecutor(len(guesses)) as pool:
        assert sum(pool.map(judged, guesses)) == WRONG_MAX
