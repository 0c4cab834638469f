"""Upstream's files: versions, headers, strictness, writing back."""

import io
import pickle
import zipfile

import pytest
import torch
from golden_sets import GOLDENS
from small_models import small_upstream_gpt, small_upstream_sovits, uneven_sovits
from test_gpt import UNEVEN

from autocompress.errors import CheckpointError
from autocompress.models.checkpoint import (
    gpt_misfits,
    load_gpt,
    load_sovits,
    read_checkpoint,
    save_gpt,
    save_sovits,
    sovits_misfits,
)
from autocompress.models.config import VERSIONS, GptConfig, SovitsConfig
from autocompress.models.gpt import Gpt
from autocompress.models.sovits.synthesizer import Sovits


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """One GPT, and one SoVITS of each version, with upstream's own settings only."""
    folder = tmp_path_factory.mktemp("files")
    save_gpt(small_upstream_gpt(), folder / "gpt.ckpt", info="GPT-e15")
    for version in VERSIONS:
        save_sovits(small_upstream_sovits(version), folder / f"{version}.pth", info="8epoch", force=True)
        edit(folder / f"{version}.pth", lambda content: content["config"].pop("autocompress"))
    return folder


def content_of(path):
    data = bytearray(path.read_bytes())
    header, data[:2] = bytes(data[:2]), b"PK"
    return header, torch.load(io.BytesIO(data), weights_only=True)


def edit(path, change, to=None):
    """Rewrite a file with its content changed."""
    header, content = content_of(path)
    change(content)
    buffer = io.BytesIO()
    torch.save(content, buffer)
    (to or path).write_bytes(header + buffer.getvalue()[2:])
    return to or path


def equal(a, b):
    pairs = zip(a.state_dict().values(), b.state_dict().values(), strict=True)
    return all(torch.equal(x.half(), y.half()) for x, y in pairs)


def test_a_gpt_comes_back_as_it_was_written(files):
    assert equal(load_gpt(files / "gpt.ckpt"), small_upstream_gpt())
    file = read_checkpoint(files / "gpt.ckpt")
    assert (file.kind, file.version, file.header, file.info) == ("gpt", "v2", "PK", "GPT-e15")


@pytest.mark.parametrize(
    ("version", "header"), [("v1", "PK"), ("v2", "PK"), ("v2Pro", "05"), ("v2ProPlus", "06")]
)
def test_each_version_is_recognised_and_comes_back(files, version, header):
    file = read_checkpoint(files / f"{version}.pth")
    assert (file.kind, file.version, file.header) == ("sovits", version, header)
    loaded = load_sovits(files / f"{version}.pth")
    assert loaded.config.version == version
    assert loaded.config.style.bins == (1025 if version == "v1" else 704)


def test_without_a_header_the_tensors_tell_the_version(files):
    for version in ("v2Pro", "v2ProPlus"):
        data = bytearray((files / f"{version}.pth").read_bytes())
        data[:2] = b"PK"
        plain = files / f"plain_{version}.pth"
        plain.write_bytes(data)
        edit(plain, lambda content: content["config"]["model"].pop("version"))
        assert read_checkpoint(plain).version == version


def test_weights_are_fp16_and_open_with_torchs_own_safe_loader(files):
    header, content = content_of(files / "v2.pth")
    assert header == b"PK"
    assert {t.dtype for t in content["weight"].values()} == {torch.float16}
    assert set(content) == {"weight", "config", "info"}
    assert not any(key.startswith("enc_q.") for key in content["weight"])
    _, content = content_of(files / "gpt.ckpt")
    assert all(key.startswith("model.") for key in content["weight"])


def test_pickled_hparams_are_read_as_plain_tables():
    for version, name in (("v1", "v1"), ("v2", "v2"), ("v2Pro", "v2pro")):
        file = read_checkpoint(GOLDENS / f"loader_tiny_{name}_hparams.pth")
        assert file.version == version
        assert type(file.config["model"]) is dict
        assert file.config["data"]["sampling_rate"] == 32000


def test_extra_training_tensors_are_ignored_and_missing_ones_made_up(files, tmp_path):
    def change(content):
        weight = content["weight"]
        weight["enc_q.pre.weight"] = torch.zeros(3).half()
        prefix = "quantizer.vq.layers.0._codebook."
        del weight[f"{prefix}inited"], weight[f"{prefix}embed_avg"]
        weight[f"{prefix}cluster_size"] = torch.full((1024,), torch.inf).half()

    assert equal_but_buffers(load_sovits(edit(files / "v2.pth", change, tmp_path / "x.pth")))


def equal_but_buffers(loaded):
    wanted = small_upstream_sovits().state_dict()
    skip = ("inited", "embed_avg", "cluster_size")
    found = {key: t for key, t in loaded.state_dict().items() if not key.endswith(skip)}
    return all(torch.equal(t, wanted[key].half().float()) for key, t in found.items())


