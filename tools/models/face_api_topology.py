#!/usr/bin/env python3
"""Writes the topologies of two networks that come as bare weights, as TensorFlow.js graph models.

npm @vladmandic/face-api ships its expression network and its age and gender network as a list of named weights and one
binary file; how the layers hang together is stated only in its code. The files written here say it in the form that
the TF.js importer reads, so that these models load like any other. Run it again when the package changes:

    tools/models/face_api_topology.py PACKAGE/model models/topologies

Input of both: 112 x 112 RGB, (value - [122.782, 117.001, 104.298]) / 255, NHWC.
"""

import base64
import json
import pathlib
import sys


def text(value: str) -> dict:
    return {"s": base64.b64encode(value.encode()).decode()}


def integers(values) -> dict:
    return {"list": {"i": [str(v) for v in values]}}


class Graph:
    def __init__(self, manifest: list, size: int = 112):
        self.manifest = manifest
        self.weights = {w["name"]: w["shape"] for group in manifest for w in group["weights"]}
        self.nodes = [{"name": name, "op": "Const", "attr": {"dtype": {"type": "DT_FLOAT"}}} for name in self.weights]
        self.shape = [1, size, size, 3]
        self.nodes.append({"name": "input", "op": "Placeholder", "attr": {
            "dtype": {"type": "DT_FLOAT"},
            "shape": {"shape": {"dim": [{"size": str(s)} for s in self.shape]}}}})
        self.outputs: list[str] = []

    def add(self, name: str, op: str, inputs: list[str], **attributes) -> str:
        self.nodes.append({"name": name, "op": op, "input": inputs,
                           "attr": {"T": {"type": "DT_FLOAT"}, **attributes}})
        return name

    def fused(self, op: str, name: str, inputs: list[str], **attributes) -> str:
        """An operation with its bias; all activations of these networks are nodes of their own."""
        return self.add(name, op, inputs, num_args={"i": "1"}, epsilon={"f": 0},
                        fused_ops={"list": {"s": [text("BiasAdd")["s"]]}}, **attributes)

    def conv(self, x: str, layer: str, stride: int, filters: str = "filters") -> str:
        return self.fused("_FusedConv2D", layer + "/out", [x, f"{layer}/{filters}", f"{layer}/bias"],
                          strides=integers([1, stride, stride, 1]), dilations=integers([1, 1, 1, 1]),
                          padding=text("SAME"), data_format=text("NHWC"))

    def separable(self, x: str, layer: str, stride: int) -> str:
        depth = self.add(layer + "/depthwise", "DepthwiseConv2dNative", [x, f"{layer}/depthwise_filter"],
                         strides=integers([1, stride, stride, 1]), dilations=integers([1, 1, 1, 1]),
                         padding=text("SAME"), data_format=text("NHWC"))
        return self.conv(depth, layer, 1, "pointwise_filter")

    def relu(self, x: str) -> str:
        return self.add(x + "/relu", "Relu", [x])

    def sum(self, name: str, *terms: str) -> str:
        total = terms[0]
        for i, term in enumerate(terms[1:]):
            total = self.add(f"{name}{i}" if i + 2 < len(terms) else name, "AddV2", [total, term])
        return total

    def pool(self, x: str) -> str:
        return self.add(x + "/pool", "MaxPool", [x], ksize=integers([1, 3, 3, 1]), strides=integers([1, 2, 2, 1]),
                        padding=text("SAME"), data_format=text("NHWC"))

    def mean(self, x: str, name: str) -> str:
        # The axes are not among the weights: `write` puts them into the graph.
        self.outputs.append(name)
        return self.add(name, "Mean", [x, "axes"], keep_dims={"b": False}, Tidx={"type": "DT_INT32"})

    def dense(self, x: str, layer: str, name: str) -> str:
        self.outputs.append(name)
        return self.fused("_FusedMatMul", name, [x, f"{layer}/weights", f"{layer}/bias"],
                          transpose_a={"b": False}, transpose_b={"b": False})

    def write(self, path: pathlib.Path, about: str) -> None:
        axes = {"name": "axes", "op": "Const", "attr": {
            "dtype": {"type": "DT_INT32"},
            "value": {"tensor": {"dtype": "DT_INT32", "tensorShape": {"dim": [{"size": "2"}]}, "intVal": [1, 2]}}}}
        groups = [{"paths": g["paths"], "weights": g["weights"]} for g in self.manifest]
        signature = {"inputs": {"input": {"name": "input:0"}},
                     "outputs": {name: {"name": name + ":0"} for name in self.outputs}}
        model = {"format": "graph-model", "generatedBy": about, "signature": signature,
                 "modelTopology": {"node": [axes, *self.nodes]}, "weightsManifest": groups}
        path.write_text(json.dumps(model, separators=(",", ":"), sort_keys=True) + "\n")


def expression(g: Graph) -> None:
    """Four densely connected blocks of four convolutions, each block halving the image; seven classes."""
    x = "input"
    for b in range(4):
        layer = f"dense{b}/conv"
        first = g.relu(g.conv(x, layer + "0", 2) if b == 0 else g.separable(x, layer + "0", 2))
        second = g.separable(first, layer + "1", 1)
        third = g.separable(g.relu(g.sum(f"dense{b}/sum2", first, second)), layer + "2", 1)
        so_far = g.sum(f"dense{b}/sum3", first, second, third)
        fourth = g.separable(g.relu(so_far), layer + "3", 1)
        x = g.relu(g.sum(f"dense{b}/sum4", so_far, fourth))
    g.dense(g.mean(x, "features"), "fc", "expression")


def age_gender(g: Graph) -> None:
    """A small Xception: two reductions, two blocks of three convolutions, a reduction; age in years, gender logits."""

    def reduction(x: str, layer: str, activate: bool) -> str:
        y = g.separable(g.relu(x) if activate else x, layer + "/separable_conv0", 1)
        y = g.separable(g.relu(y), layer + "/separable_conv1", 1)
        return g.sum(layer + "/sum", g.pool(y), g.conv(x, layer + "/expansion_conv", 2))

    x = g.relu(g.conv("input", "entry_flow/conv_in", 2))
    x = reduction(x, "entry_flow/reduction_block_0", False)
    x = reduction(x, "entry_flow/reduction_block_1", True)
    for b in range(2):
        y = x
        for c in range(3):
            activated = g.add(f"middle_flow/main_block_{b}/relu{c}", "Relu", [y])
            y = g.separable(activated, f"middle_flow/main_block_{b}/separable_conv{c}", 1)
        x = g.sum(f"middle_flow/main_block_{b}/sum", y, x)
    x = reduction(x, "exit_flow/reduction_block", True)
    x = g.relu(g.separable(x, "exit_flow/separable_conv", 1))
    features = g.mean(x, "features")
    g.dense(features, "fc/age", "age")
    g.dense(features, "fc/gender", "gender")


def main() -> int:
    source, target = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    target.mkdir(parents=True, exist_ok=True)
    for name, build in (("face_expression", expression), ("age_gender", age_gender)):
        graph = Graph(json.loads((source / f"{name}_model-weights_manifest.json").read_text()))
        build(graph)
        graph.write(target / f"{name}.json", "tools/models/face_api_topology.py")
    return 0


if __name__ == "__main__":
    sys.exit(main())
