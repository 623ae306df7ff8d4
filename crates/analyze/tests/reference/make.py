#!/usr/bin/env python3
"""Makes fixtures/analyze/reference.json: what SciPy and statsmodels say of samples that the tests hand to us.

    python3 -m venv venv && venv/bin/pip install numpy scipy statsmodels
    venv/bin/python crates/analyze/tests/reference/make.py fixtures/analyze/reference.json

The seed is fixed; the versions are written into the file. The tests read the file only.
"""

import json
import math
import sys

import numpy as np
import scipy
import statsmodels
from scipy import signal, special, stats
from statsmodels.stats.multitest import multipletests
from statsmodels.tsa.stattools import acf, ccf

rng = np.random.default_rng(20261121)


def rounded(values, digits=6):
    return [float(f"{v:.{digits}g}") for v in values]


def pairs():
    yield "normal", rounded(rng.normal(0, 1, 40)), rounded(rng.normal(0.6, 1, 55))
    yield "ties", [float(v) for v in rng.integers(0, 6, 60)], [float(v) for v in rng.integers(1, 7, 35)]
    yield "skewed", rounded(rng.lognormal(3, 0.5, 120)), rounded(rng.lognormal(3.2, 0.9, 80))
    yield "small", rounded(rng.normal(5, 1, 5)), rounded(rng.normal(9, 4, 6))
    yield "apart", rounded(rng.normal(0, 1, 30)), rounded(rng.normal(50, 1, 30))
    yield "huge", rounded(rng.normal(1e4, 3, 50), 10), rounded(rng.normal(1e4 + 2, 3, 50), 10)


def compared(a, b):
    m, n = len(a), len(b)
    d = stats.ks_2samp(a, b).statistic
    u = stats.mannwhitneyu(b, a, method="asymptotic")
    t = stats.ttest_ind(b, a, equal_var=False)
    levene = stats.levene(a, b, center="median")
    return {
        "ks": [float(d), float(special.kolmogorov(math.sqrt(m * n / (m + n)) * d))],
        "mann_whitney": [float(u.statistic), float(u.pvalue)],
        "welch": [float(t.statistic), float(t.pvalue)],
        "brown_forsythe": [float(levene.statistic), float(levene.pvalue)],
        "cliffs_delta": float(2 * u.statistic / (m * n) - 1),
        "mean": float(np.mean(a)),
        "median": float(np.median(a)),
        "quantiles": [[q, float(np.quantile(a, q))] for q in (0, 0.01, 0.25, 0.5, 0.9, 0.95, 1)],
        "robust_deviation": float(1.4826 * stats.median_abs_deviation(a)),
    }


def wave(n, memory):
    level, out = 0.0, []
    for i in range(n):
        level = memory * level + rng.normal()
        out.append(level + math.sin(i / 5) + 0.02 * i)
    return rounded(out)


def related():
    for name, n in (("short", 12), ("long", 150)):
        a = wave(n, 0.5)
        b = rounded(0.5 * np.roll(a, 3) + rng.normal(0, 1, n))
        yield name, a, b
    yield "ties", [float(v) for v in rng.integers(0, 4, 40)], [float(v) for v in rng.integers(0, 4, 40)]


def correlated(a, b):
    lags = 8
    forward = ccf(b, a, adjusted=False)[: lags + 1]
    backward = ccf(a, b, adjusted=False)[: lags + 1]
    both = list(backward[:0:-1]) + list(forward)
    return {
        "pearson": float(stats.pearsonr(a, b).statistic),
        "spearman": float(stats.spearmanr(a, b).statistic),
        "cross_correlation": [float(v) for v in both],
        "autocorrelation": [float(v) for v in acf(a, nlags=lags, fft=False)],
    }


def trends():
    steady = rounded(0.3 * np.arange(60) + rng.normal(0, 4, 60))
    steps = [float(v) for v in np.sort(rng.integers(0, 9, 50))]
    uneven = np.cumsum(rng.integers(1, 9, 40))
    yield "steady", list(range(60)), steady
    yield "ties", list(range(50)), steps
    yield "uneven", [int(v) for v in uneven], rounded(-0.5 * uneven + rng.normal(0, 3, 40))
    yield "none", list(range(80)), rounded(rng.normal(0, 1, 80))


