"""A small evolution on predicted losses: thousands of candidates are looked at, none is evaluated."""

from collections.abc import Callable

import numpy as np

from autocompress.objectives import pareto_ranks
from autocompress.study.encoding import Encoding, Rows
from autocompress.study.program import Floats

_BLOCK = 512  # rows whose distances are held at once: a front may have thousands
Predict = Callable[[Rows], Floats]  # rows -> [n, n_objectives + 1], the last column the excess over bounds


def evolve(
    encoding: Encoding,
    start: Rows,
    predict: Predict,
    generator: np.random.Generator,
    generations: int,
    size: int,
) -> Rows:
    """A population of ``size`` near the predicted front, from ``start``."""
    population = np.unique(start, axis=0)
    losses = predict(population)
    for _ in range(generations):
        children = vary(encoding, population, size, generator)
        population = np.concatenate([population, children])
        losses = np.concatenate([losses, predict(children)])
        kept = _survivors(population, losses, size)
        population, losses = population[kept], losses[kept]
    return population


def vary(encoding: Encoding, parents: Rows, count: int, generator: np.random.Generator) -> Rows:
    """Uniform crossover of two parents and a few changed choices; ordered choices mostly move one step."""
    shape = (count, parents.shape[1])
    one, two = (parents[generator.integers(len(parents), size=count)] for _ in range(2))
    mixed = generator.random((count, 1)) < 0.7
    children = np.where(mixed & (generator.random(shape) < 0.5), two, one)
    changed = generator.random(shape) < generator.choice([1.0, 2.0, 4.0], size=(count, 1)) / shape[1]
    anywhere = generator.integers(0, encoding.n_options, size=shape)
    step = np.clip(children + generator.choice([-1, 1], size=shape), 0, encoding.n_options - 1)
    ordered = np.array([c.ordered for c in encoding.choices])
    near = ordered & (generator.random(shape) < 0.7)
    return encoding.repair(np.where(changed, np.where(near, step, anywhere), children))


def _survivors(population: Rows, losses: Floats, size: int) -> Rows:
    """The best by excess and non-dominated layer; the last layer is thinned where it is crowded."""
    first = np.array(list({row.tobytes(): i for i, row in reversed(list(enumerate(population)))}.values()))
    first = np.sort(first)
    ranks = pareto_ranks(losses[first, :-1]) + 1e6 * np.maximum(0.0, losses[first, -1])
    order = np.lexsort((-_apart(losses[first, :-1]), ranks))
    return np.asarray(first[order[:size]])


def _apart(losses: Floats) -> Floats:
    """Distance to the nearest other point, on axes scaled to their span."""
    span = np.ptp(losses, axis=0)
    scaled = losses / np.where(span > 0, span, 1.0)
    nearest = np.empty(len(scaled))
    for start in range(0, len(scaled), _BLOCK):
        rows = np.arange(start, min(start + _BLOCK, len(scaled)))
        distance = np.zeros((len(rows), len(scaled)))
        for axis in scaled.T:  # axis by axis: one array of three axes is ten times slower
            distance += np.abs(axis[rows, None] - axis[None, :])
        distance[rows - start, rows] = np.inf
        nearest[rows] = distance.min(axis=1)
    return nearest
