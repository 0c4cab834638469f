"""Editing a graph: new tensors and nodes are collected, then put in at once; nothing is changed before."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from autocompress.transforms.onnx_precision.roles import Array
from autocompress.transforms.onnx_precision.short_names import shorten_names

IR_VERSION = 10


class GraphEdit:
    """New nodes before the whole graph (they read only stored tensors), or in the place of a node."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self.model = model
        self._first: list[onnx.NodeProto] = []
        self._instead: dict[str, list[onnx.NodeProto]] = {}  # by the replaced node's first output
        self._tensors: dict[str, onnx.TensorProto] = {}
        self._gone: set[str] = set()
        self._count = 0

    def short(self) -> str:
        """A name for a tensor that only this edit knows; names of weights are long and would be repeated."""
        self._count += 1
        return f"p{self._count}"

    def constant(self, array: Array, name: str | None = None) -> str:
        """A stored tensor; the same name is stored once."""
        name = name or self.short()
        self._tensors[name] = numpy_helper.from_array(np.ascontiguousarray(array), name)
        return name

    def fold(self, op_type: str, inputs: Sequence[str], output: str | None = None, **attributes: Any) -> str:
        """A node that reads only stored tensors, so that the runtime computes it once, while loading."""
        output = output or self.short()
        self._first.append(helper.make_node(op_type, inputs, [output], **attributes))
        return output

    def remove_tensor(self, name: str) -> None:
        self._gone.add(name)

    def replace(self, node: onnx.NodeProto, nodes: Sequence[onnx.NodeProto]) -> None:
        self._instead[node.output[0]] = list(nodes)

    def applied(self) -> onnx.ModelProto:
        """The edited model without the exporter's metadata and names, which are half of a small file."""
        old = self.model.graph
        nodes = [
            *self._first,
            *(new for node in old.node for new in self._instead.get(node.output[0], [node])),
        ]
        kept = [tensor for tensor in old.initializer if tensor.name not in self._gone]
        graph = helper.make_graph(
            [_bare(node) for node in nodes], old.name, old.input, old.output, [*kept, *self._tensors.values()]
        )
        shorten_names(graph)
        domains = {entry.domain: entry.version for entry in self.model.opset_import}
        domains |= {node.domain: 1 for node in nodes if node.domain not in domains}
        imports = [helper.make_opsetid(domain, version) for domain, version in domains.items()]
        return helper.make_model(
            graph, opset_imports=imports, ir_version=IR_VERSION, producer_name="autocompress"
        )


def _bare(node: onnx.NodeProto) -> onnx.NodeProto:
    bare = onnx.NodeProto()
    bare.CopyFrom(node)
    del bare.metadata_props[:]
    bare.doc_string = bare.name = ""  # nodes are found by what they write
    return bare
