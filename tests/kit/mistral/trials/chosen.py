"""Trials: random ones, and some that are chosen."""

from __future__ import annotations

import random
from collections.abc import Mapping

from kit.mistral.trials.trial import IMPLEMENTED, Activity, Trial, type_of

ALWAYS = ("fail",) * 9


def drawn(seed: int) -> Trial:
    """A random one."""
    draw = random.Random(seed)
    parents: dict[str, tuple[str, ...]] = {}
    for number in range(draw.randint(3, 6)):
        able = [each for each in parents if type_of(each) != "Member"]  # their `ready` is one task: only leaves
        above = tuple(draw.sample(able, min(len(able), draw.choice([0, 1, 1, 1, 2]))))
        parents[f"{draw.choice(list(IMPLEMENTED)).lower()}{number}"] = above
    activities = list(Trial("", parents).activities)
    scripts: dict[Activity, tuple[str, ...]] = {each: ("poll",) for each in activities if draw.random() < 0.25}
    for _ in range(draw.choice([0, 1, 1, 2, 3])):
        late = draw.choice(["fail", "fail late"])
        outcomes: list[tuple[str, ...]] = [(late,), (late, "poll"), (late,) * 2, (late,) * 9]
        scripts[draw.choice(activities)] = draw.choice(outcomes)
    return Trial(
        f"random{seed}",
        parents,
        scripts,
        {type_: draw.choice([0, 0, 1, 2]) for type_ in IMPLEMENTED},
        lower=draw.choice(["reverse", "reverse", "direct"]),
        max_tasks=draw.choice([50, 50, 4]),
        operation=draw.choice(["protect", "protect", "protect", "restore", "verify", "delete"]),
    )


TREE: Mapping[str, tuple[str, ...]] = {"guest1": (), "share1": ("guest1",), "disk1": ("share1",), "note1": ()}
CHOSEN = (
    Trial("well", TREE),
    Trial("freeze_fails", TREE, {("guest1", "pre"): ALWAYS}),
    Trial("below_fails", TREE, {("disk1", "ready"): ALWAYS}),
    Trial("below_fails_direct", TREE, {("disk1", "ready"): ALWAYS}, lower="direct"),
    Trial("thaw_fails_once", TREE, {("guest1", "ready"): ("fail",)}),
    Trial("thaw_fails", TREE, {("guest1", "ready"): ALWAYS, ("share1", "post"): ALWAYS}),
    Trial("retries_help", TREE, {("share1", "pre"): ("fail", "fail late")}, {"Share": 2}),
    Trial("timeout", TREE, {("share1", "parallel"): ("hang",)}, timeouts=("Share",)),
    Trial("timeout_direct", TREE, {("share1", "pre"): ("hang",)}, timeouts=("Share",), lower="direct"),
    Trial("timeout_tried_again", TREE, {("share1", "parallel"): ("hang",)}, {"Share": 1}, ("Share",)),
    Trial("two_timeouts", TREE, {("share1", "parallel"): ("hang", "hang")}, {"Share": 1}, ("Share",)),
    Trial("closer_times_out", TREE, {("share1", "post"): ("fail", "hang")}, timeouts=("Share",)),
    Trial("delete_fails", TREE, {("disk1", "parallel"): ALWAYS}, operation="delete"),
)
