# Prints the figures that the estimators of proportions are held against, one a line: what, arguments, value.
#
#   python3 -m venv /tmp/oracle && /tmp/oracle/bin/pip install scipy statsmodels mpmath
#   /tmp/oracle/bin/python tests/oracles/proportions.py > tests/oracles/proportions.csv
#
# scipy and statsmodels where they have the function; mpmath with 40 digits for tails, where doubles are the question.
# Run by hand when a figure is added; the tests read the table only.
import platform

import mpmath as mp
import scipy
import scipy.stats
import statsmodels
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import confint_proportions_2indep

mp.mp.dps = 40


def row(what, args, *values):
    print(what, " ".join(repr(a) if isinstance(a, float) else str(a) for a in args), " ".join(str(v) for v in values), sep=",")


def digits(value):
    return mp.nstr(value, 17)


print(f"# python {platform.python_version()}; scipy {scipy.__version__}; statsmodels {statsmodels.__version__}; mpmath {mp.__version__}")

# --- tails ---

for z in [0.0, 0.1, 0.5, 1.0, 1.2815515655446004, 1.6448536269514722, 1.959963984540054, 2.5, 3.0, 4.0, 5.5, 8.0]:
    row("normal-tail", [z], digits(mp.erfc(mp.mpf(z) / mp.sqrt(2)) / 2))
for tail in [0.5, 0.25, 0.1, 0.05, 0.025, 0.005, 1e-3, 1e-6, 1e-9, 5e-13]:
    row("normal-quantile", [tail], digits(mp.sqrt(2) * mp.erfinv(1 - 2 * mp.mpf(tail))))


def beta_tail(a, b, x):
    # The upper tail is I_(1-x)(b, a): the smaller one by integration, never one minus the other.
    x = mp.mpf(x)
    return mp.betainc(a, b, 0, x, regularized=True)


def binomial_tail(k, n, p):
    # P(X >= k), summed from k up: I_p(k, n - k + 1) for counts too large for a hypergeometric series.
    p = mp.mpf(p)
    term = mp.exp(mp.loggamma(n + 1) - mp.loggamma(k + 1) - mp.loggamma(n - k + 1) + k * mp.log(p) + (n - k) * mp.log(1 - p))
    total = mp.mpf(0)
    while k <= n and (term > total * mp.mpf(10) ** -25):
        total += term
        term *= mp.mpf(n - k) / (k + 1) * p / (1 - p)
        k += 1
    return total


for a, b in [(0.5, 0.5), (1.0, 1.0), (0.5, 3.5), (2.0, 0.5), (7.0, 24.0), (15.9, 16.1), (30.0, 271.0), (568.0, 7533.0)]:
    middle = a / (a + b)
    width = (middle * (1 - middle) / (a + b + 1)) ** 0.5
    for step in [-3.0, -1.0, 0.0, 0.5]:
        x = middle + step * width
        if 0 < x < 1:
            row("beta-tail", [a, b, x], digits(beta_tail(a, b, x)))
for k, n in [(2268, 32400), (17496, 32400), (10**6, 10**7), (5 * 10**8, 10**9), (2 * 10**9, 4 * 10**9), (12, 10**9)]:
    for step in [0.5, 2.0, 5.0]:
        mean = k / n
        x = max(mean - step * (mean * (1 - mean) / n) ** 0.5, mean / 50)
        row("beta-tail", [float(k), float(n - k + 1), x], digits(binomial_tail(k, n, x)))


def t_tail(t, freedom):
    t, freedom = mp.mpf(t), mp.mpf(freedom)
    return mp.betainc(freedom / 2, mp.mpf(1) / 2, 0, freedom / (freedom + t * t), regularized=True) / 2


for freedom in [0.5, 1.0, 2.0, 2.75, 3.0, 3.4, 6.0, 26.0, 107.0, 8099.0]:
    for t in [0.01, 0.7, 1.96, 3.182446305284263, 6.0, 30.0]:
        row("t-tail", [t, freedom], digits(t_tail(t, freedom)))
    for tail in [0.025, 0.05, 1e-4]:
        guess = scipy.stats.t.isf(tail, freedom)
        row("t-quantile", [tail, freedom], digits(mp.findroot(lambda t: t_tail(t, freedom) - mp.mpf(tail), guess)))

