"""Every technique passes its interface's suite; what only one of them promises stands below its class."""

from dataclasses import replace
from typing import ClassVar

import pytest
import torch
from technique_contract import TechniqueContract, silence_units
from tiny_teachers import spare_sovits

from autocompress.space import Candidate
from autocompress.transforms.flow_channels import FlowChannels
from autocompress.transforms.flow_couplings import FlowCouplings
from autocompress.transforms.flow_layers import FlowLayers
from autocompress.transforms.gpt_depth import GptDepth
from autocompress.transforms.gpt_ffn import GptFfn
from autocompress.transforms.gpt_heads import GptHeads
from autocompress.transforms.gpt_rank import GptRank
from autocompress.transforms.importance import UNSEEN, gpt_importance
from autocompress.transforms.prior_depth import PriorDepth
from autocompress.transforms.prior_ffn import PriorFfn
from autocompress.transforms.prior_heads import PriorHeads
from autocompress.transforms.technique import Model
from autocompress.transforms.techniques import GPT_TECHNIQUES, SOVITS_TECHNIQUES
from autocompress.transforms.unstructured import UnstructuredL1
from autocompress.transforms.vocoder_channels import VocoderChannels
from autocompress.transforms.vocoder_hidden import VocoderHidden
from autocompress.transforms.vocoder_kernels import VocoderKernels
from autocompress.transforms.vocoder_module import VocoderModule
from autocompress.transforms.vocoder_pre import VocoderPre
from autocompress.transforms.weights import effective_weight, put_weight

LAYER_NORM = 1e-5  # a norm of what is already normed divides by sqrt(1 + 1e-5)


class TestGptHeads(TechniqueContract):
    half, technique = "gpt", GptHeads()
    kept: ClassVar = {"gpt.heads.1": 2, "gpt.heads.3": 1}
    nothing: ClassVar = {"gpt.heads.1": 4}
    outside: ClassVar = {"gpt.heads.1": 5, "gpt.heads.2": 0}

    def zero(self, state, config):
        silence_units(state, config, {"gpt.heads.1": 2, "gpt.heads.3": 3})


class TestGptFfn(TechniqueContract):
    half, technique = "gpt", GptFfn()
    kept: ClassVar = {"gpt.ffn.0": 48, "gpt.ffn.2": 16}
    nothing: ClassVar = {"gpt.ffn.0": 128}
    outside: ClassVar = {"gpt.ffn.0": "16", "gpt.ffn.1": True}

    def zero(self, state, config):
        silence_units(state, config, {"gpt.ffn.0": 80, "gpt.ffn.2": 112})


class TestGptRank(TechniqueContract):
    half, technique = "gpt", GptRank()
    kept: ClassVar = {"gpt.rank.0": 8}
    nothing: ClassVar = {"gpt.rank.0": 32}
    outside: ClassVar = {"gpt.rank.0": 33, "gpt.rank.1": -1}
    tolerance = 5e-6  # a product of two rounded matrices is not the rounded product

    def zero(self, state, config):
        for name in ("linear1", "linear2"):
            key = f"h.layers.0.{name}.weight"
            u, s, v = torch.linalg.svd(state[key].double(), full_matrices=False)
            state[key] = ((u[:, :8] * s[:8]) @ v[:8]).float()

    def test_weighing_by_activations_serves_what_is_really_read(self, network, spoken):
        loud = self.edited(network, lambda state: state["h.layers.0.norm1.weight"][:8].mul_(30))
        exact = self.output(loud, spoken)
        scores = gpt_importance(loud, [spoken.gpt], "activation")
        errors = [
            (self.output(self.built(self.apply(loud, self.kept, weighed).model), spoken) - exact)
            .square()
            .mean()
            for weighed in (scores, replace(scores, inputs={}))
        ]
        assert errors[0] < errors[1]


