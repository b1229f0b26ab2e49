"""Files that teams bring: recognised, checked cell by cell, stripped of persons, and stored once.

`bring_in(workspace, path, team=...)` is the one way in. A format is one module of this folder that lists its `Format`
in `FORMATS`: `tasks` (the task sheet), `events` (an event log), `sheets` (the kit's other tables). A module whose name
begins with an underscore is machinery they share.
"""

from playbook.io.intake._door import Summary, bring_in
from playbook.io.intake._format import Claim, Format, Options, Reading
from playbook.io.intake._registry import FORMATS
from playbook.io.intake._rules import Rules, load_rules
from playbook.io.intake._source import EVENT_LOG_LIMIT, SHEET_LIMIT

__all__ = [
    "EVENT_LOG_LIMIT",
    "FORMATS",
    "SHEET_LIMIT",
    "Claim",
    "Format",
    "Options",
    "Reading",
    "Rules",
    "Summary",
    "bring_in",
    "load_rules",
]
