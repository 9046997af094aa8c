"""A claim is equal to the expected value exactly where the documented rules say so."""

from __future__ import annotations

import datetime
import itertools
import math
from collections import OrderedDict, deque, namedtuple
from decimal import Decimal
from fractions import Fraction
from numbers import Number
from typing import Any

import pytest

from harness.sandbox.compare import same
from harness.sandbox.guest.codec import Unencodable, dumps, parse, to_tree

NAN, INF = math.nan, math.inf
NAN_1, NAN_2 = complex(1, NAN), complex(2, NAN)
Point = namedtuple("Point", "x y")


def crossed(value: Any) -> Any:
    """What arrives of a value, by way of the bytes that are sent."""
    return parse(dumps(to_tree(value)).encode())


def equal(expected: Any, returned: Any, tolerance: float = 0.0) -> bool:
    """The verdict on what a program returned, by way of the bytes that it sends."""
    return same(expected, crossed(returned), tolerance)


# Expected, returned, equal without a tolerance, equal within 1e-6. Python's ==, but lists equal
# tuples and NaN equals NaN.
PAIRS: list[tuple[Any, Any, bool, bool]] = [
    (True, True, True, True),
    (True, False, False, False),
    (True, 1, True, True),
    (1, True, True, True),
    (0, False, True, True),
    (True, 1.0000001, False, False),
    (1.0000001, True, False, False),
    (True, "True", False, False),
    (None, None, True, True),
    (None, 0, False, False),
    (None, False, False, False),
    (None, "", False, False),
    (None, [], False, False),
    (0, None, False, False),
    ([], None, False, False),
    (3, 3, True, True),
    (3, 4, False, False),
    (3, 3.0, True, True),
    (3.0, 3, True, True),
    (3, "3", False, False),
    ("3", 3, False, False),
    (3, -3, False, False),
    (3, 3.0000001, False, False),  # nothing is nearly equal to an expected whole number
    (100, 101.0, False, False),
    (10**9, 10.0**9 + 100, False, False),
    (3, 3 + 1e-9j, False, False),
    (3, Fraction(30000001, 10000000), False, False),
    ([3, 0.5], [3.0, 0.5000001], False, True),
    ([3, 0.5], [3.0000001, 0.5], False, False),
    ({3: 0.5}, {3.0: 0.5000001}, False, True),
    ({3: 0.5}, {3.0000001: 0.5}, False, False),
    ({3}, {3.0000001}, False, False),
    (3.0, 3.0000001, False, True),
    (3.0000001, 3, False, True),
    (3, 3.1, False, False),
    (1000000007, 1000000006, False, False),  # whole numbers are never nearly equal
    (1000000007.0, 1000000006, False, True),
    (2**80, 2**80, True, True),
    (2**80, 2**80 + 1, False, False),
    (2**80, float(2**80), True, True),
    (2**80 + 1, float(2**80), False, False),
    (float(2**80), 2**80 + 1, False, True),
    (-(2**80), 2**80, False, False),
    (10**400, INF, False, False),
    (INF, 10**400, False, False),
    (10**400, 1.5, False, False),
    (0.1 + 0.2, 0.3, False, True),
    (0.0, 1e-7, False, True),  # absolute
    (0.0, 1e-5, False, False),
    (1e9, 1e9 + 100, False, True),  # relative
    (1e9, 1e9 + 10000, False, False),
    (0.0, -0.0, True, True),
    (0, -0.0, True, True),
    (NAN, NAN, True, True),
    (NAN, 1.0, False, False),
    (1.0, NAN, False, False),
    (NAN, INF, False, False),
    (NAN, None, False, False),
    (NAN, "nan", False, False),
    (INF, INF, True, True),
    (INF, -INF, False, False),
    (INF, 1e308, False, False),
    (1j, 1j, True, True),
    (1j, -1j, False, False),
    (1 + 0j, 1, True, True),
    (1, 1 + 0j, True, True),
    (1 + 0j, 1.0, True, True),
    (1 + 1e-7j, 1, False, True),
    (0.1 + 0.2 + 1j, 0.3 + 1j, False, True),
    (complex(0.0, -0.0), 0, True, True),
    (NAN_1, NAN_1, True, True),
    (NAN_1, NAN_2, False, False),
    (1j, "1j", False, False),
    ("", "", True, True),
    ("a", "b", False, False),
    ("a", "a ", False, False),
    ("a", "A", False, False),
    ("0.3", "0.30000000000000004", False, False),
    ("a", b"a", False, False),
    ("\ud800", "\ud800", True, True),
    ("é", "e\u0301", False, False),
    (b"a", b"a", True, True),
    (b"a", b"b", False, False),
    (b"a", bytearray(b"a"), True, True),
    (b"", "", False, False),
    ([], [], True, True),
    ([], (), True, True),
    ((), [], True, True),
    ([1, 2], (1, 2), True, True),
    ((1, 2), [1, 2], True, True),
    ((1, 2), (2, 1), False, False),
    ([1], [1, 1], False, False),
    ([1, 1], [1], False, False),
    ([1, 2], [1, 3], False, False),
    ([1, 2], [0, 2], False, False),
    ([1, 2], "12", False, False),
    ([[1]], [1], False, False),
    ([1], [[1]], False, False),
    ([1], 1, False, False),
    ([0.1 + 0.2, "x"], [0.3, "x"], False, True),
    ([0.1 + 0.2, "x"], [0.3, "y"], False, False),
    ([1, 2], {1, 2}, False, False),
    ([], {}, False, False),
    ([], set(), False, False),
    (Point(1, 2), (1, 2), True, True),
    (set(), set(), True, True),
    (set(), frozenset(), True, True),
    (set(), {}, False, False),
    ({}, set(), False, False),
    ({1, 2}, {2, 1}, True, True),
    ({1, 2}, frozenset({2, 1}), True, True),
    (frozenset({1, 2}), {1, 2}, True, True),
    ({1, 2}, {1, 3}, False, False),
    ({1, 2}, {1}, False, False),
    ({1}, {1, 2}, False, False),
    ({1, 2}, [1, 2], False, False),
    ({1, 2}, {1: 2}, False, False),
    ({"a", "b"}, {"b", "a"}, True, True),
    ({"a", "b"}, {"b", "c"}, False, False),
    ({"1", 1}, {1, "1"}, True, True),
    ({1.0, 2}, {2.0, 1}, True, True),
    ({10, 9, 100}, {10.0, 9.0, 100.0}, True, True),
    ({10.0, 2.0}, {9.9999999, 2.0}, False, True),
    ({-1.0, -2.0, 3}, {-1.0000001, -2, 3.0}, False, True),
    ({2**80, 1}, {1.0, float(2**80)}, True, True),
    ({None, "None", True}, {1, None, "None"}, True, True),
    ({NAN, 1.0, "x"}, {"x", 1, NAN}, True, True),
    ({(10,), (1,)}, {(10.0,), (1.0,)}, True, True),
    ({(1, "a"), (1, "b")}, {(True, "b"), (1.0, "a")}, True, True),
    ({(1, "a"), (1, "b")}, {(1, "b"), (2, "a")}, False, False),
    ({frozenset({10, 9}), frozenset()}, {frozenset(), frozenset({9.0, 10.0})}, True, True),
    ({frozenset({True, 5}), frozenset({3})}, {frozenset({3}), frozenset({1, 5})}, True, True),
    ({(2, True), (1, 2)}, {(2.0, 1), (True, 2)}, True, True),
    ({"a", (1,), b"b", None}, {None, b"b", (1.0,), "a"}, True, True),
    (
        {complex(1, NAN): 1, complex(2, NAN): 2},
        {complex(2, NAN): 2, complex(1, NAN): 1},
        True,
        True,
    ),
    ({NAN_1: 0, NAN_2: 0}, {NAN_2: 0, NAN_1: 0}, True, True),
    ({"a": 0, b"a": 0, "b": 0, None: 0}, {None: 0, "b": 0, b"a": 0, "a": 0}, True, True),
    ({(1,): 0, frozenset({1}): 0}, {frozenset({1}): 0, (1,): 0}, True, True),
    ({1: 0, NAN: 0, "1": 0, "nan": 0}, {"nan": 0, "1": 0, NAN: 0, 1.0: 0}, True, True),
    ({1: 0, 1j: 0, 1 + 1j: 0}, {1 + 1j: 0, 1j: 0, 1: 0}, True, True),
    (frozenset({1j, 2, b"x"}), {2 + 0j, 1j, b"x"}, True, True),
    ({}, {}, True, True),
    ({}, [], False, False),
    ({1: "a", 2: "b"}, {2: "b", 1: "a"}, True, True),
    ({1: "a", 2: "b"}, {1: "b", 2: "a"}, False, False),
    ({1: "a"}, {1.0: "a"}, True, True),
    ({1: "a"}, {"1": "a"}, False, False),
    ({1: "a"}, {1: "b"}, False, False),
    ({1: "a"}, {2: "a"}, False, False),
    ({1: "a"}, {1: "a", 2: "b"}, False, False),
    ({1: 2}, [[1, 2]], False, False),
    ([[1, 2]], {1: 2}, False, False),
    ({10: 0, 9: 1}, {9.0: 1, 10.0: 0}, True, True),
    ({"a": [0.1 + 0.2]}, {"a": (0.3,)}, False, True),
    ({"a": {"b": {1}}}, {"a": {"b": frozenset({1})}}, True, True),
    ({"a": {"b": {1}}}, {"a": {"b": [1]}}, False, False),
    (OrderedDict(a=1, b=2), {"b": 2, "a": 1}, True, True),
    (deque([1, 2]), deque([1, 2], 5), True, True),
    (deque([1, 2]), deque([2, 1]), False, False),
    (deque([1]), deque([1.0]), True, True),
    (deque([0.3]), deque([0.1 + 0.2]), False, True),
    (deque([1]), [1], False, False),
    ([1], deque([1]), False, False),
    (Decimal("1.0"), Decimal("1.00"), True, True),
    (1, Decimal("1.0"), True, True),
    (0.5, Decimal("0.5"), True, True),
    (0.1, Decimal("0.1"), False, True),
    (Decimal("0.1"), Decimal("0.10000001"), False, False),
    (Decimal("NaN"), Decimal("NaN"), True, True),
    (Decimal("NaN"), 1.0, False, False),
    (Decimal("NaN"), NAN, True, True),
    (INF, Decimal("Infinity"), True, True),
    (-INF, Decimal("Infinity"), False, False),
    (10**4096, Decimal("1e4096"), True, True),
    (Decimal("-1e-4096"), Fraction(-1, 10**4096), True, True),
    (Fraction(1, 2), 0.5, True, True),
    (0.5, Fraction(1, 2), True, True),
    (Fraction(1, 2), Decimal("0.5"), True, True),
    (2, Fraction(4, 2), True, True),
    (Fraction(1, 3), 1 / 3, False, True),
    (Fraction(1, 3), Fraction(1, 4), False, False),
    ({Fraction(1, 2), 3}, {Decimal("3.0"), 0.5}, True, True),
    (range(3), range(0, 3, 1), True, True),
    (range(0, 3, 2), range(0, 4, 2), True, True),
    (range(3), range(4), False, False),
    (range(3), [0, 1, 2], False, False),
    (datetime.date(2024, 2, 29), datetime.date(2024, 2, 29), True, True),
    (datetime.date(2024, 2, 29), datetime.date(2024, 3, 1), False, False),
    (datetime.date(2024, 2, 29), datetime.datetime(2024, 2, 29), False, False),
    (datetime.timedelta(1), datetime.timedelta(hours=24), True, True),
    (datetime.timedelta(1), 86400, False, False),
]