class TestGptDepth(TechniqueContract):
    half, technique = "gpt", GptDepth()
    kept: ClassVar = {"gpt.keep.1": False, "gpt.keep.2": False}
    nothing: ClassVar = {"gpt.keep.1": True}
    outside: ClassVar = {"gpt.keep.1": False, "gpt.heads.1": 2, "gpt.keep.2": "no"}
    tolerance = LAYER_NORM

    def zero(self, state, config):
        for i in (1, 2):
            for name in ("self_attn.out_proj", "linear2"):
                state[f"h.layers.{i}.{name}.weight"].zero_()
                state[f"h.layers.{i}.{name}.bias"].zero_()


class TestPriorHeads(TechniqueContract):
    half, technique = "sovits", PriorHeads()
    kept: ClassVar = {"sovits.prior.text.heads": 1, "sovits.prior.encoder2.heads": 1}
    nothing: ClassVar = {"sovits.prior.text.heads": 2}
    outside: ClassVar = {"sovits.prior.text.heads": 3, "sovits.prior.ssl.heads": 0}

    def zero(self, state, config):
        silence_units(state, config, {"sovits.prior.text.heads": 1, "sovits.prior.encoder2.heads": 1})


class TestPriorFfn(TechniqueContract):
    half, technique = "sovits", PriorFfn()
    kept: ClassVar = {"sovits.prior.ssl.ffn": 16, "sovits.prior.encoder2.ffn": 32}
    nothing: ClassVar = {"sovits.prior.ssl.ffn": 48}
    outside: ClassVar = {"sovits.prior.ssl.ffn": 49, "sovits.prior.text.ffn": 1.5}

    def zero(self, state, config):
        silence_units(state, config, {"sovits.prior.ssl.ffn": 32, "sovits.prior.encoder2.ffn": 16})


class TestPriorDepth(TechniqueContract):
    half, technique = "sovits", PriorDepth()
    kept: ClassVar = {"sovits.prior.text.depth": 3, "sovits.prior.encoder2.depth": 1}
    nothing: ClassVar = {"sovits.prior.text.depth": 4}
    outside: ClassVar = {"sovits.prior.text.depth": 5, "sovits.prior.encoder2.depth": 0}
    tolerance = LAYER_NORM

    def zero(self, state, config):
        for at, i in (("encoder_text", 2), ("encoder2", 1)):
            for path in (f"enc_p.{at}.attn_layers.{i}.conv_o", f"enc_p.{at}.ffn_layers.{i}.conv_2"):
                state[f"{path}.weight"].zero_()
                state[f"{path}.bias"].zero_()


class TestFlowChannels(TechniqueContract):
    half, technique = "sovits", FlowChannels()
    kept: ClassVar = {"sovits.flow.channels": 8}
    nothing: ClassVar = {"sovits.flow.channels": 16}
    outside: ClassVar = {"sovits.flow.channels": 17}

    def zero(self, state, config):
        silence_units(state, config, {f"sovits.flow.{kind}": 8 for kind in ("stream", "skip", "gate")})

    def test_it_lists_every_decision_that_does_not_fit(self, network):
        assert len(self.technique.requires(network.config, Candidate(self.outside))) == 1


class TestFlowLayers(TechniqueContract):
    half, technique = "sovits", FlowLayers()
    kept: ClassVar = {"sovits.flow.wn_layers": 2}
    nothing: ClassVar = {"sovits.flow.wn_layers": 3}
    outside: ClassVar = {"sovits.flow.wn_layers": 4}

    @pytest.fixture(params=[0, 1, 2])
    def gone(self, request):
        """Also the last layer, whose output has another shape."""
        return request.param

    def test_removing_what_gives_nothing_changes_nothing(self, network, spoken, gone):
        def silence(state):
            for k in range(4):
                path = f"flow.flows.{2 * k}.enc.res_skip_layers.{gone}"
                put_weight(state, path, torch.zeros_like(effective_weight(state, path)))
                state[f"{path}.bias"].zero_()

        silent = self.edited(network, silence)
        pruned = self.built(self.apply(silent, self.kept).model)
        assert (self.output(silent, spoken) - self.output(pruned, spoken)).abs().max() <= self.tolerance

    def test_it_lists_every_decision_that_does_not_fit(self, network):
        assert len(self.technique.requires(network.config, Candidate(self.outside))) == 1


