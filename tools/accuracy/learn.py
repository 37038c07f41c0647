"""Small regularised heads, with nothing but numpy: logistic and multinomial regression, tuned and calibrated on folds
that keep a person together."""

import hashlib

import numpy as np

RIDGES = (0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0)


def folds(people: list[str], count: int) -> np.ndarray:
    """The same person always falls into the same fold."""
    return np.array([hashlib.sha256(f"fold {p}".encode()).digest()[0] % count for p in people])


class Scale:
    """Features to mean 0 and deviation 1, so that one ridge suits all; undone in the weights that are written."""

    def __init__(self, x: np.ndarray):
        self.mean = x.mean(0)
        self.deviation = np.maximum(x.std(0), 1e-6)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        return (x - self.mean) / self.deviation


def reduced(x: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """With more features than samples, the ridge solution lies in the span of the samples: solve it there."""
    if x.shape[1] <= x.shape[0]:
        return x, None
    _, values, vectors = np.linalg.svd(x, full_matrices=False)
    basis = vectors[values > 1e-8]
    return x @ basis.T, basis


def logistic(x: np.ndarray, y: np.ndarray, ridge: float) -> tuple[np.ndarray, float]:
    """Weights and bias; the bias is not shrunk. Newton's method with damping."""
    z, basis = reduced(x)
    design = np.c_[z, np.ones(len(z))]
    penalty = np.diag(np.r_[np.full(z.shape[1], ridge), 1e-9])
    w = np.zeros(design.shape[1])

    def loss(w):
        s = design @ w
        return np.logaddexp(0, s).sum() - s @ y + 0.5 * w @ penalty @ w

    value = loss(w)
    for _ in range(100):
        p = 1 / (1 + np.exp(-np.clip(design @ w, -50, 50)))
        gradient = design.T @ (p - y) + penalty @ w
        curvature = (design * (p * (1 - p) + 1e-9)[:, None]).T @ design + penalty
        step = np.linalg.solve(curvature, gradient)
        size = 1.0
        while size > 1e-6 and loss(w - size * step) > value:
            size /= 2
        w = w - size * step
        new = loss(w)
        if value - new < 1e-9 * (1 + abs(value)):
            break
        value = new
    weights = w[:-1] if basis is None else basis.T @ w[:-1]
    return weights, float(w[-1])


def platt(scores: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Slope and offset that make probabilities of scores which the fit has not seen. Targets are pulled in by one
    imagined case of each kind (Platt 1999), so that a clean separation does not claim certainty."""
    positives, negatives = y.sum(), (1 - y).sum()
    target = np.where(y > 0, (positives + 1) / (positives + 2), 1 / (negatives + 2))
    spread = max(float(scores.std()), 1e-6)
    design = np.c_[scores / spread, np.ones(len(scores))]
    w = np.array([1.0, 0.0])
    for _ in range(200):
        p = 1 / (1 + np.exp(-np.clip(design @ w, -50, 50)))
        gradient = design.T @ (p - target) + 1e-3 * np.array([w[0], 0])
        curvature = (design * (p * (1 - p) + 1e-6)[:, None]).T @ design + 1e-3 * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        w = w - step * min(1, 2 / max(np.abs(step).max(), 1e-9))
        if np.abs(step).max() < 1e-8:
            break
    return float(w[0] / spread), float(w[1])


def cross_entropy(scores: np.ndarray, y: np.ndarray) -> float:
    return float((np.logaddexp(0, scores) - scores * y).mean())


def fit_logistic(x: np.ndarray, y: np.ndarray, people: list[str], ridges=RIDGES, count: int = 8, trust=None) -> dict:
    """Picks the ridge by what unseen people say, then calibrates on the scores of unseen people. `trust`: for each
    column, how many times larger its scaled values are made, so that the ridge holds it back less."""
    fold = folds(people, count)
    if trust is None:
        trust = np.ones(x.shape[1])
    best = None
    for ridge in ridges:
        scores = np.zeros(len(y))
        for k in range(count):
            train, test = fold != k, fold == k
            if not test.any() or len(set(y[train])) < 2:
                continue
            scale = Scale(x[train])
            weights, bias = logistic(scale(x[train]) * trust, y[train], ridge)
            scores[test] = (scale(x[test]) * trust) @ weights + bias
        slope, offset = platt(scores, y)
        value = cross_entropy(slope * scores + offset, y)
        if best is None or value < best[0] - 1e-4:
            best = (value, ridge, slope, offset, scores)
    value, ridge, slope, offset, scores = best
    scale = Scale(x)
    weights, bias = logistic(scale(x) * trust, y, ridge)
    weights = weights * trust / scale.deviation
    bias -= float(weights @ scale.mean)
    return {"weights": weights * slope, "bias": bias * slope + offset, "ridge": ridge, "loss": value,
            "unseen": slope * scores + offset}


def multinomial(x: np.ndarray, y: np.ndarray, classes: int, ridge: float) -> tuple[np.ndarray, np.ndarray]:
    """Weights [classes, features] and biases: Newton on the joint problem; the features must be few."""
    n, d = x.shape
    design = np.c_[x, np.ones(n)]
    target = np.eye(classes)[y]
    penalty = np.r_[np.full(d, ridge), 1e-3]
    w = np.zeros((classes, d + 1))

    def shares(w):
        s = design @ w.T
        s -= s.max(1, keepdims=True)
        e = np.exp(s)
        return e / e.sum(1, keepdims=True)

    def loss(w):
        return -np.log(np.maximum((shares(w) * target).sum(1), 1e-300)).sum() + 0.5 * (w**2 * penalty).sum()

    value = loss(w)
    for _ in range(60):
        p = shares(w)
        gradient = (p - target).T @ design + w * penalty
        blocks = np.zeros((classes, d + 1, classes, d + 1))
        for a in range(classes):
            for b in range(a, classes):
                weight = p[:, a] * ((a == b) - p[:, b])
                block = (design * weight[:, None]).T @ design
                blocks[a, :, b, :] = block
                blocks[b, :, a, :] = block
        curvature = blocks.reshape(classes * (d + 1), -1) + np.diag(np.tile(penalty, classes)) + 1e-6 * np.eye(w.size)
        step = np.linalg.solve(curvature, gradient.ravel()).reshape(w.shape)
        size = 1.0
        while size > 1e-6 and loss(w - size * step) > value:
            size /= 2
        w = w - size * step
        new = loss(w)
        if value - new < 1e-8 * (1 + abs(value)):
            break
        value = new
    return w[:, :-1], w[:, -1]


def fit_multinomial(x: np.ndarray, y: np.ndarray, classes: int, people: list[str], ridges=(1, 3, 10, 30),
                    count: int = 5) -> dict:
    """As fit_logistic; what is calibrated on unseen people is the temperature."""
    fold = folds(people, count)
    best = None
    for ridge in ridges:
        scores = np.zeros((len(y), classes))
        for k in range(count):
            train, test = fold != k, fold == k
            if not test.any():
                continue
            scale = Scale(x[train])
            weights, bias = multinomial(scale(x[train]), y[train], classes, ridge)
            scores[test] = scale(x[test]) @ weights.T + bias
        for temperature in np.linspace(0.4, 3, 27):
            s = scores * temperature
            s = s - s.max(1, keepdims=True)
            value = float(-(s[np.arange(len(y)), y] - np.log(np.exp(s).sum(1))).mean())
            if best is None or value < best[0] - 1e-5:
                best = (value, ridge, temperature, scores)
    value, ridge, temperature, scores = best
    scale = Scale(x)
    weights, bias = multinomial(scale(x), y, classes, ridge)
    weights = weights / scale.deviation
    bias = bias - weights @ scale.mean
    return {"weights": weights * temperature, "bias": bias * temperature, "ridge": ridge, "temperature": temperature,
            "loss": value, "unseen": scores * temperature}


def least_absolute(x: np.ndarray, y: np.ndarray, ridge: float = 1e-2) -> np.ndarray:
    """Weights, bias last, of the smallest mean absolute error: reweighted least squares."""
    design = np.c_[x, np.ones(len(x))]
    weight = np.ones(len(x))
    w = np.zeros(design.shape[1])
    for _ in range(100):
        w = np.linalg.solve((design * weight[:, None]).T @ design + ridge * np.eye(design.shape[1]),
                            (design * weight[:, None]).T @ y)
        weight = 1 / np.maximum(np.abs(design @ w - y), 0.5)
    return w


def auc(y: np.ndarray, scores: np.ndarray) -> float:
    """Probability that a positive scores above a negative; ties count half."""
    values, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    rank = (last - (counts - 1) / 2)[inverse]
    positives, negatives = y.sum(), (1 - y).sum()
    if positives == 0 or negatives == 0:
        return float("nan")
    return float((rank[y > 0].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def calibration_error(confidence: np.ndarray, right: np.ndarray, low: float = 0.5) -> float:
    """Expected calibration error over ten bins of confidence from `low` to 1."""
    edges = np.linspace(low, 1, 11)
    place = np.clip(np.searchsorted(edges, confidence, side="right") - 1, 0, 9)
    error = 0.0
    for k in range(10):
        inside = place == k
        if inside.any():
            error += inside.sum() * abs(confidence[inside].mean() - right[inside].mean())
    return float(error / max(len(confidence), 1))
