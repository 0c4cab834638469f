"""ONNX graphs of the two networks: GPT prefill, GPT step, SoVITS; dynamic lengths, batch of one.

Exported with ``torch.onnx.export(dynamo=True)``; ``autocompress.bundle`` runs them without torch.
"""

from autocompress.models.onnx.export import (
    GRAPH_FILES,
    export_graphs,
    export_prefill,
    export_sovits,
    export_step,
)

__all__ = ["GRAPH_FILES", "export_graphs", "export_prefill", "export_sovits", "export_step"]
