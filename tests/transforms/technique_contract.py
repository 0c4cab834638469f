"""The suite that every technique inherits: identity, promised sizes, determinism, exact removal."""

from typing import ClassVar

import pytest
import torch

from autocompress.errors import SpaceError
from autocompress.models.checkpoint import load_gpt, load_sovits, save_gpt, save_sovits
from autocompress.models.config import GptConfig
from autocompress.space import Candidate
from autocompress.transforms.building import build_gpt, build_sovits
from autocompress.transforms.importance import gpt_importance, sovits_importance
from autocompress.transforms.technique import Model
from autocompress.transforms.units import gpt_units, sovits_units
from autocompress.transforms.weights import column_dim, effective_weight, put_weight, without_inputs


class TechniqueContract:
    half: ClassVar[str]
    technique: ClassVar[object]
    kept: ClassVar[dict]  # decisions that remove something
    nothing: ClassVar[dict]  # the same decisions with the teacher's own values
    outside: ClassVar[dict]  # two decisions, each of which the teacher cannot follow
    tolerance: ClassVar[float] = 1e-6  # of outputs of order 1, in float32
    felt: ClassVar[float] = 2e-3  # removing what matters changes outputs by more than this

    @pytest.fixture
    def network(self, teacher):
        return getattr(teacher, self.half)

    def output(self, network, spoken):
        batch = getattr(spoken, self.half)
        return batch.logits(network) if self.half == "gpt" else batch.audio(network)

    def apply(self, network, decisions, importance=None):
        weigh = gpt_importance if self.half == "gpt" else sovits_importance
        importance = importance or weigh(network)
        return self.technique(Model.of(network, importance), Candidate(decisions), importance)

    def built(self, model):
        return (build_gpt if isinstance(model.config, GptConfig) else build_sovits)(
            model.config, without_inputs(model.weights)
        )

    def edited(self, network, change):
        """A copy of the network with ``change(state)`` done to its weights."""
        state = {key: tensor.clone() for key, tensor in network.state_dict().items()}
        change(state)
        return self.built(Model(network.config, state))

    def zero(self, state, config):
        """Make what :attr:`kept` removes matter nothing."""
        raise NotImplementedError

    def test_at_ratio_zero_it_is_the_identity_bit_for_bit(self, network):
        for decisions in ({}, self.nothing):
            result = self.apply(network, decisions)
            assert not result.modified
            assert result.model.config == network.config
            assert all(torch.equal(t, network.state_dict()[k]) for k, t in result.model.weights.items())

    def test_it_leaves_the_promised_sizes_and_its_input_untouched(self, network, spoken):
        before = {key: tensor.clone() for key, tensor in network.state_dict().items()}
        result = self.apply(network, self.kept)
        assert result.modified
        assert sum(t.numel() for t in result.model.weights.values()) < sum(t.numel() for t in before.values())
        assert all(torch.equal(t, network.state_dict()[k]) for k, t in before.items())
        assert torch.isfinite(self.output(self.built(result.model), spoken)).all()

    def test_twice_gives_the_same_bits(self, network):
        one, other = (self.apply(network, self.kept).model.weights for _ in range(2))
        assert one.keys() == other.keys()
        assert all(torch.equal(one[k], other[k]) for k in one)

    def test_removing_what_gives_nothing_changes_nothing(self, network, spoken):
        silent = self.edited(network, lambda state: self.zero(state, network.config))
        pruned = self.built(self.apply(silent, self.kept).model)
        difference = (self.output(silent, spoken) - self.output(pruned, spoken)).abs().max()
        assert difference <= self.tolerance

    def test_removing_what_matters_changes_the_output(self, network, spoken):
        pruned = self.built(self.apply(network, self.kept).model)
        assert (self.output(network, spoken) - self.output(pruned, spoken)).abs().max() > self.felt

    def test_what_it_leaves_survives_a_checkpoint(self, network, spoken, tmp_path):
        pruned = self.built(self.apply(network, self.kept).model)
        save, load = (save_gpt, load_gpt) if self.half == "gpt" else (save_sovits, load_sovits)
        save(pruned, tmp_path / "student", force=True)
        again = load(tmp_path / "student")
        assert again.config == pruned.config
        halves = {key: tensor.half().float() for key, tensor in pruned.state_dict().items()}
        assert all(torch.equal(tensor, halves[key]) for key, tensor in again.state_dict().items())

    def test_it_lists_every_decision_that_does_not_fit(self, network):
        with pytest.raises(SpaceError) as found:
            self.apply(network, self.outside)
        assert "2 fault(s)" in str(found.value)


def silence_units(state, config, removed):
    """Zero what reads the first ``removed[name]`` units of each group whose name starts with ``name``."""
    groups = gpt_units(config) if isinstance(config, GptConfig) else sovits_units(config)
    for group in groups:
        for count in (n for name, n in removed.items() if group.name.startswith(name)):
            for path in group.consumers:
                gone = torch.arange(count * group.width)
                weight = effective_weight(state, path).index_fill(column_dim(path), gone, 0.0)
                put_weight(state, path, weight)
