"""The groups of tests: what plain runs leave out, what `-m` selects, and what is reported about it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.groups import GROUPS, groups_with_tests, missing_tools, named

ROOT = Path(__file__).parents[1]

MODULE = """
import pytest

def test_plain():
    pass

@pytest.mark.faults
def test_slow():
    pass

@pytest.mark.faults(quick=True)
def test_quick():
    pass

@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.clients
def test_reader(number):
    pass

@pytest.mark.clients(quick=True)
def test_quick_reader():
    pass
"""

NO_PROGRAM_IS_INSTALLED = "import tests.groups\ntests.groups.find_program = lambda name: None\n"
EVERY_PROGRAM_IS_INSTALLED = "import tests.groups\ntests.groups.find_program = str\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with MODULE and the plugin, on a machine that has none of the programs."""
    (tmp_path / "conftest.py").write_text(NO_PROGRAM_IS_INSTALLED + 'pytest_plugins = ["tests.group_selection"]\n')
    (tmp_path / "test_module.py").write_text(MODULE)
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --strict-markers -p no:cacheprovider\n")
    return tmp_path


def run_pytest(folder: Path, *options: str) -> tuple[int, list[str]]:
    """The exit status and the printed lines of pytest."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *options], cwd=folder, env=environment | {"PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout.splitlines()


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_plain_run_deselects_groups_and_its_last_line_counts_them(project: Path, workers: Sequence[str]) -> None:
    status, lines = run_pytest(project, *workers)
    assert status == 0
    assert lines[-1] == "left out: 3 clients, 1 faults (make clients, make faults)"
    assert "2 passed" in lines[-2]
    assert "skipped" not in lines[-2]


def test_marker_expression_selects_a_group_and_nothing_is_reported_as_left_out(project: Path) -> None:
    status, lines = run_pytest(project, "-m", "faults")
    assert status == 0
    assert lines[-1].startswith("2 passed, 4 deselected")


def test_left_out_counts_cover_only_the_tests_that_other_options_select(project: Path) -> None:
    assert run_pytest(project, "-k", "slow or plain")[1][-1] == "left out: 1 faults (make faults)"


def test_quick_tests_of_a_group_run_where_its_tools_are_installed(project: Path) -> None:
    conftest = project / "conftest.py"
    conftest.write_text(conftest.read_text().replace(NO_PROGRAM_IS_INSTALLED, EVERY_PROGRAM_IS_INSTALLED))
    _, lines = run_pytest(project)
    assert "3 passed" in lines[-2]
    assert lines[-1].startswith("left out: 2 clients, 1 faults")


def test_missing_tool_fails_the_tests_of_its_group_and_names_the_package(project: Path) -> None:
    status, lines = run_pytest(project, "-m", "clients")
    assert status == 1
    assert any("nginx (Debian package nginx-light)" in line for line in lines)
    assert any("make tools GROUPS=clients" in line for line in lines)


def test_missing_script_of_an_environment_names_the_lock_file(tmp_path: Path) -> None:
    archive_tools = named(["archive-tools"])[0]
    assert "wayback (requirements-archive-tools.lock)" in missing_tools(archive_tools, tmp_path)


def test_groups_with_tests_are_found_by_their_markers_and_not_in_strings(tmp_path: Path) -> None:
    (tmp_path / "test_a.py").write_text("import pytest\npytestmark = pytest.mark.archive_tools\n")
    (tmp_path / "test_b.py").write_text("import pytest\n@pytest.mark.faults(quick=True)\ndef test_b(): pass\n")
    (tmp_path / "test_c.py").write_text('TEXT = "pytest.mark.browser"\n')
    assert [group.name for group in groups_with_tests(tmp_path)] == ["faults", "archive-tools"]


def test_groups_are_named_as_their_target_or_as_their_marker() -> None:
    assert [group.name for group in named(["archive-tools", "archive_tools"])] == ["archive-tools", "archive-tools"]
    with pytest.raises(ValueError, match="unknown group browsers; known groups: browser, clients"):
        named(["browsers"])


def test_every_group_is_a_target_of_make() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = next(line for line in makefile.splitlines() if line.startswith("browser"))
    assert targets.partition(":")[0].split() == [group.name for group in GROUPS]


def run_ci(folder: Path, make: str) -> tuple[int, list[str]]:
    """The exit status and the printed lines of .ci/run, with a shell script in place of make."""
    for name, script in {
        ".ci/run": (ROOT / ".ci" / "run").read_text(),
        "bin/make": f"#!/bin/sh\n{make}\n",
        ".venv/bin/python": "#!/bin/sh\necho clients\necho faults\n",
    }.items():
        file = folder / name
        file.parent.mkdir(parents=True)
        file.write_text(script)
        file.chmod(0o755)
    environment = os.environ | {"PATH": f"{folder}/bin:{os.environ['PATH']}"}
    done = subprocess.run([folder / ".ci" / "run"], env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout.splitlines()


def test_ci_runs_every_step_and_group_within_a_printed_limit(tmp_path: Path) -> None:
    status, lines = run_ci(tmp_path, 'echo "made $1"')
    assert status == 0
    assert [line for line in lines if line.startswith("made")] == [
        f"made {step}" for step in ("tools", "lint", "test", "clients", "faults")
    ]
    assert lines[0].startswith("== make tools (limit 300 s; ")
    assert lines[0].endswith(f" of {27 * 60} s)")
    assert lines[-1].startswith("== passed: make tools lint test clients faults in ")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        ('test "$1" != lint', "== FAILED: make lint: exit status 1 "),
        ('test "$1" = tools || exit 124', "== FAILED: make lint: not finished within 180 s"),
    ],
)
def test_ci_ends_with_the_first_step_that_fails_and_names_it(tmp_path: Path, make: str, message: str) -> None:
    status, lines = run_ci(tmp_path, make)
    assert status == 1
    assert lines[-1].startswith(message)
    assert not any("make test" in line for line in lines)
