"""The groups of tests that need more than Python packages or take long, and the command that installs their tools.

    python -m tests.groups list                  names of the groups that have tests
    python -m tests.groups install [GROUP...]    install the tools of these groups (of all groups that have tests)

A test joins a group by its marker (`@pytest.mark.clients`); tests/group_selection.py selects by marker.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[1]
PLAYWRIGHT_SECONDS = 180
"""Time limit of the download of Playwright's own browser."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Group:
    """A group of tests and what it needs.

    `programs` maps each program to the Debian package that contains it. The packages of the file `lock` are installed
    into the virtual environment `environment`, which must then contain `scripts`.
    """

    name: str
    description: str
    programs: dict[str, str] = field(default_factory=dict)
    needs_browser: bool = False
    lock: str = ""
    environment: str = ".venv"
    scripts: tuple[str, ...] = ()

    @property
    def marker(self) -> str:
        """The name of the pytest marker."""
        return self.name.replace("-", "_")


GROUPS = (
    Group(
        name="browser",
        description="pages in a real browser",
        needs_browser=True,
        lock="requirements-browser.lock",
        scripts=("playwright",),
    ),
    Group(
        name="clients",
        description="feed readers, proxies and connection pools of other projects",
        programs={
            "newsboat": "newsboat",
            "sfeed": "sfeed",
            "nginx": "nginx-light",
            "haproxy": "haproxy",
            "pgbouncer": "pgbouncer",
        },
    ),
    Group(name="faults", description="processes killed, disks filled and servers lost, in tests that take long"),
    Group(
        name="archive-tools",
        description="WARC files in the tools of other projects",
        lock="requirements-archive-tools.lock",
        environment=".venv-archive-tools",
        scripts=("wayback", "cdxj-indexer", "wacz", "warcio"),
    ),
)


def find_program(name: str) -> str | None:
    """Return the path of an installed program; servers lie in /usr/sbin, which is not on every user's PATH."""
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin")


def find_browser() -> str | None:
    """Return the path of Playwright's own Chromium, or else of the system's."""
    folder = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH") or Path.home() / ".cache/ms-playwright")
    own = sorted(folder.glob("chromium-*/chrome-linux*/chrome"))
    return str(own[-1]) if own else find_program("chromium")


def missing_tools(group: Group, root: Path = ROOT) -> list[str]:
    """Return a description of each missing tool, with the name of the package that contains it."""
    missing = [
        f"{program} (Debian package {package})"
        for program, package in group.programs.items()
        if find_program(program) is None
    ]
    if group.needs_browser and find_browser() is None:
        missing.append("chromium (Playwright's own, or the Debian package chromium)")
    scripts = root / group.environment / "bin"
    missing += [f"{name} ({group.lock})" for name in group.scripts if not (scripts / name).exists()]
    return missing


def groups_with_tests(folder: Path = ROOT / "tests") -> list[Group]:
    """Return the groups whose marker is used in a test module of the folder."""
    used = {marker for path in folder.rglob("test_*.py") for marker in _markers(path)}
    return [group for group in GROUPS if group.marker in used]


def _markers(path: Path) -> Iterator[str]:
    """The names in expressions `pytest.mark.NAME`."""
    source = path.read_text(encoding="utf-8")
    for node in ast.walk(ast.parse(source)) if "pytest.mark." in source else ():
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "pytest.mark":
            yield node.attr


def named(names: Sequence[str]) -> list[Group]:
    """Return the groups with these names or markers; raise ValueError for an unknown one."""
    groups = {group.marker: group for group in GROUPS}
    unknown = [name for name in names if name.replace("-", "_") not in groups]
    if unknown:
        known = ", ".join(group.name for group in GROUPS)
        raise ValueError(f"unknown group {', '.join(unknown)}; known groups: {known}")
    return [groups[name.replace("-", "_")] for name in names]


def install(groups: Iterable[Group]) -> None:
    """Install what is missing.

    Raise CalledProcessError if an installation fails, RuntimeError if a tool is missing after it.
    """
    chosen = list(groups)
    for group in chosen:
        if group.lock:
            _install_lock(ROOT / group.environment, ROOT / group.lock)
    packages = [
        package for group in chosen for program, package in group.programs.items() if find_program(program) is None
    ]
    if any(group.needs_browser for group in chosen) and find_browser() is None and not _install_playwright_browser():
        packages.append("chromium")
    if packages:
        _install_packages(packages)
    if missing := [tool for group in chosen for tool in missing_tools(group)]:
        raise RuntimeError(f"still missing after the installation: {', '.join(missing)}")


def _install_lock(environment: Path, lock: Path) -> None:
    """Install the packages of a lock file, unless its content is that of the last installation."""
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()
    stamp = environment / f".{lock.stem}"
    if stamp.exists() and stamp.read_text() == digest:
        return
    if not (environment / "bin" / "python").exists():
        _run(sys.executable, "-m", "venv", str(environment))
    pip = (str(environment / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--quiet")
    _run(*pip, "install", "--require-hashes", "-r", str(lock))
    stamp.write_text(digest)


def _install_playwright_browser() -> bool:
    """Download Playwright's own browser; return False where the download does not work."""
    command = [sys.executable, "-m", "playwright", "install", "chromium"]
    print(f"+ {' '.join(command)}", flush=True)
    try:
        done = subprocess.run(command, check=False, timeout=PLAYWRIGHT_SECONDS, capture_output=True)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0 and find_browser() is not None


def _install_packages(packages: Sequence[str]) -> None:
    """Install Debian packages; raise RuntimeError with the command to run where apt-get is not permitted."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise RuntimeError(f"as root on Debian: apt-get install --no-install-recommends {' '.join(packages)}")
    os.environ["DEBIAN_FRONTEND"] = "noninteractive"
    _run("apt-get", "update", "-qq")
    _run("apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages)


def _run(*command: str) -> None:
    print(f"+ {' '.join(command)}", flush=True)
    subprocess.run(command, check=True)


def main() -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser("python -m tests.groups", description=__doc__.partition("\n")[0])
    parser.add_argument("action", choices=("list", "install"))
    parser.add_argument("groups", nargs="*", metavar="GROUP", help="default: every group that has tests")
    arguments = parser.parse_args()
    try:
        chosen = named(arguments.groups) if arguments.groups else groups_with_tests()
        if arguments.action == "list":
            print("\n".join(group.name for group in chosen))
        else:
            install(chosen)
            print(f"tools are installed for: {', '.join(group.name for group in chosen) or 'no group'}")
    except (ValueError, RuntimeError, subprocess.CalledProcessError) as error:
        print(f"make tools: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
