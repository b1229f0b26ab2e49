"""The engagement on disk: one organisation's tables in a database, with history, migrations and a place for reports.

`names` says what a team may be called, `place` where a workspace lies, `engine` how its database is reached, `schema`
what it holds, `cells` how frames become rows, `change` how they are written, `history` what was written before,
`upgrade` how an older one is brought up to date, `store` the Workspace that puts them together.
"""

from playbook.io.workspace.change import Change, Counts
from playbook.io.workspace.names import team_id_of
from playbook.io.workspace.store import Workspace

__all__ = ["Change", "Counts", "Workspace", "team_id_of"]
