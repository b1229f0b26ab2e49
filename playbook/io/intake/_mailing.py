"""What the reports of mail tools share: a campaign counts from the day it was sent."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from playbook.io.intake._channel import ChannelReport
from playbook.io.intake._periods import Period, day_sent
from playbook.io.intake._record import Bad, Record

if TYPE_CHECKING:
    from playbook.io.intake._format import Options

OFFSET = re.compile(r"\d(?:Z|[+-]\d\d:?\d\d)\s*$")


@dataclass(frozen=True)
class Mailing(ChannelReport):
    """A mail tool's report, one row a campaign; `sent` are headers of the day it was sent, the first filled counts."""

    sent: tuple[str, ...] = ()

    def period(self, record: Record, options: Options) -> Period:
        """The day of sending, to which everything counted since is told; the hour behind it does not move it."""
        for header in self.sent:
            if (text := record.get(header)) is not None:
                record.assume("counted on the day the mail was sent, with all that came of it until the export")
                if OFFSET.search(text) and not options.clock.timezone:
                    record.assume(
                        "sent at a time with its offset, counted on the day written there, as no zone was said"
                    )
                return Period(day_sent(header, text, options), 1)
        raise Bad(self.sent[0], "nothing", "the day the campaign was sent, as YYYY-MM-DD")
