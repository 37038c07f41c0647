#!/usr/bin/env python3
"""Prints how good the face analysis is on the labelled photos, and writes it as a table.

Reads what measure.py wrote. Attributes, ages and emotions are reported on the half of the people that fit.py does not
see; detection, verification, rotation and liveness were fitted on nothing and are reported on all photos. The
confidences are those of the program itself; --calibration takes another file instead, to try it.
"""

import argparse
import contextlib
import io
import json
import pathlib
import sys

import numpy as np

import fit
import heads
import learn
import match
import photos
import verify

FLAGS = {"smile": "smile", "eyes_open": "eyes_open", "mouth_open": "mouth_open", "eyeglasses": "eyeglasses",
         "sunglasses": "sunglasses", "beard": "beard", "mustache": "mustache", "face_occluded": "occluded",
         "gender_male": "male"}


class Report:
    def __init__(self):
        self.lines: list[str] = []

    def title(self, text: str) -> None:
        self.lines += ["", f"## {text}", ""]

    def text(self, text: str) -> None:
        self.lines.append(text)

    def table(self, names: list[str], rows: list[list]) -> None:
        self.lines += ["| " + " | ".join(names) + " |", "|" + "---|" * len(names)]
        for row in rows:
            self.lines.append("| " + " | ".join(str(cell) for cell in row) + " |")


def number(value: float, digits: int = 3) -> str:
    return "-" if value is None or np.isnan(value) else f"{value:.{digits}f}"


def detection(report: Report, measured, folder) -> None:
    report.title("Detection")
    rows = []
    for name, places in (("compreface (nose points)", photos.faces_by_nose(folder)),
                         ("dlibfaces (boxes)", photos.faces_by_box(folder))):
        total = found = extra = 0
        for file, boxes in places.items():
            if file not in measured:
                continue
            hits, more = match.assign(match.accepted(measured[file]), boxes)
            total += len(boxes.points) + len(boxes.boxes)
            found, extra = found + hits, extra + more
        rows.append([name, len(places), total, found, extra])
    report.table(["set", "photos", "annotated faces", "found", "further findings"], rows)
    single = [f for f in measured if f.startswith(("orl/", "yale/", "utk/", "deepface/", "ck/"))]
    sets = {}
    for file in single:
        sets.setdefault(file.split("/")[0], []).append(len(match.accepted(measured[file])))
    report.text("")
    report.text("Photos of one person: " + ", ".join(
        f"{name} {sum(1 for n in counts if n >= 1)}/{len(counts)} found, {sum(max(n - 1, 0) for n in counts)} further"
        for name, counts in sorted(sets.items())) + ".")


def verification(report: Report, measured, variants, identities, calibration) -> None:
    report.title("Verification (all pairs of identities.csv)")
    whole = verify.gallery(measured, identities)
    colour = np.array([p.startswith(("deepface/", "human/", "compreface/")) for p in whole.photos])
    rows = []

    def row(name, same, different, rank="-"):
        rows.append([name, len(same), len(different),
                     number(learn.auc(np.r_[np.ones(len(same)), np.zeros(len(different))], np.r_[same, different]), 5),
                     number(verify.true_rate(same, different, 0.01)[0]), number(verify.true_rate(same, different, 0.001)[0]),
                     rank])

    hits, count = verify.rank_one(whole)
    row("all", *verify.all_pairs(whole), f"{hits:.3f} of {count}")
    row("colour photos", *verify.all_pairs(whole, colour))
    for width in (40, 24):
        small = variants.get(f"small_{width}")
        if small:
            row(f"{width} px wide against full size", *verify.across(verify.gallery(small, identities), whole))
    report.table(["faces", "same", "different", "AUC", "TPR at FPR 1 %", "TPR at FPR 0.1 %", "rank-1"], rows)

    report.title("What a similarity stands for")
    same, different = verify.all_pairs(whole)
    held = {p: i for p, i in identities.items() if photos.half_of(f"identity {i}") == 1}
    held_same, held_different = verify.all_pairs(verify.gallery(measured, held))
    points = calibration["curves"]["similarity"]
    rates = calibration["curves"]["false_match_rate"]
    rows = []
    for similarity in (50, 70, 80, 90, 95, 99):
        cosine = float(np.interp(similarity, points["y"], points["x"]))
        rows.append([similarity, number(cosine), f"{heads.curve(rates, similarity):.1e}",
                     f"{(held_different >= cosine).sum()} of {len(held_different)}",
                     f"{(different >= cosine).sum()} of {len(different)}",
                     number((held_same >= cosine).mean()), number((same >= cosine).mean())])
    report.table(["similarity", "cosine", "false-match rate stated", "strangers above it, held-out people",
                  "strangers above it, all", "same person above it, held-out", "same person above it, all"], rows)


