"""SoVITS as one graph: tokens, phonemes and a style → the audio of a window of frames.

Legend: N tokens, T = 2 N frames, P phonemes.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from autocompress.models.onnx.flat_images import flatten_wide_blocks
from autocompress.models.sovits.layers import fold_weight_norm
from autocompress.models.sovits.synthesizer import Sovits, double_frames
from autocompress.models.sovits.vocoder import Vocoder


class SovitsGraph(nn.Module):
    """codes [1, N], phoneme_ids [1, P], style [1, gin, 1], noise [1, inter, T], window [2] → audio [1, 1, n].

    ``noise`` is already scaled. ``window`` is the first frame and the frame after the last that the vocoder
    turns into audio. Prior and flow run over the whole sentence, for attention sees all of it; the vocoder
    takes nine tenths of the time and may run in pieces, so that speech starts early. The codebook and the
    1x1 projection behind it are one table here.
    """

    table: Tensor

    def __init__(self, sovits: Sovits) -> None:
        super().__init__()
        self.sovits = fold_weight_norm(sovits).eval()
        projection = sovits.enc_p.ssl_proj
        with torch.no_grad():
            table = F.linear(sovits.quantizer.codebook.embed, projection.weight[:, :, 0], projection.bias)
        self.register_buffer("table", table)
        if isinstance(self.sovits.dec, Vocoder):
            flatten_wide_blocks(self.sovits.dec)
        self.sovits.enc_p.ssl_proj = nn.Identity()  # type: ignore[assignment]  # multiplied into the table

    def forward(
        self, codes: Tensor, phoneme_ids: Tensor, style: Tensor, noise: Tensor, window: Tensor
    ) -> Tensor:
        content = double_frames(F.embedding(codes, self.table).transpose(1, 2))
        prior = self.sovits.enc_p(content, phoneme_ids, self.sovits.mrte_condition(style))
        z = self.sovits.flow(prior.sample(noise), None, style, reverse=True)
        audio: Tensor = self.sovits.dec(_window(z, window), style)
        return audio


def _window(z: Tensor, window: Tensor) -> Tensor:
    """Frames window[0]..window[1] of z [1, C, T], by gathering: a slice would fix its length at export."""
    frames = torch.arange(z.shape[2])
    inside = (frames >= window[0]) & (frames < window[1])
    return z[:, :, inside.nonzero().squeeze(1)]
