"""The precisions that every conformance test runs through."""

from autocompress.transforms.onnx_precision import STORAGES, PrecisionPlan

INT8_GPT = {"gpt.attention": "dynamic-int8", "gpt.ffn": "dynamic-int8"}
INT8_ALL = INT8_GPT | dict.fromkeys(("sovits.prior", "sovits.flow", "sovits.vocoder"), "dynamic-int8")


def stored(storage, compute=None) -> PrecisionPlan:
    return PrecisionPlan({"gpt": storage, "sovits": storage}, compute or {})


PLANS = {storage: stored(storage) for storage in STORAGES} | {
    "int8 computing int8": stored("int8", INT8_ALL),
    "int4 computing int8": stored("int4", INT8_ALL),
    "fp16 on the device": stored("fp16", {"sovits.flow": "fp16-device", "sovits.vocoder": "fp16-device"}),
    "mixed": PrecisionPlan(
        {
            "gpt": "int8",
            "gpt.ffn": "int4",
            "gpt.ffn.1": "fp16",
            "sovits.vocoder": "fp16",
            "sovits.prior": "int4",
        },
        {"gpt.attention.0": "dynamic-int8", "gpt.ffn.0": "dynamic-int8"},
    ),
}