def test_the_verdict_on_a_pair_is_the_documented_one() -> None:
    wrong = []
    for expected, returned, exact, near in PAIRS:
        found = (
            equal(expected, returned),
            equal(expected, returned, 1e-6),
            equal([expected], (returned,)),
            equal({"k": [expected, 1]}, {"k": [returned, 1]}, 1e-6),
        )
        if found != (exact, near, exact, near):
            wrong.append((expected, returned, found))
    assert wrong == []


def rule(a: Any, b: Any, tolerance: float) -> bool:
    """The documented rules once more, by brute force over every order of sets and dictionaries."""
    for kind in ((list, tuple), (deque,)):
        if isinstance(a, kind) or isinstance(b, kind):
            return (
                isinstance(a, kind)
                and isinstance(b, kind)
                and len(a) == len(b)
                and all(rule(x, y, tolerance) for x, y in zip(a, b, strict=True))
            )
    for kind in ((set, frozenset), (dict,)):
        if isinstance(a, kind) or isinstance(b, kind):
            if not (isinstance(a, kind) and isinstance(b, kind) and len(a) == len(b)):
                return False
            ours, theirs = (list(x.items() if isinstance(x, dict) else x) for x in (a, b))
            return any(
                rule(ours, list(order), tolerance) for order in itertools.permutations(theirs)
            )
    if a == b:
        return True
    if not (isinstance(a, Number) and isinstance(b, Number)) or isinstance(a, int):
        return False
    if a != a and b != b:  # NaN
        return repr(a) == repr(b) or (not isinstance(a, complex) and not isinstance(b, complex))
    if isinstance(a, bool) or isinstance(b, bool) or not isinstance(a, float | complex):
        if isinstance(a, bool) or isinstance(b, bool) or not isinstance(b, float | complex):
            return False
    try:
        x, y = complex(a), complex(b)
        gap, size = abs(x - y), max(abs(x), abs(y))
    except OverflowError:
        return False
    return bool(tolerance) and math.isfinite(gap) and gap <= tolerance * max(1, size)


