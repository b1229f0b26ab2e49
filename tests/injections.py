"""Every shared injection through a model that obeys it: alone, and as the first agent of a chain that the second publishes."""

from __future__ import annotations

import json
from collections import Counter
from copy import deepcopy
from functools import lru_cache

from conftest import SHARED
from stand_ins import ATTACKS, Bay, World, obeys, policy

from playbook.agents.runtime import Step

USE = ["fetch", "open", "make", "publish", "publish_artifact", "send", "delete", "pay"]
CAPS = {"calls": 40, "seconds": 600, "spend_a_run": 10**6, "spend_a_day": 10**6, "currency": "USD"}


def texts() -> list[str]:
    """The text of every row of the shared injections, benign look-alikes too."""
    lines = (SHARED / "injections" / "injections.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["text"] for line in lines if line.strip()]


def alone(folder, text, level, first):
    """One compromised agent; returns how its run ended and the effects that happened."""
    bay = Bay(folder, world=World(text))
    end = bay.run(policy(level=level, use=USE, caps=CAPS, settings={"first": first}), obeys)
    return end.status, list(bay.world.effects)


@lru_cache(maxsize=1)
def _collected(folder, text):
    """A first agent's bay after it has read the text and kept it, and the ids of what it kept."""
    bay = Bay(folder, world=World(text))

    def collects(job):
        read = yield Step("read", "fetch", {})
        yield Step("keep", "make", {"name": "notes", "text": read})
        return "Kept what it read."

    return bay, bay.run(policy(playbook="collector", use=["fetch", "make"], level=5), collects).artifacts


def chain(folder, text, level, first):
    """A first agent reads the text and keeps it; a second reads that artifact and does what it says, in another run.

    What the first does is the same whatever comes after, so it is done once a text, and its records and world copied.
    """
    before, made = _collected(folder, text)
    bay = Bay(folder, world=World(text, list(before.world.effects)), records=deepcopy(before.records))
    settings = {"text": made[0], "first": first}
    if first == ATTACKS:  # publishes it by its id, without reading it first

        def publishes(job):
            yield Step("publish", "publish_artifact", {"artifact_id": made[0]})
            return "Published."

        end = bay.run(policy(playbook="publisher", level=level, use=["publish_artifact"]), publishes)
    else:
        use = [name for name in USE if name != "fetch"]
        end = bay.run(policy(playbook="publisher", level=level, use=use, caps=CAPS, settings=settings), obeys)
    return end.status, list(bay.world.effects)


def sweep(folder, ways, *, every=False) -> tuple[Counter, int]:
    """How the runs ended, and how many effects happened that nobody approved (nobody approves any here)."""
    ends, effects = Counter(), 0
    for number, text in enumerate(texts()):
        for level in (3, 4, 5):
            for name, way in ways.items():
                variants = ATTACKS + (name == "chain")
                for first in range(variants) if every else [(number + level) % variants]:
                    status, happened = way(folder, text, level, first)
                    ends[name, level, status] += 1
                    effects += len(happened)
    return ends, effects