def test_the_posterior_encoder_is_kept_on_request(tmp_path):
    model = uneven_sovits(posterior=True)
    save_sovits(model, tmp_path / "with.pth", posterior=True, force=True)
    assert equal(load_sovits(tmp_path / "with.pth", posterior=True), model)
    assert load_sovits(tmp_path / "with.pth").enc_q is None


def test_every_fault_of_a_file_is_listed_at_once(files, tmp_path):
    def change(content):
        weight = content["weight"]
        del weight["model.h.layers.1.norm2.weight"], weight["model.bert_proj.bias"]
        weight["model.h.layers.0.linear1.weight"] = torch.zeros(5, 5).half()
        weight["model.h.layers.7.extra"] = torch.zeros(2).half()
        weight["model.ar_text_position.alpha"] = torch.ones(1, dtype=torch.long)

    broken = edit(files / "gpt.ckpt", change, tmp_path / "broken.ckpt")
    with pytest.raises(CheckpointError) as caught:
        load_gpt(broken)
    message = str(caught.value)
    for part in (
        "2 missing",
        "model.h.layers.1.norm2.weight",
        "model.bert_proj.bias",
        "1 unexpected",
        "model.h.layers.7.extra",
        "1 mis-shaped",
        "model.h.layers.0.linear1.weight (5, 5) instead of (64, 16)",
        "model.ar_text_position.alpha",
    ):
        assert part in message


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_of_a_training_that_diverged_are_named(files, tmp_path, value):
    def change(content):
        content["weight"]["model.bert_proj.bias"][1] = value

    with pytest.raises(CheckpointError, match=r"1 not finite .*: model\.bert_proj\.bias$"):
        load_gpt(edit(files / "gpt.ckpt", change, tmp_path / "diverged.ckpt"))


@pytest.mark.parametrize(
    "key",
    [
        "ref_enc.fc.fc.weight",
        "enc_p.ssl_proj.weight",
        "enc_p.mrte.c_pre.weight",
        "dec.ups.1.weight_v",
        "quantizer.vq.layers.0._codebook.embed",
        "enc_p.text_embedding.weight",
        "ref_enc.spectral.0.fc.weight",
        "enc_p.encoder_text.attn_layers.1.emb_rel_k",
        "enc_p.encoder2.ffn_layers.0.conv_1.weight",
    ],
)
def test_one_mis_shaped_sovits_tensor_is_the_one_that_is_named(files, tmp_path, key):
    def change(content):
        content["weight"][key] = torch.zeros(3, 3, 3).half()

    with pytest.raises(CheckpointError) as caught:
        load_sovits(edit(files / "v2.pth", change, tmp_path / "x.pth"))
    assert f"{key} (3, 3, 3) instead of" in str(caught.value)


def test_swapped_files_are_told_apart(files):
    with pytest.raises(CheckpointError, match="SoVITS model was given as the GPT"):
        load_gpt(files / "v2.pth")
    with pytest.raises(CheckpointError, match="GPT model was given as SoVITS"):
        load_sovits(files / "gpt.ckpt")


def test_a_renamed_file_is_judged_by_its_content(files, tmp_path):
    renamed = tmp_path / "song.mp3"
    renamed.write_bytes((files / "gpt.ckpt").read_bytes())
    assert load_gpt(renamed).config.width == 16


@pytest.mark.parametrize(
    ("header", "change", "words"),
    [
        (b"02", None, ["v3", "flow-matching", "BigVGAN"]),
        (b"03", None, ["v3 LoRA", "base model"]),
        (b"04", None, ["v4 LoRA", "48 kHz"]),
        (b"PK", lambda c: c["weight"].update({"cfm.estimator.x": torch.zeros(1)}), ["v3", "flow-matching"]),
        (b"PK", lambda c: c["config"]["model"].update(version="v4"), ["v4", "48 kHz"]),
        (b"PK", lambda c: c.update(lora_rank=32), ["LoRA", "base model"]),
    ],
)
def test_v3_v4_and_lora_are_refused_by_name_with_what_they_need(files, tmp_path, header, change, words):
    path = edit(files / "v2.pth", change or (lambda content: None), tmp_path / "x.pth")
    path.write_bytes(header + path.read_bytes()[2:])
    with pytest.raises(CheckpointError) as caught:
        read_checkpoint(path)
    assert all(word in str(caught.value) for word in words)


def test_shapes_that_upstream_cannot_hold_are_refused_and_named(tmp_path):
    torch.manual_seed(0)
    gpt, sovits = Gpt(UNEVEN), uneven_sovits("v2Pro")
    with pytest.raises(CheckpointError, match=r"blocks differ.*BERT width 8"):
        save_gpt(gpt, tmp_path / "gpt.ckpt")
    with pytest.raises(CheckpointError, match="hidden channels 12 is not 192"):
        save_sovits(sovits, tmp_path / "s.pth")
    assert list(tmp_path.iterdir()) == []
    save_gpt(gpt, tmp_path / "gpt.ckpt", force=True)
    save_sovits(sovits, tmp_path / "s.pth", force=True)
    assert load_gpt(tmp_path / "gpt.ckpt").config == UNEVEN
    assert load_sovits(tmp_path / "s.pth").config == sovits.config
    assert equal(load_sovits(tmp_path / "s.pth"), sovits)


