"""The tools that fit and report the calibration, on made-up numbers: no photos, no program."""

import json
import os
import pathlib
import subprocess
import sys

import pytest

# One thread: these problems are small, and threads that wait for one another are slow on a busy machine.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
numpy = pytest.importorskip("numpy")
ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools" / "accuracy"))

import heads  # noqa: E402
import learn  # noqa: E402
import match  # noqa: E402
import photos  # noqa: E402
import verify  # noqa: E402


def made_up(count=400, columns=3, seed=7):
    """Answers drawn with the probabilities that a known head gives."""
    dice = numpy.random.default_rng(seed)
    x = dice.normal(size=(count, columns)) * [1, 5, 0.2][:columns] + 3
    truth = 1.5 * (x[:, 0] - 3) - 0.2 * (x[:, 1] - 3)
    y = (dice.random(count) < 1 / (1 + numpy.exp(-truth))).astype(float)
    return x, y, [f"p{i // 2}" for i in range(count)], truth


def test_a_fitted_head_gives_probabilities_that_hold():
    x, y, people, truth = made_up(1000)
    fitted = learn.fit_logistic(x, y, people)
    p = 1 / (1 + numpy.exp(-(x @ fitted["weights"] + fitted["bias"])))
    assert learn.auc(y, p) == pytest.approx(learn.auc(y, truth), abs=0.01)
    assert learn.calibration_error(numpy.maximum(p, 1 - p), (p > 0.5) == (y > 0)) < 0.03


def test_more_columns_than_faces_do_not_overfit():
    dice = numpy.random.default_rng(1)
    x, y, people, _ = made_up(120)
    noise = numpy.c_[x, dice.normal(size=(120, 500))]
    fitted = learn.fit_logistic(noise, y, people, (10.0, 30.0, 100.0), trust=numpy.r_[[4.0] * 3, numpy.ones(500)])
    p = 1 / (1 + numpy.exp(-fitted["unseen"]))
    assert learn.calibration_error(numpy.maximum(p, 1 - p), (p > 0.5) == (y > 0)) < 0.15
    assert learn.auc(y, fitted["unseen"]) > 0.65


def test_a_clean_separation_does_not_claim_certainty():
    scores = numpy.r_[numpy.full(5, -1.0), numpy.full(5, 1.0)]
    y = numpy.r_[numpy.zeros(5), numpy.ones(5)]
    slope, offset = learn.platt(scores, y)
    assert 0.8 < 1 / (1 + numpy.exp(-(slope + offset))) < 0.95


def test_classes_are_told_apart():
    dice = numpy.random.default_rng(3)
    y = numpy.arange(300) % 3
    x = dice.normal(size=(300, 2)) + numpy.array([[0, 0], [4, 0], [0, 4]])[y]
    fitted = learn.fit_multinomial(x, y, 3, [f"p{i}" for i in range(300)])
    assert ((x @ fitted["weights"].T + fitted["bias"]).argmax(1) == y).mean() > 0.95


def test_ties_count_half_in_the_area_under_the_curve():
    assert learn.auc(numpy.array([1, 0, 1, 0.0]), numpy.array([1, 1, 1, 1.0])) == 0.5
    assert learn.auc(numpy.array([1, 0, 1, 0.0]), numpy.array([2, 1, 2, 1.0])) == 1


def test_a_person_is_in_one_half_and_the_halves_are_alike_in_size():
    halves = [photos.half_of(f"person {i}") for i in range(1000)]
    assert halves == [photos.half_of(f"person {i}") for i in range(1000)]
    assert 400 < sum(halves) < 600


def test_a_finding_counts_for_one_annotated_face():
    boxes = photos.Boxes(points=[(50, 50), (52, 50)])
    face = {"box": [0, 0, 100, 100]}
    assert match.assign([face], boxes) == (1, 0)
    assert match.assign([face, {"box": [300, 300, 10, 10]}], boxes) == (1, 1)


def test_the_tail_of_the_false_match_rate_is_followed():
    dice = numpy.random.default_rng(5)
    strangers = dice.exponential(0.05, 100_000)
    slope, offset = verify.tail(strangers)
    assert slope * 0.5 + offset == pytest.approx(-0.5 / 0.05 / numpy.log(10), abs=0.4)


def test_the_shipped_calibration_is_well_formed_and_its_curves_rise():
    calibration = json.loads((ROOT / "models" / "calibration.json").read_text())
    for name in ("similarity", "age_low", "age_high"):
        curve = calibration["curves"][name]
        assert curve["x"] == sorted(set(curve["x"])) and curve["y"] == sorted(curve["y"]), name
    rates = calibration["curves"]["false_match_rate"]["y"]
    assert rates == sorted(rates, reverse=True)
    face = {"measurements": {}, "vectors": {}}
    assert sum(heads.distribution(calibration, "emotions", face).values()) == pytest.approx(1)


def test_without_photos_nothing_is_measured_and_nothing_fails(tmp_path):
    done = subprocess.run([ROOT / "tools" / "accuracy" / "run.sh", tmp_path / "none"], capture_output=True, text=True)
    assert done.returncode == 0
    assert "nothing is measured" in done.stdout
