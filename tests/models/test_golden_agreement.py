"""Agreement with the original classes. Tolerances: see autocompress.models.goldens.scorecard."""

import pytest
import torch
from golden_sets import arrays, card, full_gpt, golden_gpt, golden_sovits, nudge, tensor

from autocompress.models.goldens.gpt_set import score_gpt
from autocompress.models.goldens.scorecard import AUDIO_ATOL, AUDIO_RTOL, LATENT_ATOL, LOGITS_ATOL
from autocompress.models.sampling import SamplingSettings, penalize, probabilities
from autocompress.models.sovits.layers import fold_weight_norm
from autocompress.models.sovits.spectrogram import magnitude_spectrogram

SMALL_GPTS = ["s1_small_v2", "s1_small_v2_eos"]
SOVITS_SETS = ["s2_small_v2", "s2_small_v2pro", "s2_full_v2"]

GPT_WEIGHTS = [
    "bert_proj.bias",
    "ar_text_position.alpha",
    "ar_audio_position.alpha",
    "h.layers.1.self_attn.in_proj_weight",
    "h.layers.0.self_attn.out_proj.weight",
    "h.layers.0.linear1.weight",
    "h.layers.1.norm2.weight",
    "ar_predict_layer.weight",
]


def scored_gpt(gpt, name):
    found = card(name)
    score_gpt(gpt, found, {})
    return found.result()


@torch.no_grad()
def scored_sovits(sovits, name):
    """The same comparisons as goldens.sovits_set, on the arrays that the reduced set has."""
    found = card(f"{name}_reduced")
    golden = found.goldens
    codes, text, ge = tensor(golden["codes"][0]), tensor(golden["text_ids"]), tensor(golden["ge"])
    if "ref_wav" in golden:
        spec = magnitude_spectrogram(tensor(golden["ref_wav"]), sovits.config.audio)
        found.close("ref_spec_every_20th_frame", spec[:, :, ::20], atol=LATENT_ATOL)
        speaker = tensor(golden["sv_emb"]) if "sv_emb" in golden else None
        ge = sovits.style(spec, speaker)
        found.close("ge", ge, atol=LATENT_ATOL)
    prior = sovits.prior(codes, text, ge)
    found.close("m_p", prior.mean, atol=LATENT_ATOL)
    found.close("logs_p", prior.log_std, atol=LATENT_ATOL)
    found.close("z", sovits.flow(prior.mean, None, ge, reverse=True), atol=LATENT_ATOL)
    for array, speed in (("audio", 1.0), ("audio_speed", float(golden["speed"]))):
        audio = sovits.synthesize(codes, text, ge, speed=speed)
        found.close(array, audio, atol=AUDIO_ATOL, rtol=AUDIO_RTOL)
    if "hubert" in golden:
        codes = sovits.extract_codes(tensor(golden["hubert"])).unsqueeze(0)
        found.equal("extract_latent_codes", codes)
    return found.result()


def failing(score):
    return {array.name for array in score.arrays if not array.ok}


@pytest.mark.parametrize("name", SMALL_GPTS)
def test_small_gpt_agrees_with_the_original(name):
    score = scored_gpt(golden_gpt(name), name)
    assert score.ok, (score.problems, failing(score))
    assert len(score.arrays) == 12


def test_full_size_gpt_agrees_with_the_original():
    assert scored_gpt(full_gpt(), "s1_full_v2").ok


def test_the_full_size_gpt_golden_notices_one_changed_weight():
    gpt, golden = full_gpt(), arrays("s1_full_v2")
    key, by = "h.layers.23.norm2.weight", 0.5
    nudge(gpt, key, by)
    try:
        ids, bert, prompt = (tensor(golden[name]) for name in ("phoneme_ids", "bert", "prompt_tokens"))
        off = gpt.prefill(ids, bert, prompt).logits - tensor(golden["prefill_logits"])
        assert off.abs().max() > 10 * LOGITS_ATOL
    finally:
        nudge(gpt, key, -by)


@pytest.mark.parametrize("name", SMALL_GPTS)
@pytest.mark.parametrize("key", GPT_WEIGHTS)
def test_a_gpt_golden_notices_one_changed_weight(name, key):
    gpt = golden_gpt(name)
    nudge(gpt, key)
    assert not scored_gpt(gpt, name).ok


