"""Figures of scipy, statsmodels and numpy that the statistics over seeds are held to.

    python -m venv /tmp/oracles && /tmp/oracles/bin/pip install numpy==2.4.6 scipy==1.17.1 statsmodels==0.15.0
    /tmp/oracles/bin/python tests/oracles/seeds.py > tests/oracles/seeds.json

Inputs are drawn once from a fixed seed and written as exact fractions beside what the libraries say of them.
"""

import json
import math
import random
import sys
from fractions import Fraction

import numpy as np
import scipy
import scipy.special
import statsmodels
from scipy import stats
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

draw = random.Random(20261126)


def values(n, center, spread, of=8100):
    return [Fraction(min(of, max(0, round(of * draw.gauss(center, spread)))), of) for _ in range(n)]


def text(fractions):
    return [str(f) for f in fractions]


def floats(fractions):
    return [float(f) for f in fractions]


def clean(x):
    x = float(x)
    return None if math.isinf(x) or math.isnan(x) else x


def mean_cases():
    for n in (2, 3, 4, 5, 8, 12, 30):
        for level in ("9/10", "19/20", "99/100"):
            found = values(n, 0.07, 0.02)
            x = floats(found)
            confidence = float(Fraction(level))
            both = stats.ttest_1samp(x, 0.1).confidence_interval(confidence)
            upper = stats.ttest_1samp(x, 0.1, alternative="less").confidence_interval(confidence).high
            lower = stats.ttest_1samp(x, 0.1, alternative="greater").confidence_interval(confidence).low
            yield {
                "values": text(found), "confidence": level, "null": "1/10",
                "low": both.low, "high": both.high, "lower": lower, "upper": upper,
                "p": [stats.ttest_1samp(x, 0.1, alternative=a).pvalue for a in ("two-sided", "greater", "less")],
            }


def welch_cases():
    for n, m in ((2, 2), (2, 5), (3, 4), (4, 4), (4, 4), (4, 9), (10, 3), (20, 20)):
        for level in ("19/20", "99/100"):
            a, b = values(n, 0.07, 0.02), values(m, 0.54, 0.05)
            x, y = floats(a), floats(b)
            confidence = float(Fraction(level))
            test = stats.ttest_ind(x, y, equal_var=False)
            both = test.confidence_interval(confidence)
            # statsmodels on its own way to the same interval.
            low, high = CompareMeans(DescrStatsW(x), DescrStatsW(y)).tconfint_diff(1 - confidence, usevar="unequal")
            assert abs(low - both.low) < 1e-10 and abs(high - both.high) < 1e-10
            yield {
                "subject": text(a), "comparator": text(b), "confidence": level, "freedom": test.df,
                "low": both.low, "high": both.high, "p": test.pvalue,
            }


def paired_cases():
    for n in (2, 3, 4, 6, 15):
        a = values(n, 0.07, 0.02)
        b = [x + y for x, y in zip(a, values(n, 0.4, 0.03))]
        test = stats.ttest_rel(floats(a), floats(b))
        both = test.confidence_interval(0.95)
        yield {"subject": text(a), "comparator": text(b), "low": both.low, "high": both.high, "p": test.pvalue}


def mean_difference(x, y, axis=-1):
    # Rounded, so that ties are ties: floats that should be equal differ in the last bit.
    return np.round(np.mean(x, axis=axis) - np.mean(y, axis=axis), 12)


def permutation_cases():
    for n, m in ((2, 3), (2, 2), (3, 3), (3, 5), (4, 4), (4, 4), (5, 5), (6, 4)):
        a, b = values(n, 0.3, 0.1, of=20), values(m, 0.4, 0.1, of=20)
        p = {}
        for alternative in ("greater", "less", "two-sided"):
            found = stats.permutation_test(
                (floats(a), floats(b)), mean_difference, permutation_type="independent",
                alternative=alternative, n_resamples=np.inf, vectorized=True)
            p[alternative] = found.pvalue
            if alternative == "two-sided":
                # scipy doubles the smaller side; here the absolute differences are compared.
                null = np.abs(found.null_distribution)
                p[alternative] = np.mean(null >= abs(found.statistic) - 1e-9)
        yield {"subject": text(a), "comparator": text(b), "p": [p["two-sided"], p["greater"], p["less"]]}


def sign_flip_cases():
    for n in (2, 3, 4, 5, 7, 10):
        d = [x - Fraction(1, 10) for x in values(n, 0.16, 0.08, of=50)]
        p = {}
        for alternative in ("greater", "less", "two-sided"):
            found = stats.permutation_test(
                (floats(d),), lambda x, axis=-1: np.round(np.mean(x, axis=axis), 12), permutation_type="samples",
                alternative=alternative, n_resamples=np.inf, vectorized=True)
            p[alternative] = found.pvalue
            if alternative == "two-sided":
                null = np.abs(found.null_distribution)
                p[alternative] = np.mean(null >= abs(found.statistic) - 1e-9)
        yield {"differences": text(d), "p": [p["two-sided"], p["greater"], p["less"]]}


