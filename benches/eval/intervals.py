"""Bootstrap intervals over documents: what another draw of the same kinds of documents could have shown.

Seeded, so that the same scores give the same interval. Differences are paired: both sides of a resample are scores of
the same documents.
"""

import numpy as np

RESAMPLES = 10_000
SEED = 20270104


def interval(*strata: list[float]) -> list[float]:
    """The mean of the strata's means, and the bounds of 95 in 100 resamples; each stratum is resampled by itself."""
    chance = np.random.default_rng(SEED)
    means = np.zeros(RESAMPLES)
    for values in strata:
        values = np.asarray(values, float)
        draws = chance.integers(0, len(values), (RESAMPLES, len(values)))
        means += values[draws].mean(1) / len(strata)
    middle = float(np.mean([np.mean(values) for values in strata]))
    low, high = np.percentile(means, [2.5, 97.5])
    return [middle, float(low), float(high)]


def total(values: list[float]) -> list[float]:
    """The same of a sum, for things that are counted."""
    return [bound * len(values) for bound in interval(values)]


def differences(ours: list[float], theirs: list[float]) -> list[float]:
    return [mine - other for mine, other in zip(ours, theirs, strict=True)]
