"""The browser of misclassified patches: a page over `outcomes`, `detail` and `flags`.

Thumbnails travel by page and are kept for the last pages only, so 20,000 patches cost the memory of a few
hundred. The page holds no table; each filter, page and detail is a question to this class.
"""

import math
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property, partial
from typing import Any

import pandas as pd

from ovcf.viz import detail, outcomes
from ovcf.viz.flags import FLAGS, FlagStore
from ovcf.viz.gallery import anatomical, network_name
from ovcf.viz.image_data import Recent, Thumbnails, png_bytes
from ovcf.viz.maps import Maps, final_model
from ovcf.viz.widget import VIEWER, Asked, script, style

PAGE = 36  # thumbnails a page
ORDERS = list(outcomes.ORDERS.items())
_WANTED = {"wrong": ("FN", "FP"), "right": ("TP", "TN"), "": ()}
_TILE = ("patch_id", "patient_id", "level", "label", "outcome", "p_fresh")


class Browser(Asked):
    """Browse what the networks got right and wrong.

    Parameters
    ----------
    study : ovcf.study.Study
        An opened run; used: `run`, `patches`, `predictions`, `chosen`, `images()`, `film()`, `parameters`.
    model : callable, optional
        Returns the run's final model when first needed (similar patches, activation maps).
    """

    _esm = script(
        "common.js", *VIEWER, *(f"browser_{part}.js" for part in ("filters", "list", "detail", "flags", "keys")),
        "browser.js",
    )  # fmt: skip
    _css = style("base.css", "browser.css")

    def __init__(self, study: Any, *, model: Any | None = None, page_size: int = PAGE) -> None:
        super().__init__()
        self.study, self.size = study, page_size
        self.table = outcomes.browse_table(study.patches, study.predictions, study.chosen)
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
            "flags": FLAGS,
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
        return {**answer, "rows": self._tiles(shown)}, self.thumbnails.page(shown["row"])

    def answer_detail(self, query: dict, position: int) -> Any:
        """The patch at a position of the filtered list."""
        row = self.rows(query).iloc[int(position)].to_dict()
        film = self.films.show(row)
        near = detail.neighbours_of(self._seen(query["network"]), row)
        tiles = self._tiles(near)
        for tile, neighbour in zip(tiles, near.to_dict("records"), strict=True):
            tile["box"] = _box(neighbour)
        answer = {
            "row": _tile(row),
            "facts": detail.facts_of(row),
            "answers": detail.answers_of(row),
            "equalisation": self.study.parameters["equalisation"],
            "scale": film.scale,
            "box": _box(row),
            "neighbours": tiles,
            "flags": self._flags_of(row["patch_id"]),
        }
        sees = png_bytes(self.images[row["row"]])
        before = png_bytes(self.films.reader_patch(row))
        return answer, [film.jpeg, before, sees, *self.thumbnails.page(near["row"])]

    def answer_find(self, query: dict, patch_id: str) -> Any:
        """Where a patch stands in the filtered list (-1: nowhere)."""
        found = (self.rows(query)["patch_id"] == patch_id).to_numpy().nonzero()[0]
        return {"position": int(found[0]) if len(found) else -1}, []

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
        called = "fresh" if row[f"p_fresh_{network}"] >= 0.5 else "old"
        picture, note = self.maps.of(row, self.images[row["row"]], network, called)
        return {"note": note}, [picture]

    def answer_flag(self, patch_id: str, flag: str, reviewer: str = "", network: str = "", comment: str = "") -> Any:
        """Keep a flag; the answer comes once it is on the disk."""
        if self._notes_off:
            raise ValueError(self._notes_off)
        self._row(patch_id)  # a flag on nothing would be lost in the review
        kept = self.flags.add(patch_id, flag, reviewer=reviewer, network=network, comment=comment)
        self._rows = Recent(self._select, keep=4)  # a list of flagged patches has changed
        return {"time": kept["time"], "flag": flag, "flags": self._flags_of(patch_id)}, []

    def answer_export(self) -> Any:
        """Write the list for joint review into the run and hand its text to the page."""
        if self._notes_off:
            raise ValueError(self._notes_off)
        path = self.flags.export(self.study.run / "flags_for_review.csv", self.table)
        count = len(pd.read_csv(path))
        text = path.read_text(encoding="utf-8")
        return {"path": str(path), "name": path.name, "text": text, "count": count}, []

    @property
    def _notes_off(self) -> str:
        """Why nothing can be noted in this run; empty where it can."""
        return getattr(self.study, "notes_off", "")

    # The list -------------------------------------------------------------------------------------------

    def rows(self, query: dict) -> pd.DataFrame:
        """The browse table filtered and sorted as the page asks; the last few lists are kept."""
        return self._rows(tuple(sorted(query.items())))

    def _select(self, items) -> pd.DataFrame:
        q = dict(items)
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

    @cached_property
    def _loading(self):
        """The final model on its way: torch takes seconds, for which the next patch need not wait."""
        return ThreadPoolExecutor(max_workers=1).submit(self._model)

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
    return tile | {"level": tile["level"] or "level unknown", "p_fresh": float(tile["p_fresh"])}


def _box(row) -> dict | None:
    box = detail.box_of(row)
    return dict(zip(("x0", "y0", "x1", "y1"), box, strict=True)) if box else None
