"""The command line: each command is one call into a door, and an error is one clear message."""

from __future__ import annotations

from playbook.cli import intake, pilots, reports, reviews, workspaces  # each module adds its commands
from playbook.cli._app import app

__all__ = ["app", "intake", "pilots", "reports", "reviews", "workspaces"]
