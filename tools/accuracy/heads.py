"""What models/calibration.json makes of measurements: the same formulas as src/vision/calibration.cpp."""

import numpy as np


def value(head: dict, face: dict) -> float:
    total = head.get("bias", 0.0)
    for name, weight in head.get("weights", {}).items():
        total += weight * face["measurements"].get(name, 0.0)
    for name, weights in head.get("vectors", {}).items():
        values = face.get("vectors", {}).get(name, [])
        count = min(len(values), len(weights))
        total += float(np.dot(weights[:count], values[:count]))
    return total


def curve(points: dict, at: float) -> float:
    return float(np.interp(at, points["x"], points["y"]))


def probability(calibration: dict, name: str, face: dict) -> float:
    head = calibration["logistic"][name]
    p = 1 / (1 + np.exp(-value(head, face)))
    return min(max(curve(calibration["curves"][head["curve"]], p), 0), 1) if head.get("curve") else float(p)


def distribution(calibration: dict, name: str, face: dict) -> dict[str, float]:
    heads = calibration["multinomial"][name]
    scores = np.array([value(head, face) for head in heads.values()])
    shares = np.exp(scores - scores.max())
    return dict(zip(heads, shares / shares.sum()))
