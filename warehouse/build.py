"""Run dbt on the working file: models, tests, and one sentence when it does not work out."""

import subprocess
import sys
from pathlib import Path

from warehouse.settings import WarehouseError


def run_dbt_build() -> None:
    """Build and test every model in a process of its own; dbt prints what fails.

    dbt keeps the file open as long as its process lives, so it does not run in this one.
    """
    dbt = Path(sys.executable).with_name("dbt")
    ran = subprocess.run([dbt, "--quiet", "build"], check=False)  # noqa: S603
    if ran.returncode != 0:
        raise WarehouseError(
            "dbt build did not pass, so nothing was published and readers keep the version "
            "before. What failed stands above, the details in logs/dbt.log."
        )
