"""The Collaboration Spectrum: which level the work could have, which may be handed over now, and how sure that is.

`place(tasks, model)` is the heart; `model = playbook.load("spectrum")` reads the rule from YAML.
"""

from playbook.spectrum.model import Ceiling, Evidence, Factor, Function, LevelMeaning, Model, Threshold, Unrated
from playbook.spectrum.placing import place
from playbook.spectrum.reading import catalogue, factor_table, findings, level_table, measures

__all__ = [
    "Ceiling",
    "Evidence",
    "Factor",
    "Function",
    "LevelMeaning",
    "Model",
    "Threshold",
    "Unrated",
    "catalogue",
    "factor_table",
    "findings",
    "level_table",
    "measures",
    "place",
]
