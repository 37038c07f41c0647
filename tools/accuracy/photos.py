"""The labelled photos: which there are, what is known of them, and which half of the people they belong to."""

import csv
import hashlib
import json
import os
import pathlib
import xml.etree.ElementTree as xml
from dataclasses import dataclass, field

SALT = 2762
HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
ATTRIBUTES = ("smile", "eyes_open", "mouth_open", "eyeglasses", "sunglasses", "beard", "mustache", "occluded", "male")
# Folder of ck/ -> type of emotion. Contempt has no counterpart among AWS's eight and is left out.
EMOTIONS = {"happy": "HAPPY", "sadness": "SAD", "anger": "ANGRY", "disgust": "DISGUSTED", "surprise": "SURPRISED",
            "fear": "FEAR"}


def eval_folder(given: str | None) -> pathlib.Path:
    return pathlib.Path(given or os.environ.get("LIKENESS_EVAL") or ROOT.parent / "shared" / "eval").resolve()


def half_of(person: str) -> int:
    """0 = the half that is fitted on, 1 = the half that is reported. By person, never by photo. The salt was chosen so that
    the halves hold about as many positive labels of each attribute, and by nothing else."""
    return hashlib.sha256(f"{SALT} {person}".encode()).digest()[0] & 1


@dataclass
class Label:
    """What is known of one face. `place` is the middle of the face in ratios of the photo; None = the only face."""
    file: str
    place: tuple[float, float] | None
    person: str
    flags: dict[str, bool] = field(default_factory=dict)
    age: float | None = None
    emotion: str | None = None

    @property
    def half(self) -> int:
        return half_of(self.person)


def labels(folder: pathlib.Path) -> list[Label]:
    found = []
    by_file = {}
    for row in csv.DictReader((HERE / "labels.csv").open()):
        if not (folder / row["file"]).exists():
            continue
        label = Label(row["file"], (float(row["x"]), float(row["y"])), f"person {row['person']}",
                      {name: row[name] == "1" for name in ATTRIBUTES if row[name]})
        # Nobody seen with a face at rest: calm. Only where the mouth is closed and the eyes are open.
        suffix = row["file"].split(".")[1] if row["file"].startswith("yale/") else ""
        at_rest = row["smile"] == "0" and row["mouth_open"] == "0" and row["eyes_open"] == "1"
        if at_rest and row["file"].startswith(("yale/", "orl/", "deepface/", "utk/")) and suffix not in ("sad", "surprised"):
            label.emotion = "CALM"
        found.append(label)
        by_file[row["file"]] = label
    ages = folder / "age_gender.csv"
    if ages.exists():
        for row in csv.DictReader(ages.open()):
            label = by_file.get(row["file"])
            if label is None:
                label = Label(row["file"], None, row["file"])
                found.append(label)
            label.age = float(row["age"])
            label.flags["male"] = row["gender"] == "male"
    for name, emotion in EMOTIONS.items():
        for path in sorted((folder / "ck" / name).glob("*.png")):
            found.append(Label(f"ck/{name}/{path.name}", None, f"ck {path.name[:4]}", emotion=emotion))
    return found


@dataclass
class Boxes:
    """Where faces are in a photo. `points` are noses, `boxes` are left, top, width, height in pixels; `ignored` boxes may
    be found or not."""
    points: list[tuple[float, float]] = field(default_factory=list)
    boxes: list[tuple[float, float, float, float]] = field(default_factory=list)
    ignored: list[tuple[float, float, float, float]] = field(default_factory=list)


def faces_by_nose(folder: pathlib.Path) -> dict[str, Boxes]:
    found: dict[str, Boxes] = {}
    table = folder / "compreface" / "noses.csv"
    if table.exists():
        for row in csv.DictReader(table.open()):
            boxes = found.setdefault(f"compreface/{row['file']}", Boxes())
            if row["nose_x"]:
                boxes.points.append((float(row["nose_x"]), float(row["nose_y"])))
    return found


def faces_by_box(folder: pathlib.Path) -> dict[str, Boxes]:
    found: dict[str, Boxes] = {}
    for table in ("training.xml", "testing.xml"):
        path = folder / "dlibfaces" / table
        if not path.exists():
            continue
        for image in xml.parse(path).getroot().iter("image"):
            boxes = found.setdefault(f"dlibfaces/{pathlib.Path(image.get('file')).name}", Boxes())
            for box in image.iter("box"):
                place = tuple(float(box.get(side)) for side in ("left", "top", "width", "height"))
                (boxes.ignored if box.get("ignore") == "1" else boxes.boxes).append(place)
    return {file: boxes for file, boxes in found.items() if (folder / file).exists()}


def identities(folder: pathlib.Path) -> dict[str, str]:
    table = folder / "identities.csv"
    if not table.exists():
        return {}
    return {row["file"]: row["identity"] for row in csv.DictReader(table.open())}


def photos(folder: pathlib.Path) -> list[str]:
    kinds = (".jpg", ".jpeg", ".png")
    wanted = ("ck", "compreface", "deepface", "dlibfaces", "fapi", "human", "orl", "spoof", "utk", "yale", "voc")
    return sorted(str(path.relative_to(folder)) for name in wanted for path in (folder / name).rglob("*")
                  if path.suffix.lower() in kinds and path.name.isascii())


def load(path: pathlib.Path) -> dict[str, dict]:
    """Lines of likeness_measure by photo."""
    return {line["photo"]: line for line in map(json.loads, path.open())}
