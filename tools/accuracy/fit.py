#!/usr/bin/env python3
"""Fits models/calibration.json on the calibration half of the labelled people.

Reads what measure.py wrote. Fits the heads of the attributes, the emotions and the age, each on people whose number
falls into half 0 (photos.py), and leaves everything else in the file as it stands. Prints what unseen people of that
half say; the other half is report.py's.
"""

import argparse
import json
import pathlib
import sys

import numpy as np

import learn
import photos
import verify
from match import face_of, vector_names

# What each head reads. Few numbers where labels are few; "faceres.features" are 1024, tamed by the ridge.
HEADS = {
    "smile": ("smile", ["expression.neutral", "expression.happy", "expression.sad", "expression.angry",
                        "expression.fear", "expression.disgust", "expression.surprise", "blend.smile"]),
    "eyes_open": ("eyes_open", ["lids.closed.mean", "eye.openness.mean", "blend.blink.mean"]),
    "mouth_open": ("mouth_open", ["fine.mouth.gap", "mesh.mouth.gap", "blend.jaw_open"]),
    "eyeglasses": ("eyeglasses", ["faceres.features"]),
    "beard": ("beard", ["faceres.features", "male.small.logit", "male.second.logit", "texture.chin.dark",
                        "texture.chin.luma", "texture.chin.detail", "texture.chin.deviation", "texture.jaw.luma",
                        "texture.jaw.detail", "texture.jaw.deviation"]),
    "mustache": ("mustache", ["faceres.features", "male.small.logit", "male.second.logit", "texture.mustache.dark",
                              "texture.mustache.luma", "texture.mustache.detail", "texture.mustache.deviation"]),
    "gender_male": ("male", ["male.small.logit", "male.second.logit"]),
}
# Heads whose positives are painted, because there are hardly any real ones: painted variants that count as yes, as no.
PAINTED = {
    "sunglasses": ("sunglasses", ["faceres.features", "texture.sockets.dark", "texture.lids.luma",
                                  "texture.under_eyes.luma", "texture.lids.chroma", "texture.under_eyes.chroma"],
                   ("paint_sunglasses",), ("paint_glasses", "paint_mask", "paint_block")),
    "face_occluded": ("occluded", ["faceres.features", "texture.sockets.dark", "texture.mouth.chroma",
                                   "texture.mouth.luma", "texture.chin.chroma", "texture.jaw.chroma",
                                   "texture.nose_tip.chroma", "texture.lids.luma", "check.face.logit", "mesh.logit"],
                      ("paint_sunglasses", "paint_mask", "paint_block"), ("paint_glasses",)),
}
# How common they are taken to be; of the painted ones there are as many as one cares to paint.
PAINTED_SHARE = 0.08
EMOTION_INPUTS = ["expression.neutral", "expression.happy", "expression.sad", "expression.angry", "expression.fear",
                  "expression.disgust", "expression.surprise", "blend.root"]
EMOTION_CLASSES = ["HAPPY", "SAD", "ANGRY", "DISGUSTED", "SURPRISED", "CALM", "FEAR"]
EXPRESSION_OF = {"HAPPY": "expression.happy", "SAD": "expression.sad", "ANGRY": "expression.angry",
                 "DISGUSTED": "expression.disgust", "SURPRISED": "expression.surprise", "CALM": "expression.neutral",
                 "FEAR": "expression.fear"}
EXPRESSION_SHARE = 0.4
AGE_INPUTS = ["years.small", "years.second"]


def columns(faces: list[dict], inputs: list[str]) -> tuple[np.ndarray, list[tuple[str, int]]]:
    """A row a face, and for each column (measurement, place in it; -1 for a single number)."""
    names, parts = [], []
    for name in inputs:
        if name in vector_names(faces[0]):
            block = np.array([face["vectors"][name] for face in faces])
            names += [(name, i) for i in range(block.shape[1])]
        else:
            block = np.array([[face["measurements"][name]] for face in faces])
            names.append((name, -1))
        parts.append(block)
    return np.concatenate(parts, axis=1).astype(float), names


def head(weights: np.ndarray, bias: float, names: list[tuple[str, int]]) -> dict:
    """In the form of models/calibration.json."""
    result = {"bias": round(float(bias), 5)}
    for (name, place), weight in zip(names, weights):
        if place < 0:
            result.setdefault("weights", {})[name] = float(f"{weight:.5g}")
        else:
            result.setdefault("vectors", {}).setdefault(name, []).append(float(f"{weight:.3g}"))
    return result


