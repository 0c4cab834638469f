"""Efficiencies for devices that nobody has measured, and where each number comes from.

They describe ONNX Runtime's CPU provider (MLAS) on Arm cores and were set from general knowledge of its
kernels and from the sources named beside them; the table ``results/latency_model/no_run.csv`` shows what they
give for published speech models, and for each model when the others alone set the free numbers.

The half-width of convolutions (8 at first) and the share of int8 products (0.45 at first) were settled with
rows of that table in view; for the convolution its left-out columns give the error without that view.
"""

from autocompress.hardware.operators import CONV, CONV_TRANSPOSE, DEPTHWISE, GEMM, GEMV
from autocompress.hardware.roofline import Efficiencies, Kernel, KernelKey

# A hand-written SGEMM reaches 70-80 % of an Arm core's peak. A convolution first copies each input value into
# rows: about four cycles a value against n / 4 of arithmetic on 8 FLOP a cycle, so n = 16 channels lose half.
_FLOAT: dict[KernelKey, Kernel] = {
    (GEMM, "fp32"): Kernel(0.75, 4, 16, 16, serial=0.08),
    (GEMV, "fp32"): Kernel(0.50, 0, 16, 16, serial=0.08),
    (CONV, "fp32"): Kernel(0.70, 8, 16, 16, serial=0.10),
    # A product, then a scatter-add of its result (col2im) that one thread does alone.
    (CONV_TRANSPOSE, "fp32"): Kernel(0.50, 8, 16, 16, serial=0.50),
    (DEPTHWISE, "fp32"): Kernel(0.20, 8, 1, 0, serial=0.10),
}

# ResNet50 w8a8 (QDQ) on QCS6490: 32 ms = 40 % of four cores' dot products (AI Hub perf.yaml), so 52 % of one.
# ConvInteger is 0.36 to 0.57 times as fast as fp32 on cores with dot products (sherpa-onnx#2460,
# onnxruntime#25366): half of 0.70 at a quarter of the peak.
_INT8: dict[KernelKey, Kernel] = {
    (GEMM, "int8"): Kernel(0.52, 4, 32, 16, serial=0.10),
    (GEMV, "int8"): Kernel(0.25, 0, 32, 16, serial=0.10),
    (CONV, "int8"): Kernel(0.52, 8, 32, 16, serial=0.10),
    (CONV, "int8_dynamic"): Kernel(0.09, 8, 32, 16, serial=0.30),
}

# Weights widened inside the kernel. 4 bits, one thread, Raspberry Pi 5: 3.1 GB/s of weights = 5.5 G weights/s
# = 28 % of the core's fp32 peak (llama.cpp b2794 without repacking, T-MAC's table).
_WEIGHTS_ONLY: dict[KernelKey, Kernel] = {
    (GEMV, "int4"): Kernel(0.28, 0, 32, 16, serial=0.08),
    (GEMV, "int8_weights"): Kernel(0.35, 0, 32, 16, serial=0.08),
    (GEMM, "int4"): Kernel(0.50, 4, 32, 16, serial=0.08),
    (GEMM, "int8_weights"): Kernel(0.55, 4, 32, 16, serial=0.08),
}

# Half precision is widened by casts around every kernel: 0.93 times as fast as fp32 (sherpa-onnx#2460).
_HALF: dict[KernelKey, Kernel] = {
    (family, half): Kernel(0.93 * k.top, k.half_m, k.half_k, k.half_n, k.serial)
    for (family, _), k in _FLOAT.items()
    for half in ("fp16", "bf16")
}

PRIOR_EFFICIENCIES = Efficiencies(
    kernels={**_FLOAT, **_INT8, **_WEIGHTS_ONLY, **_HALF},
    move_operations_per_cycle=2.0,  # a polynomial for exp or tanh, four lanes, long dependency chains
    weight_bandwidth=1.0,  # a profile's read bandwidth is that of weights in language-model decode
    bandwidth=0.8,  # a cache line is read before it is written
    cache_bytes_per_cycle=12.0,  # from a shared cache; general knowledge of Cortex-A72 to X4
    dispatch_cycles=15_000.0,  # 5 µs at 3 GHz: tiny operators of a trace on an iPhone 15 (onnxruntime#25366)
    dispatch_cycles_per_thread=3_000.0,
    log_sigma=0.25,  # voices left out of the fit on a Raspberry Pi 4: no_run.csv
)
