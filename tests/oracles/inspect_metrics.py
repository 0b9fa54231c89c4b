#!/usr/bin/env python3
"""Writes what inspect_ai itself makes of scores whose every value is in the file, too.

    python3 -m venv v && v/bin/pip install inspect_ai==0.3.285 && v/bin/python tests/oracles/inspect_metrics.py > \
        tests/oracles/inspect_metrics.json

No model is asked anything. The test `every_rule_of_inspects_metrics_gives_what_inspect_says` builds a log of these samples
and results, and lets the reader compute every metric again.
"""

import json
import tempfile

from inspect_ai import Epochs, Task, __version__, eval as evaluate, task
from inspect_ai.dataset import Sample
from inspect_ai.log import EvalLog
from inspect_ai.scorer import (
    Score, accuracy, at_least, bootstrap_stderr, ci, ci_wilson, grouped, max_score, mean, mean_score, median_score,
    mode_score, pass_at, scorer, std, stderr, var,
)
from inspect_ai.solver import solver

EPOCHS = 4
# By sample and epoch: letters, numbers with booleans, and numbers of which some are missing.
LETTERS = ["CCIC", "IIII", "PPCP", "NCNN", "CIPN", "CCCC", "IPIP"]
NUMBERS = [[1, 0, True, 1], [0.25, 0.5, 0.25, 1], [False, False, 0, 0], [1, 1, 1, 1], [0, 1, 0, 1], [0.75, 0, 0, 0.5], [1, 0, 0, 0]]
METADATA = [
    {"group": "x", "number": 1, "flag": True},
    {"group": "y", "number": 1, "flag": False},
    {"group": "x", "number": 2, "flag": True},
    {"group": "y 2", "number": 2, "flag": True},
    {"group": "x", "number": 1, "flag": None},
    {"group": "y", "number": 2, "flag": False},
    {"group": "y", "number": 10, "flag": None},
]

PLAIN = [
    accuracy(), mean(), std(), var(), stderr(), stderr(cluster="group"), bootstrap_stderr(), ci(), ci(level=0.9, cluster="number"),
    ci(method="bootstrap"), ci_wilson(),
]
GROUPED = [
    grouped(mean(), "group"),
    grouped(stderr(), "group", all="groups", all_label="overall"),
    grouped(accuracy(), "number", all=False),
    grouped(std(), "flag", name_template="flag {group_name}"),
    grouped(stderr(cluster="number"), "group"),
    grouped(var(), "group", all="groups"),
    grouped(bootstrap_stderr(), "group", all=False, name_template="b {group_name}"),
]


@solver
def nothing():
    async def solve(state, generate):
        return state

    return solve


def by(values):
    async def score(state, target):
        value = values(state.metadata["at"], state.epoch - 1)
        return Score(value=value)

    return score


@scorer(metrics=PLAIN + GROUPED)
def letters():
    return by(lambda at, epoch: LETTERS[at][epoch])


@scorer(metrics=PLAIN)
def some():
    return by(lambda at, epoch: float("nan") if (at + epoch) % 3 == 0 or at == 6 else NUMBERS[at][epoch])


@scorer(metrics={"n": PLAIN, "l": [mean(), grouped(mean(), "group")]})
def both():
    return by(lambda at, epoch: {"n": NUMBERS[at][epoch], "l": LETTERS[at][epoch]})


@scorer(metrics=PLAIN[:5])
def one():
    async def score(state, target):
        return Score(value=1) if state.metadata["at"] == 0 else None

    return score


@task
def rules():
    samples = [Sample(id=at, input="-", metadata={"at": at, **metadata}) for at, metadata in enumerate(METADATA)]
    reducers = [mean_score(), mode_score(), median_score(), max_score(), pass_at(2), at_least(2)]
    return Task(dataset=samples, solver=nothing(), scorer=[letters(), some(), both(), one()], epochs=Epochs(EPOCHS, reducers))


with tempfile.TemporaryDirectory() as folder:
    log: EvalLog = evaluate(rules(), model="mockllm/model", log_dir=folder, log_format="json", display="none")[0]
    assert log.status == "success", log.error and log.error.message
    with open(log.location.removeprefix("file://")) as file:
        written = json.load(file)

samples = [
    {key: sample[key] for key in ("id", "epoch", "metadata")}
    | {"scores": {name: {"value": score["value"]} for name, score in sample["scores"].items()}}
    for sample in written["samples"]
]
print(json.dumps({"inspect_ai": __version__, "samples": samples, "scores": written["results"]["scores"]}, separators=(",", ":")))
