"""How an annotator goes through the annotation page, by mouse and keys, and films to do so with."""

import numpy as np
import pandas as pd
from PIL import Image
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid

PAGE = ".annotate"


def wrap_as_dicom(source, path, patient):
    """Write a picture's greys as a DICOM film of 12 of 16 bits."""
    greys = np.asarray(Image.open(source).convert("L")).astype("<u2") * 16
    meta = FileMetaDataset()
    meta.TransferSyntaxUID, meta.MediaStorageSOPClassUID = ExplicitVRLittleEndian, SecondaryCaptureImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    ds = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    ds.SOPClassUID, ds.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    ds.PatientID, ds.Modality, ds.PixelSpacing = patient, "DX", [0.5, 0.5]
    ds.Rows, ds.Columns = greys.shape
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 12, 11, 0
    ds.SamplesPerPixel, ds.PhotometricInterpretation, ds.PixelData = 1, "MONOCHROME2", greys.tobytes()
    ds.save_as(path, enforce_file_format=True)


class Hand:
    """An annotator's mouse on the film in sight; remembers where each box was drawn, in px of the film."""

    def __init__(self, page, sizes):
        self.page, self.sizes, self.drawn = page, sizes, {}

    @property
    def film(self):
        return self.page.locator(PAGE).get_attribute("data-film")

    def wait_film(self, film):
        self.page.wait_for_selector(f"{PAGE}[data-film='{film}']")

    def place(self, x, y):
        """Where a point of the film is on the screen, in whole px, and the point of the film there."""
        canvas = self.page.locator(f"{PAGE} canvas.film").bounding_box()
        width, height = self.sizes[self.film]
        zoom = min(canvas["width"] / width, canvas["height"] / height)
        left = canvas["x"] + canvas["width"] / 2 - width / 2 * zoom
        top = canvas["y"] + canvas["height"] / 2 - height / 2 * zoom
        at = round(left + x * zoom), round(top + y * zoom)
        return at, ((at[0] - left) / zoom, (at[1] - top) / zoom)

    def draw(self, box, level, label, keys=True):
        """Drag a box, say level (unless it is counted) and label, and wait until all is on the disk."""
        one, other = self.drag(box[:2], box[2:])
        for key in (level[0].lower(), *level[1:]) if keys else ():
            self.page.keyboard.press(key)
        self.page.keyboard.press(label)
        self.kept()
        self.drawn[self.film, level] = (*one, *other)

    def drag(self, start, end):
        """Draw a box of no vertebra in hand; returns its two corners as the mouse hit them, px of the film."""
        (start, one), (end, other) = self.place(*start), self.place(*end)
        self.page.keyboard.press("Escape")
        self.page.mouse.move(*start)
        self.page.mouse.down()
        self.page.mouse.move(*end, steps=3)
        self.page.mouse.up()
        return one, other

    def kept(self):
        """Wait until nothing waits for the kernel."""
        self.page.wait_for_function("document.querySelector('.annotate').dataset.waiting === '0'")

    def done(self):
        """Call the film done; nothing of it may be missing."""
        self.page.keyboard.press("d")

    def all_done(self):
        """The last film's word is on the disk, and the page's word on it still stands."""
        self.kept()
        assert self.page.locator(".told").inner_text().startswith("Every film is done.")


def annotate_film(hand, boxes, labels):
    """Draw two boxes, take a third as it is proposed; returns what was kept of the third."""
    for k, (box, label) in enumerate(zip(boxes[:2], labels[:2], strict=True)):
        hand.draw(box, ("T11", "T12")[k], label, keys=k == 0)
    hand.page.wait_for_function("Number(document.querySelector('.annotate').dataset.proposals) > 0")
    hand.page.keyboard.press("Enter")
    hand.page.keyboard.press(labels[2])
    hand.kept()


def real_boxes(path):
    """The boxes of a real frontal film, px, from above."""
    width, height = Image.open(path).size
    lines = (path.parents[1] / "labels" / f"{path.stem}.txt").read_text().splitlines()
    boxes = [list(map(float, line.split()[1:])) for line in lines if len(line.split()) == 5]
    found = [
        ((x - w / 2) * width, (y - h / 2) * height, (x + w / 2) * width, (y + h / 2) * height) for x, y, w, h in boxes
    ]
    return sorted(found, key=lambda box: box[1])


def marks_of(cohort):
    """Every mark of a cohort's annotators.csv."""
    return pd.read_csv(cohort / "annotators.csv", keep_default_na=False)
