"""Which found face a label or an annotated place belongs to."""

import math


def accepted(line: dict | None) -> list[dict]:
    return [face for face in (line or {}).get("faces", []) if face["confidence"] > 0]


def vector_names(face: dict) -> set[str]:
    return set(face.get("vectors", {}))


def contains(box, x: float, y: float) -> bool:
    left, top, width, height = box
    return left <= x <= left + width and top <= y <= top + height


def iou(a, b) -> float:
    across = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    down = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    if across <= 0 or down <= 0:
        return 0.0
    shared = across * down
    return shared / (a[2] * a[3] + b[2] * b[3] - shared)


def face_of(label, line: dict | None) -> dict | None:
    """The accepted face that a label means: the one around its place, or the largest if it names none."""
    faces = accepted(line)
    if not faces:
        return None
    if label.place is None:
        return max(faces, key=lambda face: face["box"][2] * face["box"][3])
    x, y = label.place[0] * line["width"], label.place[1] * line["height"]
    around = [face for face in faces if contains(face["box"], x, y)]
    middle = lambda face: math.hypot(face["box"][0] + face["box"][2] / 2 - x, face["box"][1] + face["box"][3] / 2 - y)
    return min(around, key=middle, default=None)


def assign(faces: list[dict], boxes) -> tuple[int, int]:
    """(annotated faces that were found, found faces that are none): greedy, each face for one place."""
    left = list(faces)
    found = 0
    for x, y in boxes.points:
        # A nose lies in the inner part of the face's box.
        near = [f for f in left if contains(f["box"], x, y)]
        if near:
            best = min(near, key=lambda f: math.hypot(f["box"][0] + f["box"][2] / 2 - x, f["box"][1] + f["box"][3] / 2 - y))
            left.remove(best)
            found += 1
    for box in boxes.boxes:
        best = max(left, key=lambda f: iou(f["box"], box), default=None)
        if best is not None and iou(best["box"], box) >= 0.3:
            left.remove(best)
            found += 1
    extra = [f for f in left if not any(iou(f["box"], box) > 0.1 or
                                        contains(box, f["box"][0] + f["box"][2] / 2, f["box"][1] + f["box"][3] / 2)
                                        for box in boxes.ignored)]
    return found, len(extra)