class TestFlowCouplings(TechniqueContract):
    half, technique = "sovits", FlowCouplings()
    kept: ClassVar = {"sovits.flow.couplings": 2}
    nothing: ClassVar = {"sovits.flow.couplings": 4}
    outside: ClassVar = {"sovits.flow.couplings": 0}

    def zero(self, state, config):
        for coupling in (0, 3):
            state[f"flow.flows.{2 * coupling}.post.weight"].zero_()
            state[f"flow.flows.{2 * coupling}.post.bias"].zero_()

    def test_it_lists_every_decision_that_does_not_fit(self, network):
        assert len(self.technique.requires(network.config, Candidate(self.outside))) == 1


class TestVocoderPre(TechniqueContract):
    half, technique = "sovits", VocoderPre()
    kept: ClassVar = {"sovits.vocoder.pre": 16}
    nothing: ClassVar = {"sovits.vocoder.pre": 32}
    outside: ClassVar = {"sovits.vocoder.pre": 64}

    def zero(self, state, config):
        silence_units(state, config, {"sovits.vocoder.pre": 16})

    def test_it_lists_every_decision_that_does_not_fit(self, network):
        assert len(self.technique.requires(network.config, Candidate(self.outside))) == 1


class TestVocoderChannels(TechniqueContract):
    half, technique = "sovits", VocoderChannels()
    kept: ClassVar = {"sovits.vocoder.channels.0": 8, "sovits.vocoder.channels.1": 4}
    nothing: ClassVar = {"sovits.vocoder.channels.0": 16}
    outside: ClassVar = {"sovits.vocoder.channels.0": 0, "sovits.vocoder.channels.1": 9}

    def zero(self, state, config):
        inner = {f"sovits.vocoder.inner.{key}.": 8 if key < 3 else 4 for key in range(6)}
        silence_units(
            state, config, {"sovits.vocoder.channels.0": 8, "sovits.vocoder.channels.1": 4, **inner}
        )

    def test_weight_norm_keeps_the_remaining_weights_bit_for_bit(self, network):
        result = self.apply(network, {"sovits.vocoder.channels.1": 4})
        old, new = (effective_weight(w, "dec.ups.1") for w in (network.state_dict(), result.model.weights))
        assert new.shape[1] == 4
        columns = [[j for j in range(8) if torch.equal(old[:, j], new[:, i])] for i in range(4)]
        assert all(len(found) == 1 for found in columns)


class TestVocoderKernels(TechniqueContract):
    half, technique = "sovits", VocoderKernels()
    kept: ClassVar = {"sovits.vocoder.kernels.0": "3-11", "sovits.vocoder.kernels.1": "7"}
    nothing: ClassVar = {"sovits.vocoder.kernels.0": "3-7-11"}
    outside: ClassVar = {"sovits.vocoder.kernels.0": "5", "sovits.vocoder.kernels.1": 3}

    def zero(self, state, config):
        """Blocks that say the same: the short kernel within the longer ones. The mean of any is exact."""
        paths = [f"convs{c}.{d}" for c in (1, 2) for d in range(3)]
        for first in (0, 3):
            for j, kernel in ((1, 7), (2, 11)):
                for path in paths:
                    short, long = (f"dec.resblocks.{key}.{path}" for key in (first, first + j))
                    self._embed(state, short, long, kernel)

    @staticmethod
    def _embed(state, short, long, kernel):
        weight = effective_weight(state, short)
        side = (kernel - 3) // 2
        put_weight(state, long, torch.nn.functional.pad(weight, (side, side)))
        state[f"{long}.bias"].copy_(state[f"{short}.bias"])


