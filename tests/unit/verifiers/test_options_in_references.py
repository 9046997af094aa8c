"""What is an option of the verifier is refused by name in a reference: it would do nothing."""

from __future__ import annotations

from typing import Any

import pytest
from harness_plugins import program_tests
from harness_plugins.python_code import PythonCodeOptions

CALL = {"args": [[0.1, 0.2]], "expected": 0.15}
OPTIONS = ["tolerance", "timeout_s", "memory_mb", "output_mb", "partial"]


@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("inside", [False, True])
def test_an_option_in_a_reference_is_refused_by_name(option: str, inside: bool) -> None:
    assert option in PythonCodeOptions.model_fields
    reference: dict[str, Any] = {"entry_point": "mean", "tests": [CALL]}
    assert program_tests.tests_of({**reference, "task_id": "mean/1"}).entry_point == "mean"
    (reference["tests"].append({**CALL, option: 1}) if inside else reference.update({option: 1}))
    with pytest.raises(program_tests.TestsError, match=f"has {option}, which is an option"):
        program_tests.tests_of(reference)
