"""Serves timed runs of a model in ONNX Runtime, for benchmarks that alternate with another executor.

    python scripts/reference/bench_ort.py MODEL          lines "BATCH SEQUENCE" in, nanoseconds of clock and processor out
    python scripts/reference/bench_ort.py MODEL peak     one line in; bytes of memory at most, after three runs

A BERT encoder's inputs: the same ids for the same shape every time, no padding; where a model takes an "image", a
batch of square ones whose side is the second number. One thread, the CPU, ONNX Runtime's default graph optimisations
and whatever instructions it finds. A first line says version and what it runs on.
"""

import sys
import time

import numpy
import onnxruntime


def session(model):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def inputs(run, batch, sequence):
    if [i.name for i in run.get_inputs()] == ["image"]:
        image = (37 * numpy.arange(batch * 3 * sequence * sequence) % 251).astype(numpy.float32) / numpy.float32(251)
        return {"image": image.reshape(batch, 3, sequence, sequence)}
    ids = (1000 + 37 * numpy.arange(batch * sequence) % 20000).reshape(batch, sequence).astype(numpy.int64)
    feeds = {"input_ids": ids, "attention_mask": numpy.ones_like(ids), "token_type_ids": numpy.zeros_like(ids)}
    return {i.name: feeds[i.name] for i in run.get_inputs()}


def most_memory():
    with open("/proc/self/status") as f:
        for line in f:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0


def main(model, what="serve"):
    run = session(model)
    print("onnxruntime", onnxruntime.__version__, flush=True)
    for line in sys.stdin:
        feeds = inputs(run, *map(int, line.split()))
        for _ in range(3 if what == "peak" else 1):
            clock, processor = time.perf_counter_ns(), time.process_time_ns()
            run.run(None, feeds)
            processor, clock = time.process_time_ns() - processor, time.perf_counter_ns() - clock
        print(*([most_memory()] if what == "peak" else [clock, processor]), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
