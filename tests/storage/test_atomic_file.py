"""A file is written completely or not at all, whatever happens meanwhile."""

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


def test_file_appears_when_it_is_complete(tmp_path: Path) -> None:
    target = tmp_path / ("x" * 250 + ".rss")
    with atomic_write(target) as file:
        file.write(b"half ")
        file.flush()
        assert not target.exists()
        file.write(b"whole")
    assert target.read_bytes() == b"half whole"
    assert names(tmp_path) == [target.name]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, GeneratorExit])
def test_error_keeps_the_old_file(tmp_path: Path, error: type[BaseException]) -> None:
    target = tmp_path / "out"
    target.write_bytes(b"old")
    with pytest.raises(error), atomic_write(target) as file:  # noqa: PT012  the block itself is tested
        file.write(b"new" * 100_000)
        raise error
    assert target.read_bytes() == b"old"
    assert names(tmp_path) == ["out"]


def test_full_disk_keeps_the_old_file_and_raises(tmp_path: Path) -> None:
    """The last bytes fit into the buffer, so that only the final flush reaches the limit."""
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


def test_kill_keeps_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "out"
    target.write_bytes(b"old")
    code = (
        "import os, sys; from pathlib import Path; from storage.atomic_file import atomic_write\n"
        "with atomic_write(Path(sys.argv[1])) as file:\n"
        "    file.write(b'new'); file.flush(); os.kill(os.getpid(), 9)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(target)], check=False).returncode == -signal.SIGKILL
    assert target.read_bytes() == b"old"


def test_mode_and_symlink_are_kept(tmp_path: Path) -> None:
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


def test_new_file_respects_the_umask(tmp_path: Path) -> None:
    (tmp_path / "usual").touch()
    with atomic_write(tmp_path / "out"):
        pass
    assert (tmp_path / "out").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_pipe_is_written_directly(tmp_path: Path) -> None:
    pipe, read = tmp_path / "pipe", bytearray()
    os.mkfifo(pipe)
    reader = Thread(target=lambda: read.extend(pipe.read_bytes()))
    reader.start()
    with atomic_write(pipe) as file:
        file.write(b"new")
    reader.join()
    assert read == b"new"
    assert pipe.is_fifo()


def test_unwritable_target_raises_before_the_block(tmp_path: Path) -> None:
    for target, error in ((tmp_path, IsADirectoryError), (tmp_path / "none" / "out", FileNotFoundError)):
        with pytest.raises(error), atomic_write(target):
            raise AssertionError("the block must not begin")
    assert names(tmp_path) == []
