"""A run: what the study is made of, each table made once from its parameters and read afterwards.

`radiographs + manifest -> cohort -> patches -> predictions -> statistics -> figures -> report`

Every notebook opens the same run with `Study(run)`, which writes nothing. `Study.begin` makes a run, `Study.variant`
one beside another. Only `train_networks` trains the comparison, only `other_split` and `final` what notebook 04 adds.
What a run reads of its data stands in `cohort`, what it trains in `networks`, its folder in `ovcf.run_folder`.
"""

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import pandas as pd

from ovcf.plan import lock_plan
from ovcf.problems import InputError, Problem
from ovcf.profiles import defaults, lay_over, load_profile
from ovcf.profiles.parameters import AS_THE_RUN
from ovcf.run_folder import from_project, is_run
from ovcf.study.networks import StudyNetworks

if TYPE_CHECKING:
    from ovcf.cohort.manifest import Cohort


class Study(StudyNetworks):
    """One run of the study: its cohort, predictions, readings and model, upon its folder (`RunFolder`)."""

    # Making a run ----------------------------------------------------------------------------------------------

    @classmethod
    def begin(cls, run: str | Path, profile: str | None = None, *, who: str = "the cell", **typed: Any) -> Self:
        """Open a run, or make it where there is none; everything wrong is said before anything is written.

        Parameters
        ----------
        run : its folder, new or empty, or a run that is there already.
        profile : of a new run, `demo` where none is named. On a run that is there, its values count as typed.
        who : who typed the values, for messages.
        typed : values that stand above the profile's.

        Raises
        ------
        InputError : for every unknown name, wrong type and value, every problem of the data, the folds, the readings,
            the published numbers and the weights, all at once; and for a run that has other values.
        """
        folder = from_project(run)
        named = load_profile(profile) if profile not in (None, AS_THE_RUN) else {}
        if is_run(folder):
            return cls(folder, who=who, **named | typed)
        parameters, problems = lay_over(named or defaults(), typed, source=who)
        return cls._make(folder, parameters, problems)

    @classmethod
    def variant(cls, run: str | Path, out: str | Path, *, who: str = "the cell", **changes: Any) -> Self:
        """Make a run beside another that differs in some parameters; what does not depend on them is shared.

        A variant that is there already is opened, where it has these values.
        """
        source, folder = cls(run, adds=False), from_project(out)
        parameters, problems = lay_over(source.parameters, changes, source=who)
        if is_run(folder) and not problems:
            return cls(folder, who=who, **parameters)
        opened = (source.run / "tables" / "readings.csv").exists()
        known = f"a variant of {source.run.name}, whose readings had been opened" if opened else ""
        return cls._make(folder, parameters, problems, cached=source.run / "cache", known=known)

    @classmethod
    def _make(
        cls, folder: Path, parameters: dict, problems: list[Problem], *, cached: Path | None = None, known: str = ""
    ) -> Self:
        study = cls.unborn(folder, parameters)
        study.check(problems)
        study.create(cached)
        lock_plan(study, known=known)
        study.patches  # noqa: B018 - enters the table of the vertebrae, with their folds
        return study

    def check(self, problems: list[Problem] | tuple = (), *, films: bool = True) -> None:
        """Read and prove everything a run needs before an hour is spent; `films`: the data and the folds too.

        Raises
        ------
        InputError : with `problems` and all that is wrong with the parameters' words, the data, the folds, the
            readings, the published numbers, the weights and the other hospital's cohort.
        """
        from ovcf.models import store
        from ovcf.models.catalogue import check_size
        from ovcf.models.sources import locate

        p, problems = self.parameters, list(problems)

        def attempt(proof: Any) -> bool:
            try:
                proof()
            except InputError as error:
                problems.extend(problem for problem in error.problems if problem not in problems)
                return False
            return True

        if attempt(lambda: self.recipe):
            attempt(lambda: locate(p["networks"], self.recipe.weights))
            attempt(lambda: check_size(p["networks"], p["image_size"]))
        if p["chosen"] not in ("best", *p["networks"]):
            words = f"network {p['chosen']!r} is not among those that are trained"
            problems.append(Problem("chosen", words, column="chosen", allowed=", ".join(["best", *p["networks"]])))
        attempt(store.folder)
        attempt(store.size)
        attempt(lambda: self.simulated_readers or self._read_readings())
        attempt(lambda: self.paper)
        if films:
            attempt(lambda: self._other_cohort)
        drawn = p["data"] == "synthetic"  # whose films need not be drawn for a run that is refused
        if films and not (drawn and problems) and attempt(lambda: self._dealt):
            attempt(self._refuse_shared_patients)
        if problems:
            raise InputError(problems)

    @cached_property
    def _other_cohort(self) -> "Cohort | None":
        """The other hospital's cohort where one is named; read before the run is made, as notebook 07 comes last."""
        from ovcf.cohort.manifest import read_cohort

        other, outside = self.parameters["external"], self.parameters["allow_outside"]
        return None if other in ("", "synthetic") else read_cohort(Path(other), allow_outside=outside)

    def _refuse_shared_patients(self) -> None:
        from ovcf.intake.across import settle_ids

        if self._other_cohort:
            known = self._dealt.patient_id.to_numpy()
            settle_ids(self._other_cohort, known, "refuse", Path(self.parameters["external"]))

    # Readers -------------------------------------------------------------------------------------------------

    @property
    def simulated_readers(self) -> bool:
        """Whether the readings come from simulated readers."""
        return self.parameters["readings"] == "simulated"

    @cached_property
    def readings(self) -> pd.DataFrame:
        """Answers of the readers without and with the model: a file, or simulated readers (and called so).

        Of a file the run keeps its own table, so that it does not depend on where the file goes afterwards.
        """
        from ovcf.intake.readings import read_readings

        if self.simulated_readers:
            return self._simulate_readings()
        stored = "tables/readings.csv"
        if not self.executing and self.holds(stored):
            return read_readings(self.run / stored)
        return self.save_table("readings", self._read_readings())

    def _read_readings(self) -> pd.DataFrame:
        from ovcf.intake.readings import check_cases, read_readings

        file = self.parameters["readings"]
        readings = read_readings(file)
        if "session" not in readings or not (readings["session"] == "unaided").any():
            found = ", ".join(sorted(set(readings["session"]))) if "session" in readings else "no such column"
            words = "hold no session `unaided`, which Tables 4 and 5 begin with; analyse them with: ovcf readers FILE"
            raise InputError(Problem("readings", words, file, column="session", found=found))
        if self.holds("tables/patches.csv") or self.parameters["data"] != "synthetic":  # else not drawn yet
            check_cases(readings, self.patches if self.holds("tables/patches.csv") else self._dealt, file)
        return readings

    def _simulate_readings(self) -> pd.DataFrame:
        from ovcf.synthetic.readers import simulate_readings

        p = self.parameters
        mine = self.predictions[self.predictions.network == self.chosen]
        readings = simulate_readings(
            mine, n_cases=min(p["reader_cases"], len(mine)), readers=p["readers"], seed=p["seed"]
        )
        return self.save_table("readings", readings)

    # Published numbers ---------------------------------------------------------------------------------------

    @cached_property
    def paper(self) -> Any:
        """The printed numbers to audit: the paper's, or another file's (`ovcf.audit.paper.Paper`)."""
        from ovcf.audit import read_paper
        from ovcf.audit.published import published_paper

        published = self.parameters["published"]
        return published_paper() if published == "paper" else read_paper(published)
