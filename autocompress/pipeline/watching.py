"""The search that ``watch`` repeats: plan and search with the store of all rounds."""

from autocompress.pipeline.compose import plan, search
from autocompress.pipeline.model_source import choose_model
from autocompress.planner import SearchSettings
from autocompress.study import Front
from autocompress.watch import Ask


def search_again(ask: Ask, trials: int = 60) -> Front:
    """The front of a watched request; what the store holds is not measured again."""
    watched = ask.watched
    model = choose_model(watched.model, watched.gpt, watched.sovits, watched.voices, watched.vocoder)
    settings = SearchSettings(trials=trials, storage=ask.storage)
    return search(plan(ask.request, model, settings=settings), ask.folder).front()
