"""Runs an agent to its end again and again, each time killed (SIGKILL) one point later, and then lets it go on.

    python tests/killed_agent.py <folder of a workspace> <level> [<every how many points>]

Points lie before, inside and after every change of the records, before and after every line of the log, and before and
after every effect. Prints one JSON line a point: whether it was killed, what happened in the world, how the run ended.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from contextlib import contextmanager
from pathlib import Path

from stand_ins import TODAY, Anything, World, policy

from playbook.agents import log as logs
from playbook.agents import registry, runtime
from playbook.agents.approvals import Reviews
from playbook.agents.guard import UNFINISHED
from playbook.agents.records import WorkspaceRecords
from playbook.agents.runtime import Step
from playbook.io.workspace import Workspace


class Points:
    """Counts the points a process passes and kills it at one of them."""

    def __init__(self, fatal: int) -> None:
        self.left = fatal

    def passed(self) -> None:
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


class FatalRecords(WorkspaceRecords):
    points = Points(0)

    @contextmanager
    def change(self, note):
        self.points.passed()
        with super().change(note) as change:
            yield change
            self.points.passed()
        self.points.passed()


class FatalLines(logs.FileLines):
    points = Points(0)

    def add(self, line):
        self.points.passed()
        super().add(line)
        self.points.passed()


def work(job):
    made = yield Step("make", "make", {"name": "report", "text": "three things"})
    yield Step("publish", "publish", {"to": "page", "text": made})
    yield Step("send", "send", {"to": "list", "text": "one"}, artifact_id=made)
    yield Step("delete", "delete", {"text": "draft"}, metrics={"failed_runs": 5})
    return "Everything was published."


def rules(level):
    return policy(level=level, triggers=[{"when": "failed_runs > 3 runs", "reason": "something is broken"}])


class DiskWorld(World):
    """A world whose effects survive a process: one line each in a file."""

    def __init__(self, file: Path, points: Points) -> None:
        super().__init__(effects=[])
        self.file, self.points = file, points

    def _effect(self, name):
        def act(bench, asked, more=""):
            self.points.passed()
            done = self.file.read_text().splitlines() if self.file.exists() else []
            line = json.dumps([name, bench.key, asked.model_dump()])
            if name != "publish" or line not in done:
                with self.file.open("a") as file:
                    file.write(line + "\n")
            self.points.passed()
            return runtime_output(name)

        return act


def runtime_output(name):
    from playbook.agents.tools import Output

    return Output({"done": name})


def to_the_end(folder: Path, level: int, points: Points) -> dict[str, object]:
    """Run, decide as an editor who looks at the world first, and run again, until nothing waits."""
    FatalRecords.points = FatalLines.points = points
    workspace, world = Workspace.open(folder), DiskWorld(folder / "world.jsonl", points)
    metrics = {"failed_runs": 0}
    agent = registry.Agent("stand-in", Anything, world.tools(), lambda job: with_metrics(work(job), metrics))
    records, sound = FatalRecords(workspace, "content"), rules(level)
    asked_unfinished = 0
    for _ in range(20):
        log = logs.Log(records, sound.playbook, FatalLines(folder / "agents" / sound.playbook / "log.jsonl"))
        end = runtime.run(workspace, sound, team="content", today=TODAY, agent=agent, records=records, log=log)
        if not end.waiting:
            break
        reviews = Reviews(records, sound, agent, log)
        for row in reviews.waiting():
            unknown = UNFINISHED in row["reason"]
            asked_unfinished += unknown
            happened = unknown and any(
                json.loads(line)[0] == row["tool"] for line in world.file.read_text().splitlines()
            )
            answer = "rejected" if happened else "approved"
            reviews.decide(row["approval_id"], answer, "Editor", "it happened already" if happened else "")
    return {"status": end.status, "run": end.run_id, "asked": asked_unfinished, "faults": log.verify().faults}


def with_metrics(steps, metrics):
    """Fill in the metrics a step does not bring, and go on where a person says a step happened already."""
    from dataclasses import replace

    step, value = next(steps), None
    while True:
        try:
            value = yield (step if step.metrics else replace(step, metrics=metrics))
        except runtime.Rejected:
            value = None
        try:
            step = steps.send(value)
        except StopIteration as end:
            return end.value


def main() -> None:
    template, level = Path(sys.argv[1]), int(sys.argv[2])
    every = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    point = 1
    while True:
        folder = template.with_name(f"{template.name}-{point}")
        shutil.copytree(template, folder)
        child = os.fork()
        if child == 0:
            to_the_end(folder, level, Points(point))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        if not killed and status != 0:
            raise SystemExit(f"the run of point {point} failed by itself")
        end = to_the_end(folder, level, Points(0)) if killed else {"status": "ok", "run": "", "asked": 0, "faults": ()}
        effects = [json.loads(line) for line in (folder / "world.jsonl").read_text().splitlines()]
        sys.stdout.write(json.dumps({"point": point, "killed": killed, "effects": effects, **end}) + "\n")
        shutil.rmtree(folder)
        if not killed:
            return
        point += every


if __name__ == "__main__":
    main()
