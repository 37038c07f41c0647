"""Turns a TF.js graph model (model.json and its .bin) into ONNX for onnxruntime: the operators of the age/gender and
emotion models, NHWC kept at the edges."""

import base64
import json
import pathlib

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def load_weights(folder: pathlib.Path, manifest: list) -> dict[str, np.ndarray]:
    weights = {}
    for group in manifest:
        data = b"".join((folder / path).read_bytes() for path in group["paths"])
        offset = 0
        for weight in group["weights"]:
            stored = weight.get("quantization", {}).get("dtype", weight["dtype"])
            count = int(np.prod(weight["shape"], dtype=np.int64))
            array = np.frombuffer(data, dtype=stored, count=count, offset=offset)
            offset += array.nbytes
            if "scale" in weight.get("quantization", {}):
                array = array * weight["quantization"]["scale"] + weight["quantization"]["min"]
            weights[weight["name"]] = array.reshape(weight["shape"]).astype(weight["dtype"])
    return weights


def text(attribute: dict) -> list[str]:
    return [base64.b64decode(s).decode() for s in attribute["list"].get("s", [])]


def convert(path: pathlib.Path) -> onnx.ModelProto:
    document = json.loads(path.read_text())
    manifest = document["weightsManifest"]
    if not all((path.parent / name).exists() for group in manifest for name in group["paths"]):
        manifest = [manifest[0] | {"paths": [path.with_suffix(".bin").name]}]
    weights = load_weights(path.parent, manifest)
    nodes, initializers, inputs, finals = [], [], [], []
    used = set()

    def constant(name: str, array: np.ndarray) -> str:
        initializers.append(numpy_helper.from_array(array, name))
        return name

    def convolution(node: dict, source: str, target: str, depthwise: bool) -> None:
        kernel = weights[node["input"][1]]
        if depthwise:
            height, width, channels, multiplier = kernel.shape
            kernel, group = kernel.transpose(2, 3, 0, 1).reshape(channels * multiplier, 1, height, width), channels
        else:
            kernel, group = kernel.transpose(3, 2, 0, 1), 1
        strides = [int(i) for i in node["attr"]["strides"]["list"]["i"]][1:3]
        same = base64.b64decode(node["attr"]["padding"]["s"]) == b"SAME"
        fused = text(node["attr"]["fused_ops"]) if node["op"].startswith("_Fused") else []
        names = [source, constant(target + "/kernel", np.ascontiguousarray(kernel))]
        if "BiasAdd" in fused:
            names.append(constant(target + "/bias", weights[node["input"][2]]))
        result = target + "/linear" if "Relu" in fused else target
        nodes.append(helper.make_node("Conv", names, [result], strides=strides, group=group,
                                      auto_pad="SAME_UPPER" if same else "VALID"))
        if "Relu" in fused:
            nodes.append(helper.make_node("Relu", [result], [target]))

    def channel_constant(name: str) -> str:
        array = weights[name]
        array = array.reshape(1, -1, 1, 1) if array.ndim == 1 else array
        return constant(name + f"/use{len(initializers)}", array)

    for node in document["modelTopology"]["node"]:
        kind, name, sources = node["op"], node["name"], [s.split(":")[0] for s in node.get("input", [])]
        used.update(sources)
        if kind == "Const":
            continue
        if kind == "Placeholder":
            size = [int(d["size"]) for d in node["attr"]["shape"]["shape"]["dim"]]
            inputs.append(helper.make_tensor_value_info(name + "_nhwc", TensorProto.FLOAT, [1] + size[1:]))
            nodes.append(helper.make_node("Transpose", [name + "_nhwc"], [name], perm=[0, 3, 1, 2]))
        elif kind in ("Conv2D", "_FusedConv2D", "DepthwiseConv2dNative"):
            convolution(node, sources[0], name, kind.startswith("Depthwise"))
        elif kind == "MaxPool":
            nodes.append(helper.make_node(
                "MaxPool", sources[:1], [name], kernel_shape=[int(i) for i in node["attr"]["ksize"]["list"]["i"]][1:3],
                strides=[int(i) for i in node["attr"]["strides"]["list"]["i"]][1:3], auto_pad="SAME_UPPER"))
        elif kind == "Mean":
            nodes.append(helper.make_node("GlobalAveragePool", sources[:1], [name + "/4d"]))
            nodes.append(helper.make_node("Flatten", [name + "/4d"], [name]))
        elif kind == "_FusedMatMul":
            parts = [sources[0], constant(name + "/matrix", weights[sources[1]]), constant(name + "/bias", weights[sources[2]])]
            relu = "Relu" in text(node["attr"]["fused_ops"])
            nodes.append(helper.make_node("Gemm", parts, [name + "/linear" if relu else name]))
            if relu:
                nodes.append(helper.make_node("Relu", [name + "/linear"], [name]))
        else:
            operator = {"Add": "Add", "AddV2": "Add", "Mul": "Mul", "Minimum": "Min", "Maximum": "Max", "Relu": "Relu",
                        "Sigmoid": "Sigmoid", "Softmax": "Softmax", "Identity": "Identity"}[kind]
            parts = [channel_constant(s) if s in weights else s for s in sources]
            nodes.append(helper.make_node(operator, parts, [name]))
    for node in document["modelTopology"]["node"]:
        last = node["op"] in ("Sigmoid", "Softmax", "_FusedMatMul") and node["name"] not in used - {"Identity"}
        if last or node["op"] == "Identity":
            finals.append(helper.make_tensor_value_info(node["name"], TensorProto.FLOAT, None))
    graph = helper.make_graph(nodes, path.stem, inputs, finals, initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return model
