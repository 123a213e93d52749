"""Does the test of seen against unseen patients find leakage where there is some, and none where there cannot be?

    python benchmarks/leakage.py                  # the cohorts of seeds 100 to 119
    python benchmarks/leakage.py --cohorts 2      # a rehearsal

Each cohort has the paper's 405 patients and 720 vertebrae, those of a patient all fresh or all old, drawn with a look
of each patient's own in the muscle around them (`Effects.weave`). EfficientNet-Lite0 with its ImageNet weights stays
frozen; a head is trained by the paper's recipe without flips, with folds by patient and by patch, each dealt ten times
(`price_over_dealings`: one dealing alone moves answers by chance more than a leak does). Then the same with one
vertebra a patient, where nothing can leak; and AlexNet with random weights, by patient. One line a cohort, and the
counts; about two minutes of one core a cohort. How strong weave and signs are was chosen on the seeds 900 to 905,
which are not among these; their figures stand in benchmarks/README.md.

The demo's own films have no weave and show no such leak: the look of a patient that a frozen network can tell makes
films look like no patient's, so it is drawn where it is asked for.
"""

import argparse

import numpy as np
import pandas as pd
import torch
from joblib import Parallel, delayed
from numpy.typing import NDArray

from ovcf.cohort.crop import crop_patch, margin_in_px
from ovcf.cohort.folds import assign_folds
from ovcf.models.features import features_of
from ovcf.models.recipe import Recipe
from ovcf.models.training import head_probability, train_head
from ovcf.models.weights import load_network
from ovcf.stats.leakage import price_over_dealings
from ovcf.stats.roc import auc
from ovcf.synthetic.hospitals import HOSPITALS
from ovcf.synthetic.phantom import Effects, portray
from ovcf.synthetic.roster import roster

FIRST_SEED, COHORTS, PATIENTS = 100, 20, 405
SIZE, FOLDS, DEALINGS = 112, 5, 10
EFFECTS = Effects(difficulty=0.4, weave=0.6)
CLOSE = HOSPITALS["A"]._replace(spine_mm=(0.0, 1.0))  # the levels and their neighbours: patches need no more of a film
SEEN, UNSEEN, SEEN_LESS_UNSEEN = "of patients with several patches", "of patients with one patch", "several less one"


def cohort(seed: int, patients: int = PATIENTS, effects: Effects = EFFECTS) -> tuple[NDArray[np.uint8], pd.DataFrame]:
    """Draw a cohort's equalised patches (n, SIZE, SIZE), and who they are of: patch_id, patient_id, label."""
    images, rows = [], []
    vertebrae, people = roster(patients, seed, mixed=0.0)
    for number, mine in vertebrae.groupby("patient"):
        rng = np.random.default_rng([seed, 3, number])
        portrait = portray(people.iloc[number].to_dict(), mine, effects, rng, CLOSE)
        bodies = {body.level: body for body in portrait.bodies}
        margin = margin_in_px(portrait.scanner.mm_per_px, 5.0, 8)
        for row in mine.itertuples():
            box = portrait.place.box(bodies[row.level])
            film = portrait.film.astype(np.float32) / 255
            images.append(crop_patch(film, box, margin_px=margin, size=SIZE, equalisation="histogram"))
            rows.append((f"V{len(rows)}", people.patient_id[number], row.label))
    return np.stack(images), pd.DataFrame(rows, columns=["patch_id", "patient_id", "label"])


def frozen(network: str, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Features (n, d) by a frozen trunk: ImageNet's where a package brings them, random ones otherwise."""
    weights = "packaged" if network == "efficientnet_lite0" else "none"
    return features_of(load_network(network, weights, size=SIZE), images, "float32")


def cross_validated(
    features: NDArray[np.float32], patches: pd.DataFrame, split: str, seed: int, dealing: int = 0
) -> pd.DataFrame:
    """Out-of-fold predictions of a head, in the form of a run's."""
    fold = assign_folds(patches, folds=FOLDS, split=split, seed=1000 * dealing + seed)
    fresh, p = (patches.label == "fresh").to_numpy().astype(int), np.empty(len(patches))
    recipe = Recipe(weights="none", flips=(), seed=seed)
    for number in range(1, FOLDS + 1):
        own = fold == number
        rng = np.random.default_rng([seed, number, dealing])
        p[own] = head_probability(features[own], train_head(features[~own][:, None], fresh[~own], recipe, rng))
    named = {"network": "one", "split": split, "dealing": dealing, "fold": fold, "truth": fresh, "p_fresh": p}
    return patches[["patch_id", "patient_id"]].assign(**named)


def price(features: NDArray[np.float32], patches: pd.DataFrame, seed: int, dealings: int = DEALINGS) -> pd.DataFrame:
    """What folds by patch seem to gain on these patches: rows of the pooled AUC, by which patches."""
    given = [(split, k) for split in ("patient", "patch") for k in range(dealings)]
    parts = [cross_validated(features, patches, split, seed, k) for split, k in given]
    return price_over_dealings(pd.concat(parts, ignore_index=True)).set_index("patches")


def measured(seed: int, patients: int = PATIENTS, effects: Effects = EFFECTS) -> dict[str, float]:
    """One cohort's figures."""
    torch.set_num_threads(1)
    images, patches = cohort(seed, patients, effects)
    features = frozen("efficientnet_lite0", images)
    found = price(features, patches, seed)
    alone = (~patches.patient_id.duplicated()).to_numpy()
    single = price(features[alone], patches[alone].reset_index(drop=True), seed)
    random = cross_validated(frozen("alexnet", images), patches, "patient", seed)
    return {
        "seed": seed, "auc": found.by_patient["all"], "seen": found.difference[SEEN],
        "unseen": found.difference[UNSEEN], "difference": found.difference[SEEN_LESS_UNSEEN],
        "low": found.low[SEEN_LESS_UNSEEN], "high": found.high[SEEN_LESS_UNSEEN],
        "single": single.difference["all"], "single_low": single.low["all"], "single_high": single.high["all"],
        "random_auc": auc(random.truth, random.p_fresh),
    }  # fmt: skip


def main() -> None:
    """Measure the cohorts and print one line each, then the counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cohorts", type=int, default=COHORTS)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--weave", type=float, default=EFFECTS.weave)
    asked = parser.parse_args()
    seeds, effects, rows = range(FIRST_SEED, FIRST_SEED + asked.cohorts), EFFECTS._replace(weave=asked.weave), []
    jobs = (delayed(measured)(seed, effects=effects) for seed in seeds)
    for row in Parallel(n_jobs=asked.workers, return_as="generator")(jobs):
        rows.append(row)
        print(f"seed {row['seed']}: " + " ".join(f"{k} {v:+.3f}" for k, v in list(row.items())[1:]), flush=True)
    table = pd.DataFrame(rows)
    within = (table.single_low <= 0) & (table.single_high >= 0)
    print(f"seen less unseen above 0: {(table.low > 0).sum()} of {len(table)}")
    print(f"one vertebra a patient, interval of the gain holds 0: {within.sum()} of {len(table)}")
    print(f"random AlexNet behind the pretrained network: {(table.random_auc < table.auc).sum()} of {len(table)}")


if __name__ == "__main__":
    main()