class TestVocoderModule(TechniqueContract):
    half, technique = "sovits", VocoderModule()
    kept: ClassVar = {"sovits.vocoder.module": "istft-head"}
    nothing: ClassVar = {"sovits.vocoder.module": "hifigan"}
    outside: ClassVar = {"sovits.vocoder.module": "wavenet"}

    @pytest.fixture
    def network(self):
        return spare_sovits()

    def zero(self, state, config):
        """Both vocoders silent: one stands in for the other exactly."""
        put_weight(state, "dec.conv_post", torch.zeros_like(effective_weight(state, "dec.conv_post")))
        state["spare.norm_post.weight"].zero_()
        state["spare.norm_post.bias"].zero_()
        state["spare.spectrum.bias"][: config.spare.bins] = -60.0

    def test_it_lists_every_decision_that_does_not_fit(self, network, teacher):
        assert len(self.technique.requires(network.config, Candidate(self.outside))) == 1
        without = self.technique.requires(teacher.sovits.config, Candidate(self.kept))
        assert len(without) == 1
        assert "train-vocoder" in without[0]

    def test_the_teachers_own_vocoder_leaves_with_all_its_weights(self, network):
        weights = self.apply(network, self.kept).model.weights
        assert not [key for key in weights if key.startswith(("spare.", "dec.ups", "dec.resblocks"))]
        spare = {
            k.removeprefix("spare."): t for k, t in network.state_dict().items() if k.startswith("spare.")
        }
        assert all(torch.equal(weights[f"dec.{key}"], tensor) for key, tensor in spare.items())


class TestVocoderHidden(TechniqueContract):
    half, technique = "sovits", VocoderHidden()
    kept: ClassVar = {"sovits.vocoder.hidden": 16}
    nothing: ClassVar = {"sovits.vocoder.hidden": 24}
    outside: ClassVar = {"sovits.vocoder.hidden": 25}

    @pytest.fixture
    def network(self):
        spare = spare_sovits()
        swapped = {"sovits.vocoder.module": "istft-head"}
        return self.built(TestVocoderModule().apply(spare, swapped).model)

    def zero(self, state, config):
        removed = {f"sovits.vocoder.hidden.{i}": hidden - 16 for i, hidden in enumerate(config.istft.hidden)}
        silence_units(state, config, removed)

    def test_it_lists_every_decision_that_does_not_fit(self, network):
        assert len(self.technique.requires(network.config, Candidate(self.outside))) == 1

    def test_blocks_that_are_narrower_already_stay_as_they_are(self, network):
        assert network.config.istft.hidden == (24, 16)
        assert self.apply(network, self.kept).model.config.istft.hidden == (16, 16)


class TestUnstructuredL1(TechniqueContract):
    """Its strength is its own; it is no decision of a candidate."""

    half, technique = "gpt", UnstructuredL1(0.5)
    kept: ClassVar = {}

    def test_at_ratio_zero_it_is_the_identity_bit_for_bit(self, network):
        model = Model(network.config, network.state_dict())
        assert UnstructuredL1(0.0)(model, Candidate(), UNSEEN).model is model

    def test_it_leaves_the_promised_sizes_and_its_input_untouched(self, network, spoken):
        weights = self.apply(network, {}).model.weights
        assert {k: t.shape for k, t in weights.items()} == {
            k: t.shape for k, t in network.state_dict().items()
        }
        assert (weights["h.layers.0.linear1.weight"] == 0).float().mean() == 0.5

    def zero(self, state, config):
        for key, tensor in state.items():
            if tensor.dim() == 2 and "embedding" not in key and "predict" not in key:
                tensor[: len(tensor) // 2] = 0

    def test_it_lists_every_decision_that_does_not_fit(self, network):
        assert len(UnstructuredL1(1.5).requires(network.config, Candidate())) == 1

    def test_it_is_labelled_as_giving_no_speed(self):
        assert not UnstructuredL1.gives_speed
        assert all(technique.gives_speed for technique in (*GPT_TECHNIQUES, *SOVITS_TECHNIQUES))


def test_every_technique_of_the_table_has_its_class_here():
    tested = {type(found.technique) for found in TechniqueContract.__subclasses__()}
    assert tested - {UnstructuredL1} == {type(t) for t in (*GPT_TECHNIQUES, *SOVITS_TECHNIQUES)}


def test_a_technique_that_lies_about_its_sizes_is_caught(teacher):
    class Liar(GptHeads):
        def call(self, state, model, candidate, importance):
            pass

    model = Model(teacher.gpt.config, teacher.gpt.state_dict())
    with pytest.raises(AssertionError, match="do not fit its sizes"):
        Liar()(model, Candidate({"gpt.heads.0": 2}), gpt_importance(teacher.gpt))
