"""Readers nested in treatments (split-plot): each reader reads under one treatment, other readers under another.

Nothing pairs the readers, so the treatment's difference is held against the spread of readers within treatments.
Readers of all treatments may have read the same cases, which correlates treatments by Cov3. Obuchowski 1995, Acad
Radiol 2:S22; Hillis 2014, Stat Med 33:330 (section on split-plot designs).
"""

import numpy as np

from ovcf.stats.readers.components import Components, spread_within


def nested_variance(components: Components, readers: tuple[int, ...], generalisation: str) -> tuple[float, float]:
    """Return the variance of a difference of two treatments, and its degrees of freedom (inf where normal).

    With g = 1/r_1 + 1/r_2 and d = max(Cov2 - Cov3, 0): random readers and cases g MS(R(T)) + 2 d, degrees of
    freedom that squared over (g MS(R(T)))^2 / sum(r_i - 1); fixed readers g (Error - Cov2) + 2 d (normal); fixed
    cases g MS(R(T)). With equal readers F is MS(T) / (MS(R(T)) + r d) (Hillis 2014).

    On average MS(R(T)) is var(R) + var(TR) + Error - Cov2, so random readers vary by more than fixed ones. Two readers
    a treatment leave it two degrees of freedom: it often falls below Error - Cov2, the variance of readers is then
    estimated below zero, and the interval for random readers may be the narrower one, as OR-DBM prints it for crossed
    studies, too. In null studies of two readers a treatment (`benchmarks/reader_type_one.py`) that was so in 10 to
    37 %, and the test of random readers rejected 5 to 8.5 %. The formula stays Hillis';
    the table says where it happens.

    Parameters
    ----------
    readers : (r_1, r_2), how many readers each treatment has.

    Checked against scipy's two-sample t (fixed cases) and a literal version.
    """
    g, shared = sum(1 / r for r in readers), max(components.cov2 - components.cov3, 0.0)
    if generalisation == "fixed_readers":
        return g * (components.error - components.cov2) + 2 * shared, np.inf
    square, df = spread_within(components)
    if generalisation == "fixed_cases":
        return g * square, df
    total = g * square + 2 * shared
    return total, df * (total / (g * square)) ** 2 if square > 0 else np.inf
