"""The joint search space: TOML files, resolved against a teacher; candidates and their ids."""

from autocompress.space.candidate import Candidate, Value
from autocompress.space.choice import Choice, Condition, Point, Quota
from autocompress.space.options import round_width, spread_layers
from autocompress.space.resolve import Dimensions, load_space, resolve
from autocompress.space.searchspace import Floor, SearchSpace
from autocompress.space.spec import SpaceSpec, parse_space, read_space

__all__ = [
    "Candidate",
    "Choice",
    "Condition",
    "Dimensions",
    "Floor",
    "Point",
    "Quota",
    "SearchSpace",
    "SpaceSpec",
    "Value",
    "load_space",
    "parse_space",
    "read_space",
    "resolve",
    "round_width",
    "spread_layers",
]
