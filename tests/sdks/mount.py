"""A Secret in a pod, as the kubelet mounts it: the folder behind `..data` is swapped at once."""

import itertools
import shutil
from pathlib import Path

versions = itertools.count(1)


def write(folder: Path, values: dict[str, str]):
    """The values are in a folder of their own, and each file is a link through `..data`."""
    data = folder / "..data"
    before = data.resolve() if data.is_symlink() else None
    after = folder / f"..{next(versions)}"
    after.mkdir()
    for name, value in values.items():
        (after / name).write_text(value)
    link = folder / "..data_tmp"
    link.symlink_to(after.name)
    link.rename(data)
    for name in values:
        file = folder / name
        if not file.is_symlink():
            file.symlink_to(f"..data/{name}")
    if before:
        shutil.rmtree(before)