def satterthwaite(parts):
    v = sum(v for v, _ in parts)
    return v, v * v / sum(p * p / d for p, d in parts)


def interaction_cases():
    for sizes in ((4, 4, 4, 4), (2, 3, 4, 5), (4, 8, 3, 4), (10, 10, 10, 10)):
        arms = [values(n, c, s) for n, (c, s) in zip(sizes, ((0.07, 0.02), (0.32, 0.04), (0.14, 0.03), (0.54, 0.05)))]
        x = [floats(arm) for arm in arms]
        estimate = np.mean(x[0]) - np.mean(x[1]) - np.mean(x[2]) + np.mean(x[3])
        v, df = satterthwaite([(np.var(arm, ddof=1) / len(arm), len(arm) - 1) for arm in x])
        low, high = stats.t.interval(0.95, df, loc=estimate, scale=math.sqrt(v))
        yield {"arms": [text(arm) for arm in arms], "estimate": estimate, "freedom": df, "low": low, "high": high}


def cell(center, least, most):
    n = draw.randint(least, most)
    return (sum(draw.random() < center for _ in range(n)), n)


def rollout_cases():
    for seeds, conditions, center, least, most in ((1, 3, .1, 300, 300), (4, 27, .07, 300, 300), (2, 5, .5, 2, 9),
                                                   (3, 9, .3, 5, 60), (2, 12, .6, 1, 1)):
        cells = [[cell(center, least, most) for _ in range(conditions)] for _ in range(seeds)]
        k = np.array([[c[0] for c in row] for row in cells], dtype=float)
        n = np.array([[c[1] for c in row] for row in cells], dtype=float)
        p = k / n
        if most == 1:
            # One stratum: the conditions' scores scatter as one sample.
            within = np.tile(np.var(p, axis=1, ddof=1)[:, None], (1, conditions))
        else:
            within = p * (1 - p) * n / (n - 1)
        macro = (within / n).sum(axis=1) / conditions**2
        micro = (within * n).sum(axis=1) / n.sum(axis=1) ** 2
        rates = p.mean(axis=1)
        total = n.sum(axis=1)
        moved = (rates * total + .5) / (total + 1)
        yield {
            "cells": cells,
            "macro": p.mean(), "macro_variance": macro.sum() / seeds**2,
            "micro": (k.sum(axis=1) / n.sum(axis=1)).mean(), "micro_variance": micro.sum() / seeds**2,
            "logits": list(scipy.special.logit(moved)),
            "logit_variance": float((macro / (moved * (1 - moved)) ** 2).sum() / seeds**2),
        }


def crossed_cases():
    for seeds, others, clusters, each in ((4, 4, 3, 9), (2, 3, 2, 1), (5, 4, 9, 3)):
        def arm(n, center):
            effects = [draw.gauss(0, .05) for _ in range(n)]
            return [[(min(300, max(0, round(300 * (center + effects[s] + draw.gauss(0, .03) + .02 * (c // each))))), 300)
                     for c in range(clusters * each)] for s in range(n)]
        a, b = arm(seeds, .2), arm(others, .5)
        x, y = (np.array([[k / n for k, n in row] for row in cells]) for cells in (a, b))
        difference = (x.mean(axis=0) - y.mean(axis=0)).reshape(clusters, each).mean(axis=1)
        def error(rates):
            # The scatter of the seeds, or the noise of their rollouts where that is larger.
            rollouts = (rates * (1 - rates) / 299).sum() / rates.size**2
            return max(np.var(rates.mean(axis=1), ddof=1) / len(rates), rollouts)
        parts = [(error(x), seeds - 1), (error(y), others - 1),
                 (np.var(difference, ddof=1) / clusters, clusters - 1)]
        v, df = satterthwaite(parts)
        low, high = stats.t.interval(0.95, df, loc=difference.mean(), scale=math.sqrt(v))
        yield {"subject": a, "comparator": b, "each": each, "freedom": df, "low": low, "high": high}


figures = {
    "versions": {"python": sys.version.split()[0], "numpy": np.__version__, "scipy": scipy.__version__,
                 "statsmodels": statsmodels.__version__},
    "mean": list(mean_cases()),
    "welch": list(welch_cases()),
    "paired": list(paired_cases()),
    "permutation": list(permutation_cases()),
    "sign_flip": list(sign_flip_cases()),
    "interaction": list(interaction_cases()),
    "rollouts": list(rollout_cases()),
    "crossed": list(crossed_cases()),
}


def plain(x):
    if isinstance(x, dict):
        return {k: plain(v) for k, v in x.items()}
    if isinstance(x, (list, tuple)):
        return [plain(v) for v in x]
    return clean(x) if isinstance(x, (float, np.floating)) else x


print("{" + ",\n".join(
    f'"{name}": ' + (json.dumps(plain(cases)) if isinstance(cases, dict)
                     else "[\n" + ",\n".join(json.dumps(plain(case)) for case in cases) + "\n]")
    for name, cases in figures.items()) + "}")
