"""What each kind of finding means and what to do about it: title, then one or two sentences."""

KINDS = {
    "missing_label": (
        "Label missing",
        "Fill the column `label` with fresh or old; an importer leaves it empty where its source has none.",
    ),
    "duplicate_patch": ("Same patch twice", "It counts twice in training and in the results. Keep one."),
    "duplicate_patch_across_patients": (
        "Same patch under two patients",
        "Folds by patient cannot keep the two apart, so a test fold holds what was trained on. Find out whose it is.",
    ),
    "near_duplicate_patch": (
        "Nearly the same patch",
        "Exported, resized or mirrored again, or a box drawn twice. Keep one.",
    ),
    "near_duplicate_patch_across_patients": (
        "Nearly the same patch under two patients",
        "Look at the pictures: if they are one film, one patient has two ids and folds leak.",
    ),
    "same_film_two_patients": (
        "One film, two patients",
        "Give both the same patient_id; otherwise folds leak.",
    ),
    "duplicate_film": (
        "Same film twice",
        "One patient's film under two names: harmless for folds by patient, but it counts twice.",
    ),
    "blank_patch": ("Blank patch", "Nothing to see here; the box or the film is wrong."),
    "dark_patch": ("Dark patch", "Nearly black: a wrong window, an inverted film or a box off the spine."),
    "bright_patch": ("Bright patch", "Nearly white: a wrong window, an inverted film or metal."),
    "blurred_patch": (
        "Blurred patch",
        "Motion, heavy compression or enlargement. If one class is blurred more often, a network learns that.",
    ),
    "tiny_patch": (
        "Tiny patch",
        "Enlarged several times for the network; check that the film is at full size.",
    ),
    "spacing_unknown": (
        "Pixel spacing known for some only",
        "Margins in mm and margins in pixels are not the same crop. Give mm_per_px for all, or for none.",
    ),
    "spacing_outlier": (
        "Unusual pixel spacing",
        "A typing mistake, another unit, or a film resized after export.",
    ),
    "size_in_mm": ("Impossible size in mm", "Box and spacing do not fit together."),
    "identifying_fields": ("Header identifies the patient", "Run `ovcf deidentify` before the films travel."),
    "burned_in_text": (
        "Text in the pixels",
        "Look at it: a name or a date must be painted over, and any text differs between hospitals.",
    ),
    "age_differs": ("Several ages for one patient", "Two studies years apart, or two patients under one id."),
    "sex_differs": ("Two sexes for one patient", "Two patients under one id, or a typing mistake."),
    "odd_age": ("Unlikely age", "The study's patients are 60 or older."),
    "patients_with_both_classes": (
        "Patients with fresh and old",
        "No fault, but a split by patch puts the same bones on both sides. Use split: patient.",
    ),
    "rare_class": ("One class is rare", "Judge by AUC and by recall of the rarer class."),
    "uneven_level": (
        "A level that tells the label",
        "A network that recognises the level scores well without seeing a fracture.",
    ),
    "label_shortcut": (
        "A shortcut to the label",
        "Something other than the fracture predicts the label. Balance it, "
        "stratify by it, or report results within its groups.",
    ),
    "excluded_patient": (
        "Excluded, but in the cohort",
        "studies.csv says this patient does not meet the criteria.",
    ),
    "patient_not_in_studies": ("Not in studies.csv", "Figure 1 cannot count this patient."),
    "label_against_both": ("Label against both annotators", "A typing mistake, or a decision worth a note."),
    "low_agreement": ("Annotators agree little", "The label's own reliability limits any accuracy."),
}


def title(kind: str) -> str:
    """The title of a kind; kinds without one (errors of the reader) are their own words."""
    return KINDS[kind][0] if kind in KINDS else kind.replace("_", " ").capitalize()


def advice(kind: str) -> str:
    """What to do about it, or nothing."""
    return KINDS[kind][1] if kind in KINDS else ""
