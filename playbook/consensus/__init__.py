"""Several raters: what each round said, how far they agree, who stands apart and why, and what they settled on.

Seats are numbers with a role, never names; what is rated is the work. Nothing here counts, averages or ranks a seat.
"""

from playbook.consensus.agreement import agreement
from playbook.consensus.readout import findings, measures
from playbook.consensus.rounds import apart, changes, rounds
from playbook.consensus.settling import amendments, settled, settlement

__all__ = ["agreement", "amendments", "apart", "changes", "findings", "measures", "rounds", "settled", "settlement"]
