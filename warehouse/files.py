"""Files that outlive a power cut, and what tells one content from another."""

import hashlib
import os
from pathlib import Path


def sync(path: Path) -> None:
    """Have the disk keep a file's bytes, or a folder's names."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def put_in_place(part: Path, path: Path) -> None:
    """Let a file whose bytes are on disk take the place of another, in one step, for good."""
    part.replace(path)
    sync(path.parent)


def sha256_of(path: Path) -> str:
    """Return the hash of a file as it lies there."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
