"""A file is written whole or not at all, whatever happens meanwhile."""

import os
import resource
import signal
import subprocess
import sys
from pathlib import Path
from threading import Thread

import pytest

from storage.atomic_file import atomic_write


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_it_appears_when_it_is_whole(tmp_path: Path) -> None:
    target = tmp_path / ("x" * 250 + ".rss")
    with atomic_write(target) as file:
        file.write(b"half ")
        file.flush()
        assert not target.exists()
        file.write(b"whole")
    assert target.read_bytes() == b"half whole"
    assert names(tmp_path) == [target.name]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, GeneratorExit])
def test_on_an_error_the_old_one_stays(tmp_path: Path, error: type[BaseException]) -> None:
    target = tmp_path / "out"
    target.write_bytes(b"old")
    with pytest.raises(error), atomic_write(target) as file:  # noqa: PT012  the block is what is tested
        file.write(b"new" * 100_000)
        raise error
    assert target.read_bytes() == b"old"
    assert names(tmp_path) == ["out"]


def test_on_a_full_disk_the_old_one_stays_and_the_error_is_told(tmp_path: Path) -> None:
    """The last bytes fit in the buffer, so that only the final flush meets the limit."""
    target = tmp_path / "out"
    target.write_bytes(b"old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        with pytest.raises(OSError, match="too large"), atomic_write(target) as file:
            file.write(b"n" * 1000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert target.read_bytes() == b"old"
    assert names(tmp_path) == ["out"]


def test_a_kill_leaves_the_old_one(tmp_path: Path) -> None:
    target = tmp_path / "out"
    target.write_bytes(b"old")
    code = (
        "import os, sys; from pathlib import Path; from storage.atomic_file import atomic_write\n"
        "with atomic_write(Path(sys.argv[1])) as file:\n"
        "    file.write(b'new'); file.flush(); os.kill(os.getpid(), 9)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(target)], check=False).returncode == -signal.SIGKILL
    assert target.read_bytes() == b"old"


def test_the_old_ones_mode_and_a_link_to_it_stay(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    target, link = tmp_path / "deep" / "out", tmp_path / "link"
    target.write_bytes(b"old")
    target.chmod(0o640)
    link.symlink_to(target)
    with atomic_write(link) as file:
        file.write(b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"
    assert target.stat().st_mode & 0o777 == 0o640


def test_a_new_file_has_the_mode_of_any_new_file(tmp_path: Path) -> None:
    (tmp_path / "usual").touch()
    with atomic_write(tmp_path / "out"):
        pass
    assert (tmp_path / "out").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_a_pipe_is_written_and_stays_a_pipe(tmp_path: Path) -> None:
    pipe, read = tmp_path / "pipe", bytearray()
    os.mkfifo(pipe)
    reader = Thread(target=lambda: read.extend(pipe.read_bytes()))
    reader.start()
    with atomic_write(pipe) as file:
        file.write(b"new")
    reader.join()
    assert read == b"new"
    assert pipe.is_fifo()


def test_what_cannot_be_written_is_told_before_any_work(tmp_path: Path) -> None:
    for target, error in ((tmp_path, IsADirectoryError), (tmp_path / "none" / "out", FileNotFoundError)):
        with pytest.raises(error), atomic_write(target):
            raise AssertionError("the block must not begin")
    assert names(tmp_path) == []