def turned(report: Report, measured, variants) -> None:
    report.title("Turned photos")
    rows = []
    for name, quarter, extra in (("turned_30", 0, 30), ("rotated_90", 1, 0), ("rotated_180", 2, 0)):
        lines = variants.get(name)
        if not lines:
            continue
        found = further = right = 0
        for file, line in lines.items():
            faces = match.accepted(line)
            before = verify.largest(measured.get(file))
            if before is None:
                continue
            if faces:
                found += 1
                further += len(faces) - 1
                face = max(faces, key=lambda f: f["box"][2] * f["box"][3])
                turn = face["pose"]["roll"] - before["pose"]["roll"] - quarter * 90 - extra
                right += abs((turn + 180) % 360 - 180) < 10
        rows.append([name.replace("_", " "), len(lines), found, further, right])
    report.table(["photos", "count", "found", "further findings", "roll within 10 degrees"], rows)


def flag_probability(face: dict, name: str, calibration, own: bool) -> float:
    if own:
        finding = face["attributes"][name]
        share = finding["confidence"] / 100
        return share if finding["value"] else 1 - share
    return heads.probability(calibration, name, face)


def attributes(report: Report, held, calibration, own: bool, title="Attributes, people that the fit has not seen") -> None:
    report.title(title)
    rows = []
    for name, flag in FLAGS.items():
        chosen = [(label.flags[flag], flag_probability(face, name, calibration, own)) for label, face in held
                  if flag in label.flags]
        if not chosen:
            continue
        y = np.array([one for one, _ in chosen], float)
        p = np.array([two for _, two in chosen])
        confidence, right = np.maximum(p, 1 - p), (p >= 0.5) == (y > 0)
        sure = confidence > 0.9
        rows.append([name, len(y), int(y.sum()), number(learn.auc(y, p), 4), number(right.mean()),
                     number(learn.calibration_error(confidence, right)),
                     number((p[y > 0] > 0.9).mean() if y.any() else np.nan),
                     number((p[y == 0] < 0.1).mean() if (1 - y).any() else np.nan),
                     f"{int((sure & ~right).sum())} of {int(sure.sum())}"])
    report.table(["attribute", "faces", "yes", "AUC", "right", "ECE", "yes above 90", "no above 90",
                  "wrong among those above 90"], rows)
    adults = [(label.flags["male"], flag_probability(face, "gender_male", calibration, own), label.age)
              for label, face in held if "male" in label.flags and label.age is not None]
    for name, part in (("16 and older", [a for a in adults if a[2] >= 16]), ("younger", [a for a in adults if a[2] < 16])):
        if part:
            report.text("" if name == "16 and older" else "")
            report.text(f"Gender in utk, {name}: {np.mean([(p >= 0.5) == y for y, p, _ in part]):.3f} right of {len(part)}.")