def test_original_sizes_fit_upstream_in_every_version():
    for version in VERSIONS:
        assert sovits_misfits(SovitsConfig.original(version), posterior=True) == []
        assert gpt_misfits(GptConfig.original(version)) == []


def test_a_pruned_model_within_upstreams_settings_still_fits():
    from autocompress.models.config import halving_vocoder

    kinder = halving_vocoder(128, (10, 8, 2, 2, 2), (16, 16, 8, 2, 2), (3, 7))
    smaller = SovitsConfig.uniform(version="v2", inter=96, ffn=256, layers=4, heads=4, vocoder=kinder)
    assert sovits_misfits(smaller) == []
    with torch.device("meta"):
        assert "dec.resblocks.9.convs1.0.weight_g" in Sovits(smaller).state_dict()


def bad_pickle(code):
    """A torch zip whose pickle is ``code``."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("archive/data.pkl", code)
    return buffer.getvalue()


class Evil:
    def __init__(self, function, *arguments):
        self.function, self.arguments = function, arguments

    def __reduce__(self):
        return self.function, self.arguments


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_a_hostile_pickle_is_not_run(tmp_path, protocol):
    import os

    marker = tmp_path / "was-run"
    attack = {"weight": {}, "config": Evil(os.system, f"touch {marker}"), "info": ""}
    path = tmp_path / "x.pth"
    path.write_bytes(bad_pickle(pickle.dumps(attack, protocol)))
    with pytest.raises(CheckpointError, match=r"system.*was not run"):
        read_checkpoint(path)
    assert not marker.exists()


@pytest.mark.parametrize("function", [eval, getattr, __import__, torch.load, type])
def test_nothing_outside_the_allow_list_is_looked_up(tmp_path, function):
    path = tmp_path / "x.pth"
    path.write_bytes(bad_pickle(pickle.dumps([Evil(function, "1")], 2)))
    with pytest.raises(CheckpointError, match="was not run"):
        read_checkpoint(path)


def deep(levels):
    value = []
    for _ in range(levels):
        value = [value, value]
    return value


BROKEN = {
    "empty": b"",
    "text": b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\n",
    "only a header": b"05",
    "zip without a pickle": None,
    "pickle cut short": bad_pickle(b"\x80\x02}q\x00("),
    "not a pickle": bad_pickle(b"hello"),
    "a list": bad_pickle(pickle.dumps([1, 2], 2)),
    "other keys": bad_pickle(pickle.dumps({"state_dict": {}}, 2)),
    "weights that are numbers": bad_pickle(pickle.dumps({"weight": {"model.x": 3}, "config": {}}, 2)),
    "no tensors": bad_pickle(pickle.dumps({"weight": {}, "config": {}}, 2)),
    "settings that explode": bad_pickle(pickle.dumps({"weight": {}, "config": deep(40)}, 2)),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_files_get_one_clear_error(tmp_path, name):
    data = BROKEN[name]
    if data is None:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("readme.txt", "hello")
        data = buffer.getvalue()
    path = tmp_path / "x.pth"
    path.write_bytes(data)
    with pytest.raises(CheckpointError) as caught:
        read_checkpoint(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("share", [0.02, 0.5, 0.999])
def test_a_truncated_file_says_so(files, tmp_path, share):
    data = (files / "v2.pth").read_bytes()
    path = tmp_path / "cut.pth"
    path.write_bytes(data[: int(share * len(data))])
    with pytest.raises(CheckpointError, match="truncated"):
        load_sovits(path)


def test_a_flipped_byte_in_a_weight_is_noticed(files, tmp_path):
    data = bytearray((files / "v2.pth").read_bytes())
    data[len(data) // 2] ^= 255
    path = tmp_path / "flipped.pth"
    path.write_bytes(data)
    with pytest.raises(CheckpointError, match="CRC"):
        load_sovits(path)


def test_a_folder_and_an_absent_file_are_named(tmp_path):
    with pytest.raises(CheckpointError, match="a folder"):
        read_checkpoint(tmp_path)
    with pytest.raises(CheckpointError, match="cannot be read"):
        read_checkpoint(tmp_path / "absent.pth")


def test_compressed_members_are_refused_before_they_unfold(tmp_path):
    path = tmp_path / "bomb.pth"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", b"\0" * 50_000_000)
    assert path.stat().st_size < 100_000
    with pytest.raises(CheckpointError, match="compressed"):
        read_checkpoint(path)


def test_a_tensor_larger_than_its_storage_is_refused(tmp_path):
    huge = torch.zeros(1).half().expand(10**9)
    buffer = io.BytesIO()
    torch.save({"weight": {"model.x": huge}, "config": {}, "info": ""}, buffer)
    path = tmp_path / "x.ckpt"
    path.write_bytes(buffer.getvalue())
    with pytest.raises(CheckpointError, match="does not fit the storage"):
        read_checkpoint(path)
