"""Writes convolutional networks with random weights, for benchmarks.

    python scripts/reference/bench_convolutions.py mobilenet|resnet|mobilenet-int8|resnet-int8 OUT

"mobilenet" has the shapes of MobileNetV2 at width 1: a 3×3 layer of stride 2, then blocks of 1×1, depthwise 3×3 and
1×1. "resnet" has those of ResNet-18 without its last stage: a 7×7 layer, a pool, blocks of two 3×3 layers of 64 to 256
channels with a sum. The int8 ones are the same layers one after the other, without sums, as QLinearConv on uint8 data
and int8 weights with a scale per channel. The input is "image", float32 of N × 3 × height × width; weights are the
same every time.
"""

import sys

import numpy
from onnx import TensorProto, helper, numpy_helper, save


class Net:
    def __init__(self, int8):
        self.random, self.int8 = numpy.random.default_rng(20261128), int8
        self.nodes, self.constants, self.value, self.channels = [], [], "image", 3

    def constant(self, array):
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(array, name))
        return name

    def node(self, op, inputs, **attributes):
        self.value = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [self.value], **attributes))
        return self.value

    def quantise(self):
        """data are between 0 and 4"""
        self.scale, self.zero = self.constant(numpy.float32(4 / 255)), self.constant(numpy.uint8(0))
        self.node("QuantizeLinear", [self.value, self.scale, self.zero])

    def convolve(self, channels, size, stride=1, depthwise=False, limit="Relu"):
        group = self.channels if depthwise else 1
        shape = (channels, self.channels // group, size, size)
        spread = numpy.sqrt(2 / numpy.prod(shape[1:]))
        weights = self.random.normal(0, spread, shape).astype(numpy.float32)
        bias = self.random.normal(0, 0.1, channels).astype(numpy.float32)
        pads = [size // 2] * 4
        more = {"strides": [stride] * 2, "pads": pads, "group": group, "kernel_shape": [size] * 2}
        self.channels = channels
        if self.int8:
            scale = (numpy.abs(weights).reshape(channels, -1).max(1) / 127).astype(numpy.float32)
            q = numpy.rint(weights / scale.reshape(-1, 1, 1, 1)).astype(numpy.int8)
            b = numpy.rint(bias / (scale * 4 / 255)).astype(numpy.int32)
            zeros = self.constant(numpy.zeros(channels, numpy.int8))
            operands = [self.value, self.scale, self.zero, self.constant(q), self.constant(scale), zeros, self.scale, self.zero, self.constant(b)]
            return self.node("QLinearConv", operands, **more)
        self.node("Conv", [self.value, self.constant(weights), self.constant(bias)], **more)
        if limit == "Relu":
            self.node("Relu", [self.value])
        elif limit:
            low, high = self.constant(numpy.float32(0)), self.constant(numpy.float32(6))
            self.node("Clip", [self.value, low, high])
        return self.value

    def save(self, path):
        if self.int8:
            self.node("DequantizeLinear", [self.value, self.scale, self.zero])
        self.node("GlobalAveragePool", [self.value])
        image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 3, "height", "width"])
        out = helper.make_tensor_value_info(self.value, TensorProto.FLOAT, ["batch", self.channels, 1, 1])
        graph = helper.make_graph(self.nodes, "convolutions", [image], [out], self.constants)
        save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)


def mobilenet(net):
    net.convolve(32, 3, stride=2, limit="Clip")
    for wider, channels, repeats, stride in [
        (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1),
    ]:  # fmt: skip
        for i in range(repeats):
            before, was = net.value, net.channels
            if wider > 1:
                net.convolve(was * wider, 1, limit="Clip")
            net.convolve(net.channels, 3, stride=1 if i else stride, depthwise=True, limit="Clip")
            net.convolve(channels, 1, limit=None)
            if i and not net.int8:
                net.node("Add", [before, net.value])
    net.convolve(1280, 1, limit="Clip")


def resnet(net):
    net.convolve(64, 7, stride=2)
    net.node("MaxPool", [net.value], kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
    for channels, stride in [(64, 1), (64, 1), (128, 2), (128, 1), (256, 2), (256, 1)]:
        before, was = net.value, net.channels
        net.convolve(channels, 3, stride=stride)
        net.convolve(channels, 3, limit=None)
        if net.int8:
            continue
        after = net.value
        if stride > 1:
            net.value, net.channels = before, was
            before = net.convolve(channels, 1, stride=stride, limit=None)
        net.node("Add", [before, after])
        net.node("Relu", [net.value])


def main(kind, path):
    name, _, int8 = kind.partition("-")
    net = Net(bool(int8))
    if int8:
        net.quantise()
    {"mobilenet": mobilenet, "resnet": resnet}[name](net)
    net.save(path)


if __name__ == "__main__":
    main(*sys.argv[1:])
