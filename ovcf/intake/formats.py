"""The formats of annotations that `ovcf import` knows: an entry and a function each.

This module loads nothing else, so that the command can name the formats at no cost.
"""

import pkgutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple


class Format(NamedTuple):
    """One format: its name in words, its reader, and where it says whose a film is.

    `reader` is a function or "module:function"; called with the source (Path), the images (ImageIndex) and the
    options (ImportOptions), it yields a `Box` for what it could read and a `Problem` for what it could not.
    `patient_pattern` is the pattern of data sets whose file names hold the patient, as their authors say.
    """

    title: str
    reader: str | Callable[..., Iterator[Any]]
    patient_pattern: str | None = None

    def read(self, source: Path, images: Any, options: Any) -> Iterator[Any]:
        """Yield the boxes and problems of a source."""
        reader = pkgutil.resolve_name(self.reader) if isinstance(self.reader, str) else self.reader
        return reader(source, images, options)


_HERE = "ovcf.intake.importers"
# 0012-F-067Y1: subject, sex, age in years, view (0 frontal, 1 lateral)
_BUU_PATIENT = r"^(?P<patient>[^-]+)-(?P<sex>[FMfm])-(?P<age>\d{1,3})Y"

FORMATS: dict[str, Format] = {
    "yolo": Format("YOLO text files: boxes, oriented boxes, segments", f"{_HERE}.yolo:read_yolo"),
    "coco": Format("COCO JSON", f"{_HERE}.objects:read_coco"),
    "voc": Format("Pascal VOC XML", f"{_HERE}.objects:read_voc"),
    "labelme": Format("LabelMe JSON", f"{_HERE}.objects:read_labelme"),
    "vindr": Format("VinDr-SpineXR CSV", f"{_HERE}.tables:read_vindr"),
    "buu": Format("BUU-LSPINE CSV", f"{_HERE}.tables:read_buu", _BUU_PATIENT),
    "folders": Format("folders fresh/ and old/ of ready patches", f"{_HERE}.folders:read_folders"),
}
