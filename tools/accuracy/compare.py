#!/usr/bin/env python3
"""How much each raw measurement tells by itself, without any fitting: what the choice of the heads' inputs rests on.

Prints the AUC of single measurements for each attribute on all labelled faces (turned round where less means yes), the
share of posed emotions that each expression model tells by its largest number, and the error of each age model.
"""

import argparse
import pathlib
import sys

import numpy as np

import learn
import photos
from match import face_of

SINGLE = {
    "smile": ["mesh.smile.ratio", "fine.smile.ratio", "mesh.mouth.corner_lift", "blend.smile", "emotion.happy",
              "expression.happy.logit"],
    "mouth_open": ["mesh.mouth.gap", "fine.mouth.gap", "blend.jaw_open"],
    "eyes_open": ["mesh.eye.left.opening", "eye.openness.mean", "fine.eye.opening.mean", "blend.blink.mean",
                  "lids.closed.mean"],
    "eyeglasses": ["texture.glasses.bridge", "texture.glasses.rims"],
    "sunglasses": ["texture.sockets.dark", "texture.lids.luma"],
    "beard": ["texture.chin.dark", "texture.chin.detail", "texture.jaw.detail"],
    "mustache": ["texture.mustache.dark", "texture.mustache.detail"],
    "male": ["faceres.male.logit", "male.small.logit", "male.second.logit"],
    "occluded": ["texture.mouth.chroma", "texture.sockets.dark", "mesh.logit"],
}
EXPRESSIONS = {
    "emotion model": {"HAPPY": "emotion.happy", "SAD": "emotion.sad", "ANGRY": "emotion.angry",
                      "DISGUSTED": "emotion.disgust", "SURPRISED": "emotion.surprise", "FEAR": "emotion.fear",
                      "CALM": "emotion.neutral"},
    "expression network": {"HAPPY": "expression.happy", "SAD": "expression.sad", "ANGRY": "expression.angry",
                           "DISGUSTED": "expression.disgust", "SURPRISED": "expression.surprise",
                           "FEAR": "expression.fear", "CALM": "expression.neutral"},
}
AGES = ["age.expectation", "years.small", "years.second"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--eval")
    parser.add_argument("--measured", type=pathlib.Path, default=photos.ROOT / "build" / "accuracy")
    arguments = parser.parse_args()
    measured = photos.load(arguments.measured / "plain.jsonl")
    known = [(label, face["measurements"]) for label in photos.labels(photos.eval_folder(arguments.eval))
             if (face := face_of(label, measured.get(label.file))) is not None]
    print("| attribute | measurement | faces | yes | AUC |\n|---|---|---|---|---|")
    for flag, names in SINGLE.items():
        for name in names:
            chosen = [(label.flags[flag], values[name]) for label, values in known if flag in label.flags and name in values]
            if not chosen:
                continue
            y, x = np.array(chosen, float).T
            value = learn.auc(y, x)
            print(f"| {flag} | {name} | {len(y)} | {int(y.sum())} | {max(value, 1 - value):.4f} |")
    print("\n| expressions (ck) | photos | right | right among the six |\n|---|---|---|---|")
    for title, names in EXPRESSIONS.items():
        chosen = [(label.emotion, values) for label, values in known
                  if label.file.startswith("ck/") and all(n in values for n in names.values())]
        if chosen:
            six = {k: n for k, n in names.items() if k != "CALM"}
            right = [max(names, key=lambda k: values[names[k]]) == truth for truth, values in chosen]
            among = [max(six, key=lambda k: values[six[k]]) == truth for truth, values in chosen]
            print(f"| {title} | {len(chosen)} | {np.mean(right):.3f} | {np.mean(among):.3f} |")
    print("\n| age (utk) | faces | mean error | correlation |\n|---|---|---|---|")
    for name in AGES:
        chosen = [(label.age, values[name]) for label, values in known if label.age is not None and name in values]
        if chosen:
            truth, estimate = np.array(chosen).T
            print(f"| {name} | {len(truth)} | {np.abs(truth - estimate).mean():.2f} | "
                  f"{np.corrcoef(truth, estimate)[0, 1]:.3f} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