def trended(seconds, values):
    slope, intercept, low, high = stats.theilslopes(values, seconds, 0.95)
    tau = stats.kendalltau(seconds, values)
    n = len(values)
    score = sum(np.sign(values[j] - values[i]) for i in range(n) for j in range(i + 1, n))
    ties = np.unique(values, return_counts=True)[1]
    variance = (n * (n - 1) * (2 * n + 5) - sum(t * (t - 1) * (2 * t + 5) for t in ties)) / 18
    z = (abs(score) - 1) / math.sqrt(variance) if score else 0.0
    line = np.array(values) - slope * np.array(seconds)
    rest = line - np.median(line)
    r = acf(rest, nlags=1, fft=False)[1]
    r = min(max(r, 0.0), 0.95)
    inflation = min(max((1 + r) / (1 - r), 1.0), n / 5)
    return {
        "slope": float(slope),
        "intercept": float(np.median(line)),
        "interval": [float(low), float(high)],
        "tau": float(tau.statistic),
        # Mann-Kendall as the textbooks have it, and with the variance inflated by dependence.
        "mann_kendall": float(min(1.0, 2 * stats.norm.sf(z))),
        "mann_kendall_dependent": float(min(1.0, 2 * stats.norm.sf(z / math.sqrt(inflation)))),
        "inflation": float(inflation),
    }


def spectra():
    for period in (7, 24, 50, 61):
        values = [
            4 * math.sin(2 * math.pi * i / period) + float(rng.normal()) for i in range(600)
        ]
        values = rounded(values)
        frequencies, power = signal.periodogram(values, window="hann", detrend=False, nfft=2048)
        yield {
            "values": values,
            "period": period,
            "power": [float(v) for v in power[1:1024:20]],
            "peak": int(np.argmax(power)),
        }


def distributions():
    zs = [-3.5, -1, 0, 0.3, 1.2815515655446004, 1.96, 3, 5, 8, 12, 30]
    ts = [(0.1, 1), (1.5, 2), (2.2, 7.3), (4, 30), (2, 1000.5), (12, 60), (0.5, 250000)]
    fs = [(0.5, 1, 5), (3.2, 2, 40), (9, 1, 500), (1.1, 10, 3), (30, 4, 60)]
    ks = [0.3, 0.5, 0.82, 0.99, 1.0, 1.36, 2, 3.5]
    ps = [1e-9, 1e-4, 0.025, 0.31, 0.5, 0.6, 0.975, 0.99999]
    return {
        "normal_tail": [[z, float(stats.norm.sf(z))] for z in zs],
        "normal_quantile": [[p, float(stats.norm.ppf(p))] for p in ps],
        "student_tail": [[t, df, float(2 * stats.t.sf(t, df))] for t, df in ts],
        "fisher_tail": [[f, a, b, float(stats.f.sf(f, a, b))] for f, a, b in fs],
        "kolmogorov_tail": [[k, float(special.kolmogorov(k))] for k in ks],
    }


def discoveries():
    for p in (rng.uniform(0, 1, 25), np.concatenate([rng.uniform(0, 0.01, 8), rng.uniform(0, 1, 30)])):
        p = rounded(p)
        yield {"p": p, "q": [float(q) for q in multipletests(p, method="fdr_bh")[1]]}


def main():
    out = {
        "made_by": "crates/analyze/tests/reference/make.py",
        "versions": {
            "numpy": np.__version__,
            "scipy": scipy.__version__,
            "statsmodels": statsmodels.__version__,
        },
        "compared": [{"name": n, "a": a, "b": b, **compared(a, b)} for n, a, b in pairs()],
        "correlated": [{"name": n, "a": a, "b": b, **correlated(a, b)} for n, a, b in related()],
        "trends": [{"name": n, "seconds": s, "values": v, **trended(s, v)} for n, s, v in trends()],
        "spectra": list(spectra()),
        "distributions": distributions(),
        "discoveries": list(discoveries()),
    }
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        json.dump(out, file, indent=None, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    main()
