# SPDX-License-Identifier: Apache-2.0
"""What the worker does by the clock beside its jobs."""

import os
from pathlib import Path

from openmains.run.roles.worker import forget_old_files


def test_uploads_are_forgotten_by_age(tmp_path: Path) -> None:
    old, new = tmp_path / "7" / "old.csv", tmp_path / "7" / "new.csv"
    old.parent.mkdir()
    for path, at in ((old, 1_000.0), (new, 2_000.0)):
        path.write_text("x")
        os.utime(path, (at, at))
    assert forget_old_files(tmp_path, 1_500.0) == 1
    assert (old.exists(), new.exists()) == (False, True)
    assert forget_old_files(tmp_path / "nowhere", 1_500.0) == 0
