"""The face server that a user would write: FastAPI, OpenCV, onnxruntime (and LiteRT for the TFLite models), with the models
that Likeness uses. The peer of bench/http_bench.py. It checks no signature, stores nothing, calibrates nothing, and runs the
detector once, on the whole image, so that it finds no small faces; the answer is what the models say.

    uvicorn server:app --port 4700 --workers 2        (in this folder; LIKENESS_CACHE says where the models are)
"""

import os
import pathlib
import threading

import cv2
import numpy as np
import onnxruntime
from ai_edge_litert.interpreter import Interpreter
from fastapi import FastAPI, HTTPException, Request
from fastapi.concurrency import run_in_threadpool

from tfjs_to_onnx import convert

MODELS = pathlib.Path(os.environ.get("LIKENESS_CACHE", pathlib.Path.home() / ".cache/likeness")) / "models"
TEMPLATE = np.array([[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]],
                    np.float32)
cv2.setNumThreads(1)


def onnx_session(model) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


class LiteModel:
    """A TFLite interpreter is not thread-safe: one for each worker thread."""

    def __init__(self, name: str):
        self.name, self.local = name, threading.local()

    def __call__(self, image: np.ndarray) -> list[np.ndarray]:
        if not hasattr(self.local, "interpreter"):
            self.local.interpreter = Interpreter(str(MODELS / self.name), num_threads=1)
            self.local.interpreter.allocate_tensors()
        interpreter = self.local.interpreter
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], image)
        interpreter.invoke()
        return [interpreter.get_tensor(o["index"]) for o in interpreter.get_output_details()]


detector = onnx_session(str(MODELS / "fr_detect.onnx"))
embedder = onnx_session(str(MODELS / "fr_feature.onnx"))
eye_state = onnx_session(str(MODELS / "fr_eye.onnx"))
second_age = onnx_session(str(MODELS / "dlib_age.onnx"))
second_gender = onnx_session(str(MODELS / "dlib_gender.onnx"))
age_gender = onnx_session(convert(MODELS / "faceres.json").SerializeToString())
small_age = onnx_session(convert(MODELS / "age_gender.json").SerializeToString())
expression = onnx_session(convert(MODELS / "face_expression.json").SerializeToString())
mesh_model = LiteModel("face_landmark.tflite")
check_model = LiteModel("onet.tflite")
fine_mesh_model = LiteModel("face_landmarks_detector.tflite")
blendshape_model = LiteModel("face_blendshapes.tflite")
iris_model = LiteModel("iris_landmark.tflite")
MEAN = np.array([122.782, 117.001, 104.298], np.float32)
people = np.random.default_rng(1).normal(size=(10_000, 512)).astype(np.float32)
people /= np.linalg.norm(people, axis=1, keepdims=True)
app = FastAPI()


def run(session: onnxruntime.InferenceSession, tensor: np.ndarray) -> list[np.ndarray]:
    return session.run(None, {session.get_inputs()[0].name: tensor})


def detect(image: np.ndarray) -> list[np.ndarray]:
    small = cv2.resize(image, (320, 240)).astype(np.float32)
    outputs = run(detector, ((small - 127) / 128).transpose(2, 0, 1)[None])
    scores = next(o for o in outputs if o.shape[-1] == 2)[0, :, 1]
    boxes = next(o for o in outputs if o.shape[-1] == 4)[0]
    keep = scores > 0.65
    height, width = image.shape[:2]
    boxes, scores = boxes[keep] * [width, height, width, height], scores[keep]
    as_xywh = np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1)
    chosen = cv2.dnn.NMSBoxes(as_xywh.tolist(), scores.tolist(), 0.65, 0.4)
    return sorted((as_xywh[i] for i in np.array(chosen).reshape(-1)), key=lambda b: -b[2] * b[3])


def crop(image: np.ndarray, centre, side: float, angle: float, size: int) -> tuple[np.ndarray, np.ndarray]:
    matrix = cv2.getRotationMatrix2D((float(centre[0]), float(centre[1])), angle, size / side)
    matrix[:, 2] += size / 2 - np.asarray(centre)
    return cv2.warpAffine(image, matrix, (size, size)), matrix


