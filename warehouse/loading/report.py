"""What a load tells whoever ran it."""

import sys
from pathlib import Path

from command_line import count
from warehouse.loading.load import Summary

_NAMES_SHOWN = 3


def tell(summary: Summary, landing: Path, rejects: str) -> None:
    """Print the sum of a load; on stderr what to look at: `rejects` is where refused lines are."""
    lines, accepted, duplicates, refused, blank = (
        sum(getattr(result, part) for result in summary.loaded)
        for part in ("lines", "accepted", "duplicates", "refused", "blank")
    )
    print(
        f"Loaded {count(len(summary.loaded), 'file')}, skipped {summary.skipped:,} known: "
        f"{count(lines, 'line')} = {accepted:,} accepted + "
        f"{count(duplicates, 'duplicate')} + {refused:,} refused + {blank:,} blank."
    )
    if refused:
        print(f"{count(refused, 'line')} refused: see {rejects}.", file=sys.stderr)
    if summary.ignored:
        more = len(summary.ignored) - _NAMES_SHOWN
        shown = ", ".join(summary.ignored[:_NAMES_SHOWN]) + (
            f" and {more} more" if more > 0 else ""
        )
        print(
            f"note: left alone in {landing}, as no feed has such files: {shown}.",
            file=sys.stderr,
        )
