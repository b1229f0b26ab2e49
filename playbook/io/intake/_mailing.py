"""What the reports of mail tools share: a campaign counts from the day it was sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from playbook.io.intake._channel import ChannelReport, Period, day_of
from playbook.io.intake._export import Bad, Record

if TYPE_CHECKING:
    from playbook.io.intake._format import Options


@dataclass(frozen=True)
class Mailing(ChannelReport):
    """A mail tool's report, one row a campaign; `sent` are headers of the day it was sent, the first filled counts."""

    sent: tuple[str, ...] = ()

    def period(self, record: Record, options: Options) -> Period:
        """The day of sending, to which everything counted since is told."""
        for header in self.sent:
            if (text := record.get(header)) is not None:
                record.assume("counted on the day the mail was sent, with all that came of it until the export")
                return Period(day_of(header, text, options), 1)
        raise Bad(self.sent[0], "nothing", "the day the campaign was sent, as YYYY-MM-DD")