VALUES = list({repr(value): value for pair in PAIRS for value in pair[:2]}.values())


@pytest.mark.parametrize("tolerance", [0.0, 1e-6, 0.01])
def test_every_value_against_every_other(tolerance: float) -> None:
    """Some 20,000 pairs at each tolerance."""
    assert len(VALUES) > 140
    trees = [crossed(value) for value in VALUES]
    wrong = [
        (expected, returned)
        for expected in VALUES
        for returned, tree in zip(VALUES, trees, strict=True)
        if same(expected, tree, tolerance) is not rule(expected, returned, tolerance)
    ]
    assert wrong == []


DEEP = "[" * 900 + "]" * 900
HOSTILE = [
    ({1, 2}, '{"s":[1,1]}'),
    ({1, 2}, '{"s":[1,2],"z":[1,2]}'),
    ({1, 2}, '{"s":"12"}'),
    ({1, 2}, '{"s":{"1":1,"2":2}}'),
    ({1, 2}, '{"s":[[],NaN]}'),
    ({"a", "b"}, '{"s":["a",{"n":"sNaN"}]}'),
    ({1: 2, 3: 4}, '{"d":[[1,2],[1,2]]}'),
    ({1: 2}, '{"d":[[1,2,3]]}'),
    ({1: 2}, '{"d":[[1]]}'),
    ({1: 2}, '{"d":[1]}'),
    ({1: 2}, '{"d":{"1":2}}'),
    ({1: 2}, '{"1":2}'),
    ({"a": 1}, '{"a":1}'),
    ([1, 2], '{"t":2}'),
    ([1, 2], '{"t":[1,2],"d":[]}'),
    ([], "{}"),
    ([], '{"t":null}'),
    ([], '{"x":[]}'),
    ("x", '{"x":"x"}'),
    (5, '{"i":5}'),
    (5, '{"i":"five"}'),
    (5, '{"i":[5]}'),
    (5, '{"f":"five"}'),
    (5, '{"c":["5"]}'),
    (5, '{"c":5}'),
    (5, DEEP),
    ([1, 2], f"[1,{DEEP}]"),
    ({1, "x"}, f'{{"s":[1,{DEEP}]}}'),
    (0.5, '{"p":[1,0]}'),
    (0.5, '{"p":["1e999999999",null]}'),
    (0.5, '{"p":[{"n":"1e999999999"},null]}'),
    (0.5, '{"p":[1.0,2]}'),
    (1, '{"p":[true,1]}'),
    (1, '{"n":"1e999999999999999999"}'),
    (10**4097, '{"n":"1e4097"}'),
    (Fraction(1, 10**4097), '{"n":"1e-4097"}'),
    ({1, 2}, f'{{"s":[{{"n":"1.5"}},{{"i":"0x1{"0" * 10**6}"}}]}}'),  # minutes as decimals
    (1, '{"n":"sNaN"}'),
    (1, '{"n":1e400}'),
    (range(3), '{"r":[0,3,0]}'),
    (range(3), '{"r":[0,3,1.5]}'),
    (range(3), '{"r":3}'),
    (b"a", '{"b":"6"}'),
    (b"a", '{"b":97}'),
    (deque([1]), '{"q":[]}'),
    (deque([1]), '{"q":1}'),
    (deque([1]), '{"q":{"0":[1]}}'),
    (deque([1]), '{"q":[{"t":[1]},null]}'),
    (datetime.date(2024, 1, 1), '{"m":["date",2024,1,32]}'),
    (datetime.date(2024, 1, 1), '{"m":["eval","1"]}'),
    (datetime.timedelta(1), '{"m":["timedelta",1e300]}'),
]


