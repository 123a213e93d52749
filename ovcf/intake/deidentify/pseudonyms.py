"""Names that cannot be turned back without a key: ids, file names, UIDs and shifted dates from HMAC-SHA256.

The same key gives the same names again, so films that come later join the same patients. Whoever has the key
and a list of ids can redo the mapping: the key file stays with the hospital and never lies in the folder that
leaves.
"""

import datetime as dt
import hashlib
import hmac
import json
import secrets
from pathlib import Path

from pydicom.uid import UID_dictionary

from ovcf.files import writing
from ovcf.problems import InputError, Problem

HEX = 16  # 64 bits: among a million ids two meet with a chance of 1 in 37 million, and then it is refused
SHIFT_DAYS = (365, 3650)  # dates move back by one to ten years, the same for all dates of a patient
STANDARD_UID = "1.2.840.10008."  # transfer syntaxes, classes: the standard's own words, nobody's identity


class Pseudonyms:
    """All replacements made with one key; remembers which patient became which, for the key file.

    Parameters
    ----------
    key : bytes
        32 random bytes.
    """

    def __init__(self, key: bytes) -> None:
        self.key = key
        self.patients: dict[str, str] = {}
        self._taken: dict[tuple[str, str], str] = {}

    def name(self, kind: str, text: str) -> str:
        """A name for an id: 16 hex digits; different kinds ("patient", "film") never share one."""
        name = self._mac(kind, text).hex()[:HEX]
        if self._taken.setdefault((kind, name), text) != text:
            raise InputError(Problem("collision", f"two {kind} ids would get the same name; use another key file"))
        return name

    def patient(self, patient_id: str) -> str:
        """A patient's new id."""
        name = f"P{self.name('patient', patient_id)}"
        self.patients[name] = patient_id
        return name

    def uid(self, uid: str) -> str:
        """A new UID (2.25 and 128 bits as a number, PS3.5 B.2); the standard's own stay."""
        if not uid or (uid.startswith(STANDARD_UID) and uid in UID_dictionary):
            return uid
        return f"2.25.{int.from_bytes(self._mac('uid', uid)[:16])}"

    def days(self, patient_id: str) -> int:
        """How many days a patient's dates move back."""
        low, high = SHIFT_DAYS
        return low + int.from_bytes(self._mac("date", patient_id)[:8]) % (high - low + 1)

    def moved(self, day: dt.date, patient_id: str) -> dt.date:
        """A day moved back by the patient's own number of days."""
        return day - dt.timedelta(days=self.days(patient_id))

    def _mac(self, kind: str, text: str) -> bytes:
        return hmac.new(self.key, f"{kind}\0{text}".encode("utf-8", "surrogateescape"), hashlib.sha256).digest()


def read_or_make_key(path: Path) -> bytes:
    """The key in a key file, or a new one where there is no such file (it is written by `write_key`)."""
    if not path.exists():
        return secrets.token_bytes(32)
    try:
        key = bytes.fromhex(json.loads(path.read_text(encoding="utf-8"))["key"])
    except (OSError, ValueError, KeyError, TypeError):
        key = b""
    if len(key) != 32:
        raise InputError(
            Problem("bad_key", "not a key file of `ovcf deidentify`; name a new file, or mend this one", str(path))
        )
    return key


def write_key(path: Path, names: Pseudonyms) -> None:
    """Write the key and the patients it renamed (with those already there), readable by the owner only."""
    known = {}
    if path.exists():
        known = json.loads(path.read_text(encoding="utf-8")).get("patients", {})
    content = {
        "what": "Key of ovcf deidentify. Keep it where the de-identified folder never goes.",
        "key": names.key.hex(),
        "patients": dict(sorted({**known, **names.patients}.items())),
    }
    with writing(path, "w", private=True, errors="surrogateescape") as stream:
        json.dump(content, stream, indent=1)