def fit_flags(known, calibration: dict) -> None:
    for name, (flag, inputs) in HEADS.items():
        chosen = [(label, face) for label, face in known if flag in label.flags]
        x, names = columns([face for _, face in chosen], inputs)
        y = np.array([label.flags[flag] for label, _ in chosen], float)
        # Where there are more numbers than faces, the ridge is not left to chance.
        ridges = (10.0, 30.0, 100.0) if x.shape[1] > len(y) else learn.RIDGES
        trust = np.array([4.0 if place < 0 and x.shape[1] > len(y) else 1.0 for _, place in names])
        fitted = learn.fit_logistic(x, y, [label.person for label, _ in chosen], ridges, trust=trust)
        p = 1 / (1 + np.exp(-fitted["unseen"]))
        confidence = np.maximum(p, 1 - p)
        print(f"{name:12s} {len(y):4d} faces, {int(y.sum()):3d} yes, ridge {fitted['ridge']:g}: unseen people of this "
              f"half AUC {learn.auc(y, fitted['unseen']):.4f}, "
              f"right {((p > 0.5) == (y > 0)).mean():.3f}, ECE {learn.calibration_error(confidence, (p > 0.5) == (y > 0)):.3f}")
        calibration["logistic"][name] = head(fitted["weights"], fitted["bias"], names)


def painted_faces(variants, known, names) -> list[tuple[object, dict]]:
    people = {label.file: label for label, _ in known}
    found = []
    for name in names:
        for file, line in variants.get(name, {}).items():
            face = verify.largest(line)
            if face is not None and file in people:
                found.append((people[file], face))
    return found


def fit_painted(known, variants, calibration: dict) -> None:
    for name, (flag, inputs, yes, no) in PAINTED.items():
        chosen = [(label, face, label.flags[flag]) for label, face in known if flag in label.flags]
        chosen += [(label, face, True) for label, face in painted_faces(variants, known, yes)]
        chosen += [(label, face, False) for label, face in painted_faces(variants, known, no)]
        if sum(truth for _, _, truth in chosen) < 20:
            print(f"{name:12s} left as it is: nothing painted was measured")
            continue
        x, names = columns([face for _, face, _ in chosen], inputs)
        y = np.array([truth for _, _, truth in chosen], float)
        trust = np.array([4.0 if place < 0 else 1.0 for _, place in names])
        fitted = learn.fit_logistic(x, y, [label.person for label, _, _ in chosen], (10.0, 30.0, 100.0, 300.0),
                                    trust=trust)
        share = y.mean()
        shift = np.log(PAINTED_SHARE / (1 - PAINTED_SHARE)) - np.log(share / (1 - share))
        print(f"{name:12s} {len(y):4d} faces, {int(y.sum()):3d} yes (most painted), ridge {fitted['ridge']:g}: unseen people "
              f"of this half AUC {learn.auc(y, fitted['unseen']):.4f}")
        calibration["logistic"][name] = head(fitted["weights"], fitted["bias"] + shift, names)


def fit_emotions(known, calibration: dict) -> None:
    chosen = [(label, face) for label, face in known if label.emotion]
    x, names = columns([face for _, face in chosen], EMOTION_INPUTS)
    y = np.array([EMOTION_CLASSES.index(label.emotion) for label, _ in chosen])
    fitted = learn.fit_multinomial(x, y, len(EMOTION_CLASSES), [label.person for label, _ in chosen])
    print(f"emotions     {len(y)} faces, ridge {fitted['ridge']:g}, temperature {fitted['temperature']:.2f}: unseen people "
          f"of this half right {(fitted['unseen'].argmax(1) == y).mean():.3f}")
    # CK+ shows posed faces only, and a head fitted on them alone called broad smiles of everyday photos calm. The
    # expression network saw such photos: its own logits join in. The share is the one at which 95 % of the labelled
    # smiles outside CK+ are HAPPY while the posed faces of unseen people stay as they were.
    for i, name in enumerate(EMOTION_CLASSES):
        fitted["weights"][i, names.index((EXPRESSION_OF[name], -1))] += EXPRESSION_SHARE
    heads = {name: head(fitted["weights"][i], fitted["bias"][i], names) for i, name in enumerate(EMOTION_CLASSES)}
    # Nobody labelled confusion for us. By hand: what is left when a face is between calm, sad and angry at once.
    between = [EMOTION_CLASSES.index(name) for name in ("CALM", "SAD", "ANGRY")]
    heads["CONFUSED"] = head(fitted["weights"][between].mean(0), float(fitted["bias"][between].mean()) - 0.5, names)
    calibration["multinomial"]["emotions"] = heads


