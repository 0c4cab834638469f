"""SoVITS: quantizer, prior encoder, flow, style encoder, vocoder, and the half that only training needs."""
