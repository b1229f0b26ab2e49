"""The command `playbook`, also as `python -m playbook`."""

from __future__ import annotations

import os


def main() -> None:
    """Run the command line; leaves with its exit code."""
    # a table of a team's tasks is too small for several threads: they spin and cost ten times what they save
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from playbook.cli import app  # noqa: PLC0415 - `playbook.__main__` is imported again by each worker process

    app()


if __name__ == "__main__":
    main()
