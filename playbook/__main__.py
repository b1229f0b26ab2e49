"""The command `playbook`, also as `python -m playbook`."""

from __future__ import annotations


def main() -> None:
    """Run the command line; leaves with its exit code."""
    from playbook.cli import app  # noqa: PLC0415 - `playbook.__main__` is imported again by each worker process

    app()


if __name__ == "__main__":
    main()
