"""The Collaboration Spectrum: which level the work could have, which may be handed over now, and how sure that is.

`place(tasks, model)` is the heart; `model = playbook.load("spectrum")` reads the rule from YAML. `doubt` says how sure
each level is, `next_level` and `sensitivity` what would move it, `compare` what another version of the rule would
say, and `decided` what people decided beside it.
"""

from playbook.spectrum.doubt import doubt, doubt_findings, survival
from playbook.spectrum.model import (
    Ceiling,
    Evidence,
    Factor,
    Function,
    LevelMeaning,
    Model,
    Threshold,
    Uncertainty,
    Unrated,
)
from playbook.spectrum.moves import next_level, sensitivity
from playbook.spectrum.overruling import as_decided, decided, decided_findings
from playbook.spectrum.placing import place
from playbook.spectrum.reading import catalogue, factor_table, findings, level_table, measures, rule_page
from playbook.spectrum.versions import Comparison, compare, differences

__all__ = [
    "Ceiling",
    "Comparison",
    "Evidence",
    "Factor",
    "Function",
    "LevelMeaning",
    "Model",
    "Threshold",
    "Uncertainty",
    "Unrated",
    "as_decided",
    "catalogue",
    "compare",
    "decided",
    "decided_findings",
    "differences",
    "doubt",
    "doubt_findings",
    "factor_table",
    "findings",
    "level_table",
    "measures",
    "next_level",
    "place",
    "rule_page",
    "sensitivity",
    "survival",
]