def test_malformed_claims_are_equal_to_nothing() -> None:
    verdicts = [
        same(expected, parse(claim.encode()), tolerance)
        for expected, claim in HOSTILE
        for tolerance in (0.0, 1e-6)
    ]
    assert verdicts == [False] * 2 * len(HOSTILE)


def test_claims_in_another_spelling_are_equal() -> None:
    for value, claim in (
        (5, '{"i":"0x5"}'),
        (-5, '{"i":"-5"}'),
        (0.5, '{"f":"0.5"}'),
        (NAN, "NaN"),
        (-INF, "-Infinity"),
        ({1, 2}, '{"z":[2,1]}'),
    ):
        assert same(value, parse(claim.encode()), 0.0) is True, claim


@pytest.mark.parametrize(("length", "verdict"), [(4096, True), (4097, False)])
def test_long_decimals_are_not_even_read_unless_they_are_spelled_as_expected(
    length: int, verdict: bool
) -> None:
    zeros = "0" * (length - len('{"n":"7"}'))
    assert same(7, {"n": zeros + "7"}, 0.0) is verdict
    assert equal(Decimal("7" * length), Decimal("7" * length)) is True
    assert equal(7**20000, 7**20000 + 1) is False
    assert same(b"7" * length, {"a": b"7".hex() * length}, 0.0) is True
    assert same({7**20000, 1}, {"s": [{"i": hex(7**20000)}, 1]}, 0.0) is True


def test_an_expected_value_that_is_no_plain_data_is_the_tests_fault() -> None:
    with pytest.raises(Unencodable, match="object"):
        same(object(), 1, 0.0)
