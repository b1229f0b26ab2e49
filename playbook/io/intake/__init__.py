"""Files that teams bring: recognised, checked cell by cell, stripped of persons, and stored once.

`bring_in(workspace, path, team=...)` is the one way in; `discover(paths)` looks at event logs of any size without
storing them. A format is one module of this folder that lists its `Format`
in `FORMATS`: `tasks` (the task sheet), `events` (an event log), `sheets` (the kit's other tables), and one a tool whose
exports are read as they are. A module whose name begins with an underscore is machinery they share.
"""

from playbook.io.intake._door import bring_in
from playbook.io.intake._duck import LogDiscovery, discover
from playbook.io.intake._duck.reading import LogReading
from playbook.io.intake._format import Claim, Format, Options, Reading
from playbook.io.intake._registry import FORMATS
from playbook.io.intake._rules import Rules, load_rules
from playbook.io.intake._sheet import EVENT_LOG_LIMIT, SHEET_LIMIT
from playbook.io.intake._summary import Conflict, Summary

__all__ = [
    "EVENT_LOG_LIMIT",
    "FORMATS",
    "SHEET_LIMIT",
    "Claim",
    "Conflict",
    "Format",
    "LogDiscovery",
    "LogReading",
    "Options",
    "Reading",
    "Rules",
    "Summary",
    "bring_in",
    "discover",
    "load_rules",
]
