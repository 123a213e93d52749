"""The browser of misclassified patches: a page over `outcomes`, `detail` and `flags`.

Thumbnails travel by page and are kept for the last pages only, so 20,000 patches cost the memory of a few
hundred. The page holds no table; each filter, page and detail is a question to this class.
"""

import math
from functools import cached_property, partial
from typing import Any

import pandas as pd

from ovcf.viz import detail, outcomes
from ovcf.viz.corrections import CORRECTIONS, corrected_manifest
from ovcf.viz.flags import FLAGS, HEIGHTS, WITHDRAWN, FlagStore, harmless_cell
from ovcf.viz.gallery import anatomical, network_name
from ovcf.viz.heights import measured_heights
from ovcf.viz.image_data import Recent, Thumbnails, png_bytes
from ovcf.viz.maps import Maps, final_model, in_background
from ovcf.viz.widget import VIEWER, Asked, script, style

PAGE = 36  # thumbnails a page
ORDERS = list(outcomes.ORDERS.items())
_WANTED = {"wrong": ("FN", "FP"), "right": ("TP", "TN"), "": ()}
_TILE = ("patch_id", "patient_id", "level", "label", "outcome", "p_fresh", "threshold")


class Browser(Asked):
    """Browse what the networks got right and wrong.

    Parameters
    ----------
    study : ovcf.study.Study
        An opened run; used: `run`, `patches`, `predictions`, `chosen`, `images()`, `film()`, `parameters`.
    model : callable, optional
        Returns the run's final model when first needed (similar patches, activation maps).
    """

    _parts = "filters list detail flags keys places".split()
    _esm = script("common.js", *VIEWER, *(f"browser_{part}.js" for part in _parts), "browser.js")
    _css = style("base.css", "browser.css")

    def __init__(self, study: Any, *, model: Any | None = None, page_size: int = PAGE) -> None:
        super().__init__()
        self.study, self.size = study, page_size
        self.table = outcomes.browse_table(
            study.patches, study.predictions, study.chosen, threshold=study.parameters["threshold"]
        )
        self.images = study.images()
        self.flags = FlagStore(study.run / "flags.csv")
        self.thumbnails = Thumbnails(self.images)
        self.films = detail.Films(study)
        self._model = model or final_model(study)
        self.maps = Maps(study, self._model)
        self._seen = Recent(partial(outcomes.as_seen_by, self.table), keep=8)
        self._rows = Recent(self._select, keep=4)

    # What the page asks ---------------------------------------------------------------------------------

    def answer_hello(self) -> Any:
        """What the filters offer."""
        table = self.table
        return {
            "networks": [(n, network_name(n)) for n in outcomes.networks_of(table)],
            "network": self.study.chosen,
            "levels": sorted({v or "unknown" for v in _column(table, "level")}, key=anatomical),
            "regions": [r for r in ("above", "at", "below") if r in set(_column(table, "region"))],
            "folds": sorted({int(f) for f in _column(table, "fold")}),
            "agreements": outcomes.AGREEMENTS,
            "annotators": {"annotator_a_label", "annotator_b_label"} <= set(table.columns),
            "orders": ORDERS,
            "flags": [flag for flag in FLAGS if flag != HEIGHTS],
            "with_reason": CORRECTIONS,
            "taken_back": WITHDRAWN,
            "size": self.size,
            "label": self.study.label,
            "warning": " ".join(filter(None, (getattr(self.study, "changed", ""), self._notes_off))),
        }, []

    def answer_page(self, query: dict, page: int) -> Any:
        """One page of tiles with their thumbnails."""
        rows, total = self.rows(query), len(self._seen(query["network"]))
        pages = max(1, math.ceil(len(rows) / self.size))
        page = min(max(int(page), 0), pages - 1)
        shown = rows.iloc[page * self.size : (page + 1) * self.size]
        wrong = int(self._seen(query["network"])["outcome"].isin(["FN", "FP"]).sum())
        answer = {"count": len(rows), "total": total, "page": page, "pages": pages, "wrong": wrong}
        answer["network_name"] = network_name(query["network"])
        answer["threshold"] = self.study.parameters["threshold"]
        return {**answer, "rows": self._tiles(shown)}, self.thumbnails.page(shown["row"])

    def answer_detail(self, query: dict, position: int = -1, patch_id: str = "") -> Any:
        """The patch at a position of the filtered list, or a named one, wherever it stands."""
        if patch_id:
            row, position = self._seen_row(query["network"], patch_id), self._position(query, patch_id)
        else:
            row = self.rows(query).iloc[int(position)].to_dict()
        film = self.films.show(row)
        near = detail.neighbours_of(self._seen(query["network"]), row)
        tiles = self._tiles(near)
        for tile, neighbour in zip(tiles, near.to_dict("records"), strict=True):
            tile["box"] = _box(neighbour)
        answer = {
            "row": _tile(row),
            "position": int(position),
            "facts": detail.facts_of(row),
            "answers": detail.answers_of(row),
            "threshold": row["threshold"],
            "equalisation": self.study.parameters["equalisation"],
            "scale": film.scale,
            "box": _box(row),
            "neighbours": tiles,
            "flags": self._flags_of(row["patch_id"]),
        }
        sees = png_bytes(self.images[row["row"]])
        before = png_bytes(self.films.reader_patch(row))
        return answer, [film.jpeg, before, sees, *self.thumbnails.page(near["row"])]

    def answer_similar(self, patch_id: str, network: str, n: int = 6) -> Any:
        """The nearest patches of other patients in the final model's features, once the model is loaded."""
        try:
            model = self._loading.result(timeout=0.05)
        except TimeoutError:
            return {"rows": [], "note": "Loading the final model…", "loading": True}, []
        if model is None:
            return {"rows": [], "note": "This run holds no final model, so no feature distances."}, []
        row = self._row(patch_id)
        near = model.similar(self.images[row["row"]], n, exclude_patient=row["patient_id"])
        seen = self._seen(network).set_index("patch_id").loc[near["patch_id"]].reset_index()
        tiles = [t | {"distance": float(d)} for t, d in zip(self._tiles(seen), near["distance"], strict=True)]
        note = f"Distance between features of {network_name(model.network)}, the run's final model."
        return {"rows": tiles, "note": note}, self.thumbnails.page(seen["row"])

    def answer_map(self, patch_id: str, network: str) -> Any:
        """The class-activation map of a patch as a transparent picture."""
        row = self._row(patch_id)
        called = "fresh" if row[f"p_fresh_{network}"] >= row["threshold"] else "old"
        picture, note = self.maps.of(row, self.images[row["row"]], network, called)
        return {"note": note}, [picture]

    def answer_flag(
        self, patch_id: str | list[str], flag: str, reviewer: str = "", network: str = "", comment: str = ""
    ) -> Any:
        """Keep a flag on one patch or several; the answer comes once all are on the disk."""
        self._refuse_notes()
        patches = [patch_id] if isinstance(patch_id, str) else list(patch_id)
        for patch in patches:
            self._row(patch)  # a flag on nothing would be lost in the review
        for patch in patches:
            kept = self.flags.add(patch, flag, reviewer=reviewer, network=network, comment=comment)
        self._rows = Recent(self._select, keep=4)  # a list of flagged patches has changed
        flags = self._flags_of(patches[0]) if len(patches) == 1 else []
        return {"time": kept["time"], "flag": flag, "flags": flags, "count": len(patches)}, []

    def answer_heights(self, patch_id: str, points: list, reviewer: str = "", network: str = "") -> Any:
        """Keep heights measured by six clicks on the film, with their grade, as a flag."""
        self._refuse_notes()
        row = self._row(patch_id)
        known = {name: float(row.get(name, math.nan)) for name in ("mm_per_px", "neighbour_height_mm")}
        words = str(measured_heights(points, known["mm_per_px"], known["neighbour_height_mm"]))
        self.flags.add(patch_id, HEIGHTS, reviewer=reviewer, network=network, comment=words)
        return {"words": words, "flags": self._flags_of(patch_id)}, []

    def answer_table(self, query: dict) -> Any:
        """The filtered list as a table of text, with the flags that stand."""
        rows = self.rows(query).drop(columns="row")
        groups = self.flags.standing().groupby("patch_id")["flag"].agg(lambda given: "; ".join(dict.fromkeys(given)))
        rows = rows.assign(flags=rows["patch_id"].astype(str).map(groups).fillna(""))
        text = rows.map(harmless_cell).rename(columns=harmless_cell).to_csv(index=False, lineterminator="\n")
        return {"name": "patches.csv", "text": text, "count": len(rows)}, []

    def answer_correct(self, reviewer: str) -> Any:
        """Write the manifest's next version with the corrections that the flags ask for."""
        self._refuse_notes()
        path, changes = corrected_manifest(self.study, self.flags.standing(), reviewer)
        out = sum(change.after == "" for change in changes)
        return {"path": str(path), "relabelled": len(changes) - out, "left_out": out}, []

    def answer_export(self) -> Any:
        """Write the list for joint review into the run and hand its text to the page."""
        self._refuse_notes()
        path = self.flags.export(self.study.run / "flags_for_review.csv", self.table)
        count = len(pd.read_csv(path))
        text = path.read_text(encoding="utf-8")
        return {"path": str(path), "name": path.name, "text": text, "count": count}, []

    @property
    def _notes_off(self) -> str:
        """Why nothing can be noted in this run; empty where it can."""
        return getattr(self.study, "notes_off", "")

    def _refuse_notes(self) -> None:
        if self._notes_off:
            raise ValueError(self._notes_off)

    # The list -------------------------------------------------------------------------------------------

    def rows(self, query: dict) -> pd.DataFrame:
        """The browse table filtered and sorted as the page asks; the last few lists are kept."""
        return self._rows(tuple(sorted(query.items())))

    def _select(self, items) -> pd.DataFrame:
        q = dict(items)
        if q.get("sort") == "likeness" and "likeness" not in self.table:
            self._find_twins()
        wanted = outcomes.Conditions(
            outcomes=_WANTED.get(q.get("outcome", ""), (q.get("outcome"),)),
            levels=[q["level"]] if q.get("level") else (),
            regions=[q["region"]] if q.get("region") else (),
            folds=[int(q["fold"])] if q.get("fold") else (),
            patient=q.get("patient", ""),
            p_range=(q.get("low", 0.0), q.get("high", 1.0)),
            agreement=q.get("agreement", "any"),
            annotators=q.get("annotators", "any"),
            search=q.get("search", ""),
        )
        rows = outcomes.filter_rows(self._seen(q["network"]), wanted)
        if q.get("flagged"):
            rows = rows[rows["patch_id"].isin(self.flags.standing()["patch_id"])]
        return outcomes.sort_rows(rows, q.get("sort", "loss"), ascending=bool(q.get("ascending")))

    def _position(self, query, patch_id) -> int:
        """Where a patch stands in the filtered list (-1: nowhere)."""
        found = (self.rows(query)["patch_id"] == patch_id).to_numpy().nonzero()[0]
        return int(found[0]) if len(found) else -1

    def _seen_row(self, network, patch_id) -> dict:
        seen = self._seen(network)
        found = seen[seen["patch_id"] == patch_id]
        if found.empty:
            raise ValueError(f"no patch {patch_id!r} in this run, or {network_name(network)} was not asked about it")
        return found.iloc[0].to_dict()

    def _find_twins(self) -> None:
        """Add to the table what each patch is most like on another film; hashes of all patches take a while."""
        from ovcf.viz.twins import BITS, nearest_twins

        twins = nearest_twins([self.images[row] for row in self.table["row"]], self.table["image"])
        ids = self.table["patch_id"].to_numpy()
        names = [
            f"{ids[row]} ({bits} of {BITS} bits differ)" if row >= 0 else "" for row, bits in zip(*twins, strict=True)
        ]
        self.table = self.table.assign(likeness=1 - twins.apart / BITS, twin=names)
        self._seen = Recent(partial(outcomes.as_seen_by, self.table), keep=8)

    @cached_property
    def _loading(self):
        """The final model on its way: it takes seconds, for which the next patch need not wait."""
        return in_background(self._model)

    def _row(self, patch_id) -> dict:
        found = self.table[self.table["patch_id"] == patch_id]
        if found.empty:
            raise ValueError(f"no patch {patch_id!r} in this run")
        return found.iloc[0].to_dict()

    def _flags_of(self, patch_id) -> list[dict]:
        standing = self.flags.standing()
        return standing[standing["patch_id"] == patch_id].to_dict("records")

    def _tiles(self, rows) -> list[dict]:
        """What a tile says, with the flags that stand."""
        groups = self.flags.standing().groupby("patch_id")["flag"]
        flags = {patch_id: ", ".join(dict.fromkeys(given)) for patch_id, given in groups}
        return [_tile(r) | {"flags": flags.get(r["patch_id"], "")} for r in rows.to_dict("records")]


def _column(table, name) -> list:
    """A column's values; none where the cohort does not hold it."""
    return table[name].tolist() if name in table else []


def _tile(row) -> dict:
    tile = {c: row.get(c, "") for c in _TILE}
    more = {"twin": row["twin"]} if row.get("twin") else {}
    return tile | {"level": tile["level"] or "level unknown", "p_fresh": float(tile["p_fresh"])} | more


def _box(row) -> dict | None:
    box = detail.box_of(row)
    return dict(zip(("x0", "y0", "x1", "y1"), box, strict=True)) if box else None