@pytest.mark.parametrize("name", SOVITS_SETS)
def test_sovits_agrees_with_the_original(name):
    score = scored_sovits(golden_sovits(name), name)
    assert score.ok, (score.problems, failing(score))
    assert len(score.arrays) >= 5


@pytest.mark.parametrize("name", ["s2_small_v2", "s2_small_v2pro"])
def test_folded_weight_norm_agrees_too(name):
    folded = fold_weight_norm(golden_sovits(name))
    assert not any("weight_g" in key for key in folded.state_dict())
    assert scored_sovits(folded, name).ok


SOVITS_WEIGHTS = {
    "enc_p.encoder_text.attn_layers.0.emb_rel_k": {"m_p", "logs_p", "z", "audio", "audio_speed"},
    "enc_p.encoder_ssl.attn_layers.0.emb_rel_v": {"m_p", "logs_p", "z", "audio", "audio_speed"},
    "enc_p.mrte.c_post.weight": {"m_p", "logs_p", "z", "audio", "audio_speed"},
    "flow.flows.0.post.weight": {"z", "audio", "audio_speed"},
    "dec.ups.0.weight_g": {"audio", "audio_speed"},
    "dec.resblocks.4.convs2.1.bias": {"audio", "audio_speed"},
}


@pytest.mark.parametrize("name", ["s2_small_v2", "s2_small_v2pro"])
@pytest.mark.parametrize("key", SOVITS_WEIGHTS)
def test_a_sovits_golden_notices_one_changed_weight_and_nothing_before_it(name, key):
    sovits = golden_sovits(name)
    nudge(sovits, key)
    assert failing(scored_sovits(sovits, name)) == SOVITS_WEIGHTS[key]


@pytest.mark.parametrize("key", ["ref_enc.slf_attn.w_qs.weight", "ref_enc.temporal.0.conv1.conv.bias"])
def test_the_style_golden_notices_one_changed_weight(key):
    sovits = golden_sovits("s2_small_v2")
    nudge(sovits, key, 2.0)
    assert "ge" in failing(scored_sovits(sovits, "s2_small_v2"))


@pytest.mark.parametrize("key", ["sv_emb.bias", "prelu.weight", "ge_to512.bias"])
def test_the_v2pro_golden_notices_its_own_weights(key):
    sovits = golden_sovits("s2_small_v2pro")
    nudge(sovits, key, 2.0)
    assert not scored_sovits(sovits, "s2_small_v2pro").ok


def test_the_full_size_sovits_golden_notices_one_changed_weight():
    sovits = golden_sovits("s2_full_v2")
    nudge(sovits, "enc_p.encoder2.norm_layers_2.2.gamma")
    golden = arrays("s2_full_v2_reduced")
    codes, text, ge = tensor(golden["codes"][0]), tensor(golden["text_ids"]), tensor(golden["ge"])
    assert (sovits.prior(codes, text, ge).mean - tensor(golden["m_p"])).abs().max() > 10 * LATENT_ATOL


def sampler_rows():
    golden = arrays("sampler")
    return golden, golden["settings_topk_topp_temp_rep"].tolist()


def test_sampling_probabilities_agree_with_the_original():
    golden, rows = sampler_rows()
    for i, (top_k, top_p, temperature, penalty) in enumerate(rows):
        penalized = penalize(tensor(golden["logits"]), tensor(golden["previous_tokens"]), penalty)
        settings = SamplingSettings(int(top_k), top_p, temperature, penalty)
        # 1e-6: the operations are the same, only their rounding may differ
        torch.testing.assert_close(
            probabilities(penalized, settings), tensor(golden[f"probs_{i}"]), atol=1e-6, rtol=0
        )


def test_the_sampler_golden_notices_another_temperature():
    golden, rows = sampler_rows()
    top_k, top_p, temperature, penalty = rows[0]
    penalized = penalize(tensor(golden["logits"]), tensor(golden["previous_tokens"]), penalty)
    wrong = probabilities(penalized, SamplingSettings(int(top_k), top_p, temperature * 1.1, penalty))
    assert (wrong - tensor(golden["probs_0"])).abs().max() > 1e-4  # a hundred tolerances
