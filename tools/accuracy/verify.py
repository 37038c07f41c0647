"""Pairs of faces: who is the same person, and how alike the embeddings are."""

import numpy as np

import photos
from match import accepted


def largest(line: dict | None) -> dict | None:
    return max(accepted(line), key=lambda face: face["box"][2] * face["box"][3], default=None)


class Gallery:
    def __init__(self, entries: list[tuple[str, str, list[float]]]):
        """Entries: photo, person, embedding."""
        self.photos = [photo for photo, _, _ in entries]
        self.people = np.array([person for _, person, _ in entries])
        self.embeddings = np.array([embedding for _, _, embedding in entries])


def gallery(measured: dict[str, dict], identities: dict[str, str]) -> Gallery:
    entries = []
    for photo, person in identities.items():
        face = largest(measured.get(photo))
        if face is not None and "embedding" in face.get("vectors", {}):
            entries.append((photo, person, face["vectors"]["embedding"]))
    return Gallery(entries)


def all_pairs(g: Gallery, chosen=None) -> tuple[np.ndarray, np.ndarray]:
    """(cosines of pairs of the same person, of different people)."""
    keep = np.arange(len(g.people)) if chosen is None else np.flatnonzero(chosen)
    cosines = g.embeddings[keep] @ g.embeddings[keep].T
    first, second = np.triu_indices(len(keep), 1)
    same = g.people[keep][first] == g.people[keep][second]
    values = cosines[first, second]
    return values[same], values[~same]


def across(probe: Gallery, reference: Gallery) -> tuple[np.ndarray, np.ndarray]:
    """Every probe against every reference photo other than its own."""
    cosines = probe.embeddings @ reference.embeddings.T
    same = probe.people[:, None] == reference.people[None, :]
    itself = np.array(probe.photos)[:, None] == np.array(reference.photos)[None, :]
    return cosines[same & ~itself], cosines[~same]


def true_rate(same: np.ndarray, different: np.ndarray, false_rate: float) -> tuple[float, float]:
    """(share of pairs of one person above the threshold, threshold) where `false_rate` of the others are above it."""
    falling = np.sort(different)[::-1]
    threshold = falling[min(int(len(falling) * false_rate), len(falling) - 1)]
    return float((same > threshold).mean()), float(threshold)


def rank_one(g: Gallery) -> tuple[float, int]:
    """Share of photos whose most similar other photo shows the same person, among people with two photos or more."""
    cosines = g.embeddings @ g.embeddings.T
    np.fill_diagonal(cosines, -2)
    several = np.array([(g.people == person).sum() > 1 for person in g.people])
    right = g.people[cosines.argmax(1)] == g.people
    return float(right[several].mean()), int(several.sum())


def tail(different: np.ndarray) -> tuple[float, float]:
    """Slope and offset of log10(false match rate) over the cosine, fitted between one in a hundred and the rate that
    ten pairs still support: nearly a straight line there, which is how it is extended."""
    falling = np.sort(different)[::-1]
    ranks = np.unique(np.geomspace(10, max(len(falling) // 100, 20), 30).astype(int))
    slope, offset = np.polyfit(falling[ranks - 1], np.log10(ranks / len(falling)), 1)
    return float(slope), float(offset)
