"""Short names inside a graph: an exporter's are 65 kB of a bundle of 8 MB."""

from collections import Counter
from collections.abc import Iterator
from itertools import count, product
from string import ascii_letters

import onnx


def shorten_names(graph: onnx.GraphProto) -> None:
    """Rename what lies between inputs and outputs, in place; the names used most are the shortest.

    A graph with graphs inside of its nodes stays as it is: these may use outer names.
    """
    if any(
        attribute.HasField("g") or attribute.graphs for node in graph.node for attribute in node.attribute
    ):
        return
    kept = {value.name for value in (*graph.input, *graph.output)} | {""}
    used = Counter(name for node in graph.node for name in (*node.input, *node.output))
    used.update(tensor.name for tensor in graph.initializer)
    free = (name for name in _names() if name not in kept)
    short = {name: name if name in kept else next(free) for name, _ in used.most_common()}
    for node in graph.node:
        node.input[:] = [short[name] for name in node.input]
        node.output[:] = [short[name] for name in node.output]
    for tensor in graph.initializer:
        tensor.name = short[tensor.name]
    del graph.value_info[:]


def _names() -> Iterator[str]:
    """a, b, …, Z, aa, ab, …"""
    for letters in count(1):
        yield from map("".join, product(ascii_letters, repeat=letters))