def fit_age(known, calibration: dict) -> None:
    chosen = [(label, face) for label, face in known if label.age is not None]
    x, names = columns([face for _, face in chosen], AGE_INPUTS)
    y = np.array([label.age for label, _ in chosen])
    w = learn.least_absolute(x, y, ridge=30)
    age = x @ w[:-1] + w[-1]
    calibration["linear"]["age"] = head(w[:-1], w[-1], names)
    # The range: as wide as makes three of four true ages fall into it, growing with age; the middle stays the estimate.
    off = np.abs(age - y)
    knots = np.array([0, 10, 25, 45, 65, 90.0])
    shape = np.interp(age, knots, [1.2, 4, 6, 8, 9, 10])
    factor = float(np.quantile(off / shape, 0.75))
    reach = factor * np.array([1.2, 4, 6, 8, 9, 10])
    calibration["curves"]["age_low"] = {"x": [-20.0, *knots.tolist()],
                                        "y": [0.0, *[round(max(float(v), 0), 2) for v in knots - reach]]}
    calibration["curves"]["age_high"] = {"x": [-20.0, *knots.tolist()],
                                         "y": [round(float(reach[0]), 2), *[round(float(v), 2) for v in knots + reach]]}
    print(f"age          {len(y)} faces: mean error {off.mean():.2f} years on this half, weights {np.round(w, 3)}")


# Similarity -> the false-match rate that it stands for, in powers of ten. 80 is where AWS's own default for a match
# lies: one false match in a thousand pairs of strangers; at 99, which AWS advises where much depends on it, one in 100,000.
ANCHORS = ((40, -2.0), (80, -3.0), (92, -4.0), (99, -5.0))


def fit_similarity(measured, known, identities, half: int, calibration: dict) -> None:
    """The map from cosine to similarity, from strangers of the calibration half."""
    chosen = {photo: person for photo, person in identities.items() if photos.half_of(f"identity {person}") == half}
    # One face each of further people who are no children: small children look alike to every such model.
    further = {label.file: label.person for label, _ in known
               if label.file.startswith("utk/") and label.age is not None and label.age >= 16}
    same, different = verify.all_pairs(verify.gallery(measured, chosen | further))
    slope, offset = verify.tail(different)
    at = {similarity: (power - offset) / slope for similarity, power in ANCHORS}
    print(f"similarity   {len(different)} pairs of strangers: log10 of the false-match rate = {slope:.2f} * cosine "
          f"{offset:+.2f}; cosine " + ", ".join(f"{value:.3f} -> {key}" for key, value in at.items()))
    low = float(np.quantile(different, 0.9))
    points = [(-1.0, 0.0), (0.0, 0.5), (low, 8.0), *((at[s], float(s)) for s, _ in ANCHORS),
              (at[99] + 0.15, 99.9), (1.0, 100.0)]
    calibration["curves"]["similarity"] = {"x": [round(x, 4) for x, _ in points], "y": [y for _, y in points]}
    rates = [(0.5, float((different > 0).mean())), (8.0, 0.1)]
    rates += [(y, 10 ** (slope * x + offset)) for x, y in points[3:-1]]
    rates.append((100.0, 10 ** (slope * 0.8 + offset)))
    calibration["curves"]["false_match_rate"] = {"x": [0.0] + [x for x, _ in rates],
                                                 "y": [1.0] + [float(f"{y:.3g}") for _, y in rates]}


def fit(variants, labels, identities, half: int, calibration: dict) -> dict:
    """The calibration with everything that is fitted replaced by what this half of the people says."""
    measured = variants["plain"]
    known = [(label, face) for label in labels if label.half == half
             and (face := face_of(label, measured.get(label.file))) is not None]
    calibration = json.loads(json.dumps(calibration))
    fit_flags(known, calibration)
    fit_painted(known, variants, calibration)
    fit_emotions(known, calibration)
    fit_age(known, calibration)
    fit_similarity(measured, known, identities, half, calibration)
    return calibration


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--eval")
    parser.add_argument("--measured", type=pathlib.Path, default=photos.ROOT / "build" / "accuracy")
    parser.add_argument("--calibration", type=pathlib.Path, default=photos.ROOT / "models" / "calibration.json",
                        help="read and written")
    parser.add_argument("--half", type=int, default=0, help="which half of the people to fit on")
    arguments = parser.parse_args()
    folder = photos.eval_folder(arguments.eval)
    variants = {path.stem: photos.load(path) for path in sorted(arguments.measured.glob("*.jsonl"))}
    if "plain" not in variants:
        sys.exit("accuracy: nothing was measured yet: run measure.py")
    fitted = fit(variants, photos.labels(folder), photos.identities(folder), arguments.half,
                 json.loads(arguments.calibration.read_text()))
    arguments.calibration.write_text(pretty(fitted) + "\n")
    return 0


def pretty(value, indent: int = 0) -> str:
    """JSON with a member a line, but lists of numbers on one."""
    pad = "  " * (indent + 1)
    if isinstance(value, dict) and value:
        members = [f"{pad}{json.dumps(key)}: {pretty(member, indent + 1)}" for key, member in value.items()]
        return "{\n" + ",\n".join(members) + "\n" + "  " * indent + "}"
    return json.dumps(value)


if __name__ == "__main__":
    sys.exit(main())