def photo_check(report: Report, held, everyone, calibration, own: bool) -> None:
    """The rule that the photo check starts from: four findings, each as wanted and above 90."""
    wanted = {"smile": False, "sunglasses": False, "eyes_open": True, "mouth_open": False}
    rows = []
    for name, part in (("people not seen", held), ("all", everyone)):
        good = bad = passed = let_through = 0
        for label, face in part:
            truth = [label.flags.get(flag) for flag in wanted]
            violated = any(t is not None and t != w for t, w in zip(truth, wanted.values()))
            if not violated and None in truth:
                continue
            passes = all((p if want else 1 - p) > 0.9 for flag, want in wanted.items()
                         for p in [flag_probability(face, flag, calibration, own)])
            good, bad = good + (not violated), bad + violated
            passed, let_through = passed + (passes and not violated), let_through + (passes and violated)
        rows.append([name, good, number(passed / max(good, 1)), bad, number(let_through / max(bad, 1)), let_through])
    report.title("Photo check: no smile, no sunglasses, eyes open, mouth closed, each above 90")
    report.table(["faces", "good ones", "of them pass", "bad ones", "of them pass", "count"], rows)


def ages(report: Report, held, calibration, own: bool) -> None:
    rows = []
    chosen = []
    for label, face in held:
        if label.age is None:
            continue
        estimate = heads.value(calibration["linear"]["age"], face)
        if own:
            low, high = face["attributes"]["age_range"]
        else:
            low, high = (round(heads.curve(calibration["curves"][side], estimate)) for side in ("age_low", "age_high"))
        chosen.append((label.age, max(estimate, 0), low, high))
    if not chosen:
        return
    report.title("Age (utk), people that the fit has not seen")
    table = np.array(chosen, float)
    for name, low, high in (("all", 0, 200), ("0-9", 0, 10), ("10-19", 10, 20), ("20-39", 20, 40), ("40-59", 40, 60),
                            ("60-79", 60, 80), ("80 and older", 80, 200)):
        part = table[(table[:, 0] >= low) & (table[:, 0] < high)]
        if not len(part):
            continue
        age, estimate, first, last = part.T
        rows.append([name, len(part), number(np.abs(estimate - age).mean(), 2), number((estimate - age).mean(), 2),
                     number(np.abs((first + last) / 2 - age).mean(), 2), number(((age >= first) & (age <= last)).mean()),
                     number((last - first).mean(), 1)])
    report.table(["age", "faces", "mean error", "bias", "mean error of the middle of AgeRange", "in AgeRange",
                  "mean width of AgeRange"], rows)


def both_halves(report: Report, everyone, variants, labels, identities, calibration, half: int) -> None:
    """Twice as many faces: each half judged by what was fitted on the other one."""
    with contextlib.redirect_stdout(io.StringIO()):
        other = fit.fit(variants, labels, identities, half, calibration)
    parts = [([one for one in everyone if one[0].half == half], calibration),
             ([one for one in everyone if one[0].half != half], other)]
    report.title("Both halves of the people, each judged by what was fitted on the other")
    rows = []
    for name, flag in FLAGS.items():
        chosen = [(label.flags[flag], flag_probability(face, name, used, False)) for part, used in parts
                  for label, face in part if flag in label.flags]
        y, p = np.array(chosen, float).T
        confidence, right = np.maximum(p, 1 - p), (p >= 0.5) == (y > 0)
        rows.append([name, len(y), int(y.sum()), number(learn.auc(y, p), 4), number(right.mean()),
                     number(learn.calibration_error(confidence, right))])
    report.table(["attribute", "faces", "yes", "AUC", "right", "ECE"], rows)
    off = [abs(max(heads.value(used["linear"]["age"], face), 0) - label.age) for part, used in parts
           for label, face in part if label.age is not None]
    told = []
    for part, used in parts:
        for label, face in part:
            if label.emotion and label.file.startswith("ck/"):
                share = heads.distribution(used, "emotions", face)
                told.append(max(share, key=share.get) == label.emotion)
    report.text("")
    report.text(f"Age: mean error {np.mean(off):.2f} years of {len(off)}. Posed emotions: {np.mean(told):.3f} right of "
                f"{len(told)}.")


