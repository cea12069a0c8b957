"""The hazard table is whole: every hazard has a control and a test, and every control and test serves a hazard."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec
import pytest
from ran import COLLECTED

from config.hazards import FILE, HazardTable, broken_links, hazards_named, load, missing_tests, unlinked_tests
from config.problems import ConfigError
from controller.core.interlocks import TABLE, Priority, Response

ROOT = FILE.parents[1]
STARTER_ROWS = 48
SELF = "tests/config/test_hazards.py"  # quotes node ids in its parameters
ORDER = ("R0", "R1", "R2", "R3", "R4", "held", "refused", "no start")
BENCH_ONLY = ("H25", "H26", "H47", "H38", "H01", "H06", "H16")
INTERLOCKS = {row.id: row.hazards for row in TABLE}


@pytest.fixture(scope="module")
def table() -> HazardTable:
    return load()


def changed(table: HazardTable, id_: str, **fields: object) -> HazardTable:
    hazards = {**table.hazards, id_: msgspec.structs.replace(table.hazards[id_], **fields)}
    return msgspec.structs.replace(table, hazards=hazards)


def told(table: HazardTable, interlocks: Mapping[str, tuple[str, ...]] = INTERLOCKS) -> list[str]:
    return [str(problem) for problem in broken_links(table, interlocks=interlocks)]


def test_every_hazard_has_a_control_and_every_control_a_hazard(table: HazardTable) -> None:
    assert told(table) == []


def test_the_forty_eight_rows_of_the_catalogue_are_there(table: HazardTable) -> None:
    assert {f"H{number:02}" for number in range(1, STARTER_ROWS + 1)} <= set(table.hazards)
    assert list(table.hazards) == sorted(table.hazards)


def test_what_only_the_bench_can_prove_is_said_with_the_twin_that_shows_it(table: HazardTable) -> None:
    for id_ in BENCH_ONLY:
        assert table.hazards[id_].only_the_bench, id_
    for id_, hazard in table.hazards.items():
        assert not hazard.twin or hazard.only_the_bench, id_
        assert not hazard.controls.get("H") or hazard.only_the_bench, f"{id_}: hardware that nobody proves"


def test_a_deadly_hazard_has_two_controls_or_says_what_the_bench_adds(table: HazardTable) -> None:
    for id_, hazard in table.hazards.items():
        if hazard.severity == 4:
            assert sum(map(len, hazard.controls.values())) >= 2, id_


def defined(body: list[ast.stmt], before: str = "") -> Iterator[str]:
    """The names that a module defines: functions, classes, constants, and `Class.name` of what a class holds."""
    for node in body:
        match node:
            case ast.ClassDef():
                yield before + node.name
                yield from defined(node.body, f"{before}{node.name}.")
            case ast.FunctionDef():
                yield before + node.name
            case ast.Assign() | ast.AnnAssign():
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                yield from (
                    before + name.id for each in targets for name in ast.walk(each) if isinstance(name, ast.Name)
                )


def is_there(place: str) -> bool:
    """A file, and for Python the name in it that does the work."""
    file, _, name = place.partition("::")
    path = ROOT / file
    return path.is_file() and (path.suffix != ".py" or name in set(defined(ast.parse(path.read_text("utf-8")).body)))


def test_every_measure_names_the_code_that_does_it(table: HazardTable) -> None:
    for channel, measures in table.measures.items():
        for name, measure in measures.items():
            places = measure.where.split(", ")
            assert places == ["the bench"] if channel == "H" else all(map(is_there, places)), f"{name}: {measure.where}"
            assert not measure.says or channel == "P"


@pytest.mark.parametrize(
    ("place", "there"),
    [
        ("tests/config/test_hazards.py::SELF", True),
        ("tests/config/test_hazards.py::is_there", True),
        ("controller/core/interlocks.py::Latch.still", True),
        ("controller/core/interlocks.py::Latch.gone", False),
        ("controller/core/interlocks.py", False),
        ("controller/core/interlock.py::Latch", False),
    ],
)
def test_a_place_is_a_file_and_a_name_in_it(place: str, there: bool) -> None:
    assert is_there(place) is there


def test_every_twin_is_a_file_that_exists(table: HazardTable) -> None:
    for id_, hazard in table.hazards.items():
        for place in hazard.twin.partition(":")[0].split(", ") if hazard.twin else []:
            assert (ROOT / place).is_file(), f"{id_}: {place}"


def protective_reasons() -> set[str]:
    """The names of the rows in which the protective channel keeps its reasons to withhold the permit."""
    tree = ast.parse((ROOT / "controller/protective/channel.py").read_text("utf-8"))
    function = next(node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == "_faults")
    assigned = [node for node in ast.walk(function) if isinstance(node, ast.Assign)]
    rows = next(node.value for node in assigned if ast.unparse(node.targets[0]) == "rows")
    return {row.elts[0].value for row in rows.elts}


def test_every_reason_of_the_protective_channel_is_a_measure_and_the_other_way_round(table: HazardTable) -> None:
    assert {measure.says for measure in table.measures["P"].values() if measure.says} == protective_reasons()


@pytest.mark.parametrize("id_", load().hazards)
def test_alarm_and_response_of_a_hazard_are_those_of_the_rows_that_control_it(table: HazardTable, id_: str) -> None:
    hazard = table.hazards[id_]
    rows = [row for row in TABLE if row.id in hazard.controls.get("C", ())]
    opens = any(table.measures["P"][name].says for name in hazard.controls.get("P", ()))
    alarms = {row.priority for row in rows} | ({Priority.HIGH} if opens else set())
    taken = {row.response.name for row in rows} | ({"R4"} if opens else set())
    assert not alarms or list(hazard.alarm) == [priority.name for priority in sorted(alarms)]
    assert {response for response in hazard.response if response in Response.__members__} - {"R0"} == taken - {"R0"}
    assert "R0" not in taken or "R0" in hazard.response
    assert list(hazard.response) == sorted(hazard.response, key=ORDER.index)


def test_an_interlock_row_that_no_hazard_lists_is_found(table: HazardTable) -> None:
    assert told(table, {**INTERLOCKS, "new_row": ("H06",)}) == [
        "hazards.H06.controls.C = new_row: names this hazard and is not listed"
    ]
    assert told(table, {**INTERLOCKS, "new_row": ("H99",)}) == [
        "interlock = new_row: names H99, which is no row of the hazard table"
    ]
    assert told(table, {**INTERLOCKS, "new_row": ()}) == ["interlock = new_row: names no hazard"]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"controls": {}}, "hazards.H26.controls: is empty; allowed is at least one control"),
        ({"tests": ()}, "hazards.H26.tests: is empty; allowed is at least one"),
        ({"causes": ()}, "hazards.H26.causes: is empty; allowed is at least one"),
        ({"controls": {"P": ("magic",)}}, "hazards.H26.controls.P = magic: is no interlock row and no measure"),
        ({"tests": ("tests/a.py::b",) * 2}, "hazards.H26.tests: lists a test twice"),
        ({"controls": {"D": ("contactor_lease",)}}, "measures.P.contactor_stuck: controls no hazard"),
    ],
)
def test_a_missing_link_is_told_with_its_row(table: HazardTable, fields: dict[str, object], said: str) -> None:
    assert said in told(changed(table, "H26", **fields))


def test_a_test_and_its_hazard_are_linked_both_ways(table: HazardTable) -> None:
    small = msgspec.structs.replace(
        table,
        hazards={"H06": msgspec.structs.replace(table.hazards["H06"], tests=("tests/core/test_a.py::test_h06_one",))},
        beside={"tests/sim/": "not about a hazard"},
    )
    fits = ("tests/core/test_a.py::test_h06_one[x]", "tests/sim/test_b.py::test_two")

    def said(*nodes: str) -> str:
        return "\n".join(map(str, missing_tests(small, nodes=nodes) + unlinked_tests(small, nodes=nodes)))

    assert said(*fits) == ""
    assert said(fits[1]) == "hazards.H06.tests = tests/core/test_a.py::test_h06_one: is no test, or was not run"
    assert missing_tests(small, nodes=(), files=["tests/core/test_a.py"])
    assert not missing_tests(small, nodes=(), files=["tests/core/test_z.py"])
    assert "test_h06_x: names this hazard and is not listed" in said(*fits, "tests/core/test_a.py::test_h06_x")
    assert "t[h06_y]: names this hazard and is not listed" in said(*fits, "tests/sim/test_b.py::t[h06_y]")
    assert "test_c.py: serves no hazard" in said(*fits, "tests/core/test_c.py::test_z")


def test_what_the_table_names_is_collected_and_what_is_collected_is_named(
    table: HazardTable, request: pytest.FixtureRequest
) -> None:
    """Judges the files that this session collects whole: all of them in `make test`."""
    nodes = request.config.stash[COLLECTED]
    parts = {argument.partition("::")[0] for argument in request.config.args if "::" in argument}
    whole = {node.partition("::")[0] for node in nodes} - parts
    problems = missing_tests(table, nodes=nodes, files=whole)
    problems += unlinked_tests(table, nodes=[node for node in nodes if not node.startswith(SELF)])
    assert "\n".join(str(problem) for problem in problems) == ""


@pytest.mark.parametrize(
    ("node", "named"),
    [
        ("tests/a/h07.py::test_h06_no_flow", ("H06",)),
        ("tests/a.py::test_x[bath-h06_heat_without_flow]", ("H06",)),
        ("tests/a.py::test_1h06x_and_h6_and_ah06", ()),
        ("tests/a.py::Test::test_h01_h02", ("H01", "H02")),
    ],
)
def test_a_test_names_a_hazard_by_its_number(node: str, named: tuple[str, ...]) -> None:
    assert hazards_named(node) == named


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("severity = 4", "severity = 5", "hazards.H00.severity = 5: allowed is one of 1, 2, 3, 4"),
        ("[hazards.H00]", "[hazards.STOP]", "hazards.STOP: unknown name; allowed is text like"),
        ('alarm = ["HIGH"]', 'alarm = ["LOUD"]', 'hazards.H00.alarm[0] = "LOUD": allowed is one of HIGH, LOW, MEDIUM'),
        ('response = ["R3"]', 'response = ["R9"]', 'hazards.H00.response[0] = "R9"'),
        (
            "controls = { C",
            "controls = { X",
            "hazards.H00.controls.X: unknown name; allowed is one of C, D, E, H, P, U",
        ),
        ("severity = 4\n", "severity = 4\nrisk = 1\n", "hazards.H00.risk: unknown key"),
        ("[hazards.H01]", "[hazards.H01", "is not TOML"),
    ],
)
def test_a_mistake_in_the_file_names_row_and_key(tmp_path: Path, old: str, new: str, said: str) -> None:
    path = tmp_path / "hazards.toml"
    path.write_text(FILE.read_text("utf-8").replace(old, new, 1), "utf-8")
    with pytest.raises(ConfigError, match=r"hazards\.toml") as caught:
        load(path)
    assert said in str(caught.value)