# --- one proportion: scipy ---

for n in [1, 2, 5, 30, 200, 300, 8100, 32400]:
    for k in sorted({0, 1, n // 14, n // 2, n - 1, n}):
        for confidence in [0.5, 0.95, 0.999]:
            test = scipy.stats.binomtest(k, n)
            for name, method in [("wilson", "wilson"), ("clopper-pearson", "exact")]:
                found = test.proportion_ci(confidence, method)
                row(name, [k, n, confidence], repr(float(found.low)), repr(float(found.high)))


# Counts for which doubles are the question: the bounds where the tails have their level, to 17 digits.
def exact_low(k, n, tail):
    if k == 0:
        return mp.mpf(0)
    guess = mp.mpf(float(scipy.stats.beta.ppf(float(tail), k, n - k + 1)))
    around = (guess * (1 - mp.mpf(10) ** -6), min(guess * (1 + mp.mpf(10) ** -6), (1 + guess) / 2))
    return mp.findroot(lambda p: mp.log(binomial_tail(k, n, p) / tail), around, solver="illinois", tol=mp.mpf(10) ** -22)


for k, n in [(0, 10**6), (1, 10**6), (7 * 10**4, 10**6), (10**6, 10**6), (12, 10**9)]:
    tail = mp.mpf("0.025")
    row("clopper-pearson", [k, n, 0.95], digits(exact_low(k, n, tail)), digits(1 - exact_low(n - k, n, tail)))

# --- two proportions: statsmodels ---

PAIRS = [(56, 70, 48, 80), (9, 10, 3, 10), (6, 7, 2, 7), (5, 56, 0, 29), (0, 10, 0, 20), (10, 10, 0, 20), (0, 1, 1, 1),
         (1, 2, 1, 3), (21, 300, 162, 300), (567, 8100, 4374, 8100), (2268, 32400, 17496, 32400), (3, 8100, 1, 300)]
for a, n, b, m in PAIRS:
    for confidence in [0.8, 0.95, 0.99]:
        alpha = 1 - confidence
        found = confint_proportions_2indep(a, n, b, m, method="newcomb", compare="diff", alpha=alpha)
        row("newcombe", [a, n, b, m, confidence], repr(float(found[0])), repr(float(found[1])))


# The score intervals from their definition, with 40 digits. statsmodels' own for a difference is not used: at 56/70
# against 48/80 its rates under the tested value (.794, .503) are not the likeliest (.835, .544), and its bounds
# (.0526, .3440) are not the published ones (.0528, .3382), which these are.
def likeliest(slope, least, most):
    low, high = least, most
    for _ in range(140):
        middle = (low + high) / 2
        if slope(middle) > 0:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def rising(k, n, p):
    return (mp.mpf(k) / p if k else 0) - (mp.mpf(n - k) / (1 - p) if n > k else 0)


def score(a, n, b, m, value, compare, correct):
    a, n, b, m = map(mp.mpf, (a, n, b, m))
    if compare == "diff":
        p2 = likeliest(lambda p: rising(a, n, p + value) + rising(b, m, p), max(mp.mpf(0), -value), min(mp.mpf(1), 1 - value))
        p1, distance, weight = p2 + value, a / n - b / m - value, mp.mpf(1)
    else:
        p2 = likeliest(lambda p: value * rising(a, n, value * p) + rising(b, m, p), mp.mpf(0), min(mp.mpf(1), 1 / value))
        p1, distance, weight = p2 * value, a / n - value * b / m, value**2
    variance = p1 * (1 - p1) / n + weight * p2 * (1 - p2) / m
    return distance / mp.sqrt(variance * ((n + m) / (n + m - 1) if correct else 1)) if distance else mp.mpf(0)


def score_bound(a, n, b, m, z, compare, correct, end, low, high):
    for _ in range(110):
        middle = (low + high) / 2
        above = score(a, n, b, m, middle, compare, correct) > (z if end == 0 else -z)
        low, high = (middle, high) if above else (low, middle)
    return (low + high) / 2


for a, n, b, m in PAIRS:
    for confidence in [0.8, 0.95]:
        z = mp.sqrt(2) * mp.erfinv(mp.mpf(repr(confidence)))
        found = mp.mpf(a) / n - mp.mpf(b) / m
        low = mp.mpf(-1) if found == -1 else score_bound(a, n, b, m, z, "diff", True, 0, mp.mpf(-1), found)
        high = mp.mpf(1) if found == 1 else score_bound(a, n, b, m, z, "diff", True, 1, found, mp.mpf(1))
        row("miettinen-nurminen", [a, n, b, m, confidence], digits(low), digits(high))
        if b == 0:
            continue
        for name, correct in [("koopman", False), ("ratio-miettinen-nurminen", True)]:
            found = mp.mpf(a) / n / (mp.mpf(b) / m)
            low = mp.mpf(0) if a == 0 else score_bound(a, n, b, m, z, "ratio", correct, 0, mp.mpf(10) ** -12, found)
            high = score_bound(a, n, b, m, z, "ratio", correct, 1, max(found, mp.mpf(10) ** -12), mp.mpf(10) ** 6)
            row(name, [a, n, b, m, confidence], digits(low), digits(high))
            if 0 < a < n and 0 < b < m:
                other = confint_proportions_2indep(
                    a, n, b, m, method="score", compare="ratio", alpha=1 - confidence, correction=correct)
                assert abs(other[0] / low - 1) < 1e-5 and abs(other[1] / high - 1) < 1e-5, (a, n, b, m, other, low, high)

# --- pairs ---


def wilson(k, n, z):
    k, n = mp.mpf(k), mp.mpf(n)
    root = z * mp.sqrt(k * (n - k) / n + z * z / 4)
    return (k + z * z / 2 - root) / (n + z * z), (k + z * z / 2 + root) / (n + z * z)


for e, f, g, h in [(36, 12, 2, 0), (20, 10, 2, 9), (3, 5, 0, 4), (0, 0, 0, 7), (7, 0, 0, 3), (1, 200, 150, 2), (0, 6, 0, 0), (40, 1, 1, 40)]:
    row("mcnemar", [e, f, g, h], repr(float(mcnemar([[e, f], [g, h]], exact=True).pvalue)))
    n = e + f + g + h
    for confidence in [0.8, 0.95]:
        z = mp.sqrt(2) * mp.erfinv(mp.mpf(repr(confidence)))
        p1, p2 = mp.mpf(e + f) / n, mp.mpf(e + g) / n
        (l1, u1), (l2, u2) = wilson(e + f, n, z), wilson(e + g, n, z)
        excess = mp.mpf(e * h - f * g)
        excess = excess - mp.mpf(n) / 2 if excess > mp.mpf(n) / 2 else (mp.mpf(0) if excess > 0 else excess)
        margins = (e + f) * (g + h) * (e + g) * (f + h)
        phi = excess / mp.sqrt(margins) if margins else mp.mpf(0)
        below = mp.sqrt((p1 - l1) ** 2 - 2 * phi * (p1 - l1) * (u2 - p2) + (u2 - p2) ** 2)
        above = mp.sqrt((u1 - p1) ** 2 - 2 * phi * (u1 - p1) * (p2 - l2) + (p2 - l2) ** 2)
        row("newcombe-paired", [e, f, g, h, confidence], digits(p1 - p2 - below), digits(p1 - p2 + above))

# --- means, margins, judges, families ---


def t_of(confidence, freedom):
    tail = (1 - mp.mpf(repr(confidence))) / 2
    return mp.findroot(lambda t: t_tail(t, freedom) - tail, scipy.stats.t.isf(float(tail), freedom))


for a, va, b, vb, c in [("0.07", "0.0001", "0.54", "0.0004", "0"), ("0.22", "0.0009", "0.7", "0.0016", "0.0005"),
                        ("-1", "0.01", "2", "0.02", "0"), ("0.05", "0.0002", "0.48", "0.003", "-0.0003")]:
    for freedom in [3.0, 6.4]:
        t = t_of(0.95, freedom) ** 2
        x, vx, y, vy, cov = map(mp.mpf, (a, va, b, vb, c))
        below, middle, last = y * y - t * vy, x * y - t * cov, x * x - t * vx
        root = mp.sqrt(middle**2 - below * last)
        row("fieller", [a, va, b, vb, c, freedom], digits((middle - root) / below), digits((middle + root) / below))

for estimate, error, margin, freedom in [("0.01", "0.01", "0.03", 6.0), ("-0.02", "0.004", "0.03", 3.0), ("0", "0.02", "0.05", 5.7)]:
    x, se, at = map(mp.mpf, (estimate, error, margin))
    row("tost", [estimate, error, margin, freedom], digits(t_tail((x + at) / se, freedom)), digits(t_tail((at - x) / se, freedom)))

for k, n, ks, ns, kc, nc in [(567, 8100, 95, 100, 96, 100), (2, 78, 50, 100, 199, 200), (27, 650, 50, 100, 199, 200),
                             (130, 200, 80, 100, 150, 200), (0, 300, 100, 100, 100, 100), (81, 8100, 100, 100, 96, 100)]:
    for confidence in [0.9, 0.95]:
        z = mp.sqrt(2) * mp.erfinv(mp.mpf(repr(confidence)))
        N, S, C = n + z * z, mp.mpf(ns + 2), mp.mpf(nc + 2)
        p, s, c = (k + z * z / 2) / N, (ks + 1) / S, (kc + 1) / C
        r = (p + c - 1) / (s + c - 1)
        error = mp.sqrt(p * (1 - p) / N + r * r * s * (1 - s) / S + (1 - r) ** 2 * c * (1 - c) / C) / (s + c - 1)
        shift = 2 * z * z * (r * s * (1 - s) / S - (1 - r) * c * (1 - c) / C)
        inside = lambda x: min(mp.mpf(1), max(mp.mpf(0), x))
        row("rogan-gladen", [k, n, ks, ns, kc, nc, confidence], digits(inside(r + shift - z * error)), digits(inside(r + shift + z * error)))

for looks, ps in [(1, [0.01, 0.04, 0.03, 0.005]), (1, [0.5, 0.5, 0.001]), (2, [0.02, 0.01]), (3, [0.0001, 0.2, 0.0003, 0.04, 0.9])]:
    for name, method in [("holm", "holm"), ("bonferroni", "bonferroni")]:
        found = [min(1.0, looks * p) for p in multipletests(ps, method=method)[1]]
        row(name, [looks] + ps, *[repr(float(p)) for p in found])

for m, alpha in [(2, 0.05), (27, 0.05), (108, 0.01)]:
    row("sidak", [m, alpha], digits(1 - (1 - mp.mpf(repr(alpha))) ** (mp.mpf(1) / m)))

# --- sums of proportions ---

for weights, cells in [([1], [(56, 70)]), ([1, 1], [(0, 30), (30, 30)]), ([1, 1, 1], [(0, 300), (21, 300), (180, 300)]),
                       ([1, -1, -1, 1], [(21, 300), (96, 300), (123, 300), (162, 300)]), ([2, -3], [(0, 5), (5, 5)])]:
    for confidence in [0.8, 0.95]:
        z = mp.sqrt(2) * mp.erfinv(mp.mpf(repr(confidence)))
        total = below = above = mp.mpf(0)
        for w, (k, n) in zip(weights, cells):
            low, high = wilson(k, n, z)
            rate, (down, up) = mp.mpf(k) / n, (low, high) if w > 0 else (high, low)
            total, below, above = total + w * rate, below + (w * (rate - down)) ** 2, above + (w * (up - rate)) ** 2
        least, most = sum(w for w in weights if w < 0), sum(w for w in weights if w > 0)
        row("mover", [f"{w}:{k}/{n}" for w, (k, n) in zip(weights, cells)] + [confidence],
            digits(max(least, total - mp.sqrt(below))), digits(min(most, total + mp.sqrt(above))))
