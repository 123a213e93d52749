"""Several sessions, metrics and sizes of a reader study in one table."""

from collections.abc import Iterable

import pandas as pd

from ovcf.stats.analytic import analytic_intervals
from ovcf.stats.rates import fold_table
from ovcf.stats.readers.components import or_components, prepare
from ovcf.stats.readers.mrmc import obuchowski_rockette
from ovcf.stats.readers.power import power_grid
from ovcf.stats.readers.tables import reader_table

SESSIONS = ("unaided", "aided")
METRICS = ("auc", "sensitivity", "specificity")
OF_NETWORK = {  # the rates of Tables 4 and 5, and what they are called in a table of folds
    "accuracy": "accuracy",
    "specificity": "recall_old",
    "sensitivity": "recall_fresh",
    "ppv": "precision_fresh",
    "npv": "precision_old",
}


def session_tables(readings: pd.DataFrame, *, level: float = 0.95) -> dict[str, pd.DataFrame]:
    """Tabulate each session that the readings hold, unaided first: name to `reader_table`.

    What it cannot see: what `reader_table` cannot.
    """
    held = [name for name in SESSIONS if (readings.session == name).any()]
    return {name: reader_table(readings, name, level=level) for name in held}


def network_folds(predictions: pd.DataFrame, *, threshold: float = 0.5) -> pd.DataFrame:
    """Return the folds of one network with the rates named as readers' are (`OF_NETWORK`); 0-1, a row a fold."""
    folds = fold_table(predictions, threshold)
    return folds.assign(**{rate: folds[metric] for rate, metric in OF_NETWORK.items()})


def network_average(folds: pd.DataFrame) -> pd.DataFrame:
    """Average a network's folds: network, metric (as readers' are named), mean, sd_ddof1; 0-1.

    Parameters
    ----------
    folds : DataFrame of `network_folds`.
    """
    values = folds[list(OF_NETWORK)]
    table = pd.DataFrame({"mean": values.mean(), "sd_ddof1": values.std(ddof=1)})
    return table.rename_axis("metric").reset_index().assign(network=folds.network.iloc[0])


def network_on_cases(
    model: pd.DataFrame, cases: Iterable[str], *, threshold: float = 0.5, level: float = 0.95
) -> pd.DataFrame:
    """Return one network's rates on some cases: network, metric (as readers' are named), estimate, low, high; 0-1.

    Parameters
    ----------
    model : predictions of one network, with patch_id and patient_id. cases : patch_id of the readers' cases.

    What it cannot see: the network on all patches, which is another number, of other patches; `analytic_intervals`
    says what else.
    """
    mine = model[model.patch_id.isin(set(cases))]
    found = analytic_intervals(mine.truth, mine.p_fresh, mine.patient_id, threshold=threshold, level=level)
    rates = found.loc[list(OF_NETWORK.values()), ["estimate", "low", "high"]].reset_index(drop=True)
    return rates.assign(metric=list(OF_NETWORK), network=model.network.iloc[0])


def generalisations(
    readings: pd.DataFrame, *, metrics: tuple[str, ...] = METRICS, covariance: str = "jackknife"
) -> pd.DataFrame:
    """Analyse several metrics by Obuchowski and Rockette (`obuchowski_rockette`), one below the other.

    Of the `readings` table the sessions with and without the model are compared, whatever others it holds.

    What it cannot see: what `obuchowski_rockette` cannot; the p of several metrics are not corrected for each other.
    """
    readings = _with_and_without(readings)
    tables = [obuchowski_rockette(readings, metric=metric, covariance=covariance) for metric in metrics]
    return pd.concat(tables, ignore_index=True)


def next_study(readings: pd.DataFrame, *, effect: float = 0.1, covariance: str = "jackknife") -> pd.DataFrame:
    """Return the power to find a difference of AUC with other readers and cases, from this study's components.

    Parameters
    ----------
    readings : DataFrame, both sessions. effect : the difference of AUC to be found.

    Returns
    -------
    DataFrame of `ovcf.stats.readers.power.power_grid`: readers, cases, power.

    What it cannot see: whether other readers and cases vary as this study's did: its components are taken as known.
    """
    components = or_components(prepare(_with_and_without(readings), "auc"), "auc", covariance)
    return power_grid(components, effect=effect)


def _with_and_without(readings):
    """Those readings whose sessions the report compares; a long table of other treatments as it is."""
    return readings[readings.session.isin(SESSIONS)] if "session" in readings else readings


def reader_points(sessions: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Put the operating points of all sessions into one table: session, reader, sensitivity, specificity (0-1).

    Parameters
    ----------
    sessions : of `session_tables`, the average as last row of each.
    """
    tables = [table[["reader", "sensitivity", "specificity"]].assign(session=name) for name, table in sessions.items()]
    return pd.concat(tables, ignore_index=True)[["session", "reader", "sensitivity", "specificity"]]


def network_point(model: pd.DataFrame, cases: Iterable[str], *, threshold: float = 0.5) -> pd.Series:
    """Return the sensitivity and specificity (0-1) of one network on some cases, called fresh from the threshold on.

    Parameters
    ----------
    model : predictions of one network, with patch_id. cases : patch_id of the readers' cases.
    """
    mine = model[model.patch_id.isin(set(cases))]
    called = mine.p_fresh >= threshold
    fresh = mine.truth == 1
    return pd.Series({"sensitivity": called[fresh].mean(), "specificity": (~called[~fresh]).mean()})