def emotions(report: Report, held, everyone, calibration, own: bool) -> None:
    def shares(face):
        if own:
            return {name: value / 100 for name, value in face["attributes"]["emotions"].items()}
        return heads.distribution(calibration, "emotions", face)

    report.title("Emotions")
    rows = []
    for name, part in (("ck, people that the fit has not seen", [h for h in held if h[0].file.startswith("ck/")]),
                       ("faces at rest (CALM), people not seen", [h for h in held if h[0].emotion == "CALM"]),
                       ("ck, all", [h for h in everyone if h[0].file.startswith("ck/")])):
        found = [(label.emotion, shares(face)) for label, face in part if label.emotion]
        if not found:
            continue
        best = [max(share, key=share.get) for _, share in found]
        right = np.array([b == truth for b, (truth, _) in zip(best, found)])
        confidence = np.array([max(share.values()) for _, share in found])
        each = {truth: np.mean([b == truth for b, (t, _) in zip(best, found) if t == truth])
                for truth in sorted({t for t, _ in found})}
        rows.append([name, len(found), number(right.mean()), number(learn.calibration_error(confidence, right, 0.0)),
                     ", ".join(f"{truth.lower()} {value:.2f}" for truth, value in each.items())])
    report.table(["photos", "count", "right", "ECE", "of each"], rows)


def liveness(report: Report, measured) -> None:
    report.title("Liveness")
    fakes, real = [], []
    for file, line in measured.items():
        for face in match.accepted(line):
            if "liveness" not in face["attributes"]:
                continue
            if file.startswith("spoof/"):
                (real if "T1" in file else fakes).append((file, face["attributes"]["liveness"]))
            elif file.startswith("deepface/"):
                real.append((file, face["attributes"]["liveness"]))
    report.text(f"Fakes below 50: {sum(1 for _, v in fakes if v < 50)} of {len(fakes)}"
                f" ({', '.join(f'{f} {v:.0f}' for f, v in fakes)});"
                f" real above 50: {sum(1 for _, v in real if v >= 50)} of {len(real)}."
                " Two fakes are no evidence of anything more than that the model runs.")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--eval")
    parser.add_argument("--measured", type=pathlib.Path, default=photos.ROOT / "build" / "accuracy")
    parser.add_argument("--calibration", type=pathlib.Path, help="judge the measurements by this file")
    parser.add_argument("--half", type=int, default=1, help="the half of the people to report on")
    arguments = parser.parse_args()
    folder = photos.eval_folder(arguments.eval)
    variants = {path.stem: photos.load(path) for path in sorted(arguments.measured.glob("*.jsonl"))}
    measured = variants.pop("plain")
    calibration = json.loads((arguments.calibration or photos.ROOT / "models" / "calibration.json").read_text())
    own = arguments.calibration is None
    everyone = []
    for label in photos.labels(folder):
        face = match.face_of(label, measured.get(label.file))
        if face is not None:
            everyone.append((label, face))
    held = [one for one in everyone if one[0].half == arguments.half]
    report = Report()
    report.text("# Measured accuracy")
    report.text("")
    report.text(f"{len(measured)} photos; {len(everyone)} labelled faces of {len({l.person for l, _ in everyone})} people, "
                f"{len(held)} of {len({l.person for l, _ in held})} in the half reported.")
    detection(report, measured, folder)
    verification(report, measured, variants, photos.identities(folder), calibration)
    turned(report, measured, variants)
    attributes(report, held, calibration, own)
    photo_check(report, held, everyone, calibration, own)
    ages(report, held, calibration, own)
    emotions(report, held, everyone, calibration, own)
    both_halves(report, everyone, variants | {"plain": measured}, photos.labels(folder), photos.identities(folder),
                calibration, arguments.half)
    liveness(report, measured)
    text = "\n".join(report.lines) + "\n"
    print(text)
    (arguments.measured / "report.md").write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
