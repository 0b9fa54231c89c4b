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
