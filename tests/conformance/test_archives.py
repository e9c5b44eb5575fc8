"""The archives of the test images: the same bytes each time, and made by a plain command too."""

import subprocess
import sys
from pathlib import Path

from support import images


def test_two_runs_write_the_same_bytes(tmp_path: Path, image_archives: dict[str, Path]) -> None:
    command = [sys.executable, "-I", images.__file__, "--out", str(tmp_path / "new" / "folder")]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert [line.split("\t")[0] for line in said.splitlines()] == [images.PAUSE, images.BUSYBOX, images.VARIANT]
    for archive in set(image_archives.values()):
        assert (tmp_path / "new" / "folder" / archive.name).read_bytes() == archive.read_bytes()