def back(points: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    return cv2.transform(points[None, :, :2].astype(np.float32), cv2.invertAffineTransform(matrix))[0]


def mesh_of(image: np.ndarray, box: np.ndarray) -> tuple[np.ndarray, float]:
    centre, side, angle = box[:2] + box[2:] / 2, 1.5 * max(box[2:]), 0.0
    for _ in range(2):
        patch, matrix = crop(image, centre, side, angle, 192)
        outputs = mesh_model(patch[None].astype(np.float32) / 255)
        points = back(next(o for o in outputs if o.size == 1404).reshape(468, 3), matrix)
        low, high = points.min(axis=0), points.max(axis=0)
        centre, side = (low + high) / 2, 1.5 * max(high - low)
        eyes = points[263] - points[33]
        angle = float(np.degrees(np.arctan2(eyes[1], eyes[0])))
    score = next(o for o in outputs if o.size == 1).reshape(-1)[0]
    return points, float(1 / (1 + np.exp(-score)))


def five_points(mesh: np.ndarray) -> np.ndarray:
    return np.stack([mesh[[33, 133, 159, 145]].mean(axis=0), mesh[[263, 362, 386, 374]].mean(axis=0), mesh[1], mesh[61],
                     mesh[291]]).astype(np.float32)


def openness(image: np.ndarray, mesh: np.ndarray, corners: tuple[int, int], mirrored: bool) -> float:
    ends = mesh[list(corners)]
    patch, _ = crop(image, ends.mean(axis=0), 2.3 * float(np.linalg.norm(ends[1] - ends[0])), 0, 64)
    if mirrored:
        patch = patch[:, ::-1]
    contour = next(o for o in iris_model(patch[None].astype(np.float32) / 255) if o.size == 213).reshape(71, 3)[:, :2]
    lids = [np.linalg.norm(contour[a] - contour[b]) for a, b in ((3, 11), (4, 12), (5, 13))]
    return float(np.mean(lids) / max(np.linalg.norm(contour[0] - contour[8]), 1e-6))


def closed(image: np.ndarray, mesh: np.ndarray, corners: tuple[int, int]) -> list[float]:
    ends = mesh[list(corners)]
    patch, _ = crop(image, ends.mean(axis=0), 2.3 * float(np.linalg.norm(ends[1] - ends[0])), 0, 24)
    grey = cv2.cvtColor(patch, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
    return run(eye_state, grey[None, None])[0].reshape(-1).tolist()


def describe(image: np.ndarray, box: np.ndarray) -> dict | None:
    mesh, score = mesh_of(image, box)
    if score < 0.5:
        return None
    low, high = mesh.min(axis=0), mesh.max(axis=0)
    centre, side = (low + high) / 2, float(max(high - low))
    eyes = mesh[263] - mesh[33]
    angle = float(np.degrees(np.arctan2(eyes[1], eyes[0])))

    def patch(size: int, grown: float, turned: float = 0) -> np.ndarray:
        return crop(image, centre, grown * side, turned, size)[0]

    check = check_model((patch(48, 1.1).astype(np.float32)[None] - 127.5) / 128)
    fine = fine_mesh_model(patch(256, 1.5, angle).astype(np.float32)[None] / 255)
    points = next(o for o in fine if o.size == 1434).reshape(478, 3)
    blends = blendshape_model(points[None, :146, :2].astype(np.float32))[0].reshape(-1)
    ages = run(age_gender, patch(224, 1.2).astype(np.float32)[None])
    level = ((patch(112, 1.0, angle).astype(np.float32) - MEAN) / 255)[None]
    years, _ = run(small_age, level)[:2]
    expressions = (run(expression, level)[0] + run(expression, np.ascontiguousarray(level[:, :, ::-1]))[0]).reshape(-1)
    chip = ((patch(64, 1.1, angle).astype(np.float32) - MEAN) / 256).transpose(2, 0, 1)[None]
    second = run(second_age, chip)[0].reshape(-1)
    men = run(second_gender, ((patch(32, 1.1, angle).astype(np.float32) - MEAN) / 256).transpose(2, 0, 1)[None])[0]
    return {
        "box": [float(v) for v in box], "confidence": score, "checked": [float(o.reshape(-1)[0]) for o in check],
        "landmarks": five_points(mesh).tolist(),
        "age": float((next(a for a in ages if a.size == 100).reshape(-1) * np.arange(100)).sum()),
        "other_ages": [float(years.reshape(-1)[0]), float(second.argmax())],
        "male": float(next(a for a in ages if a.size == 1).reshape(-1)[0]), "other_male": men.reshape(-1).tolist(),
        "emotions": [float(v) for v in expressions], "blendshapes": [float(v) for v in blends],
        "eyes_open": [openness(image, mesh, (33, 133), False), openness(image, mesh, (362, 263), True)],
        "eyes_closed": [closed(image, mesh, (33, 133)), closed(image, mesh, (362, 263))],
    }


def decode(body: bytes) -> np.ndarray:
    image = cv2.imdecode(np.frombuffer(body, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise HTTPException(400, "not an image")
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def detect_all(body: bytes) -> dict:
    image = decode(body)
    return {"faces": [f for f in (describe(image, box) for box in detect(image)) if f]}


def search_largest(body: bytes) -> dict:
    image = decode(body)
    for box in detect(image):
        mesh, score = mesh_of(image, box)
        if score < 0.5:
            continue
        matrix, _ = cv2.estimateAffinePartial2D(five_points(mesh), TEMPLATE, method=cv2.LMEDS)
        patch = cv2.warpAffine(image, matrix, (112, 112)).astype(np.float32)
        vector = run(embedder, ((patch - 127) / 128).transpose(2, 0, 1)[None])[0].reshape(-1)
        cosines = people @ (vector / np.linalg.norm(vector))
        best = np.argsort(-cosines)[:5]
        return {"matches": [{"person": int(i), "cosine": float(cosines[i])} for i in best]}
    raise HTTPException(400, "no face")


@app.post("/detect")
async def detect_route(request: Request) -> dict:
    return await run_in_threadpool(detect_all, await request.body())


@app.post("/search")
async def search_route(request: Request) -> dict:
    return await run_in_threadpool(search_largest, await request.body())
