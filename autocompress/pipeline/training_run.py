"""Training a model from a corpus, stage by stage; each stage goes on where it was interrupted."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors.torch import load_file

from autocompress.errors import MalformedError
from autocompress.models.checkpoint import save_gpt, save_sovits
from autocompress.models.gpt import Gpt
from autocompress.models.sovits.synthesizer import Sovits
from autocompress.models.text import to_phonemes
from autocompress.models.training import reference as sizes
from autocompress.models.training.batches import BatchSource
from autocompress.models.training.corpus import read_corpus
from autocompress.models.training.dataset import GPT_ONLY, TRAIN, Dataset
from autocompress.models.training.gpt_objective import GptObjective, GptRecipe
from autocompress.models.training.prepare import Preparation, prepare
from autocompress.models.training.sovits_objective import SovitsObjective, SovitsRecipe
from autocompress.models.training.trainer import Progress, Schedule, resume, train
from autocompress.models.whisper_content import WhisperContent
from autocompress.pipeline.training_card import Training, card_text
from autocompress.pipeline.training_scores import Halves, append_scores, score_halves
from autocompress.reporting.training_figure import write_training_figure

STAGES = ("prepare", "sovits", "gpt", "export", "evaluate")
Report = Callable[[str, Progress], None]


@dataclass(frozen=True)
class TrainingRun:
    """One training in a folder: ``data/``, ``sovits/``, ``gpt/`` (states, losses), ``model/`` with a card."""

    corpus: Path
    folder: Path
    seed: int = 0
    unseen: frozenset[str] = sizes.UNSEEN_VOICES
    gpt: GptRecipe = field(default_factory=lambda: GptRecipe(5900))
    sovits: SovitsRecipe = field(default_factory=lambda: SovitsRecipe(15_500, adversarial_from=3750))

    def run(self, stages: Sequence[str], report: Report) -> None:
        """The named stages in their order, each from its last checkpoint."""
        unknown = [stage for stage in stages if stage not in STAGES]
        if unknown:
            raise MalformedError(f"No training stage {', '.join(unknown)}. There are: {', '.join(STAGES)}.")
        work = {
            "prepare": self._prepare,
            "sovits": self._train_sovits,
            "gpt": self._train_gpt,
            "export": self._export,
            "evaluate": self._evaluate,
        }
        for stage in STAGES:
            if stage in stages:
                work[stage](report)

    def _prepare(self, report: Report) -> None:
        data = self.folder / "data"
        if (data / "items.json").is_file():
            return
        prepare(
            read_corpus(self.corpus),
            WhisperContent(),
            lambda text, language: to_phonemes(text, language).ids,
            Preparation(self.unseen, n_codes=sizes.N_CODES, seed=self.seed),
            data,
            lambda what, done, total: report(what, Progress(done, total, {}, 0.0)),
        )

    def _train_sovits(self, report: Report) -> None:
        schedule = Schedule(self.sovits.total_steps)
        train(self._sovits_objective(), schedule, self.folder / "sovits", lambda p: report("SoVITS", p))

    def _train_gpt(self, report: Report) -> None:
        schedule = Schedule(self.gpt.total_steps)
        train(self._gpt_objective(), schedule, self.folder / "gpt", lambda p: report("GPT", p))

    def _export(self, report: Report) -> None:
        """Averaged weights as upstream's two files."""
        model = self.folder / "model"
        model.mkdir(parents=True, exist_ok=True)
        halves = self.halves()
        save_gpt(halves.gpt, model / "gpt.ckpt", info=f"step {halves.steps['gpt']}", force=True)
        save_sovits(halves.sovits, model / "sovits.pth", info=f"step {halves.steps['sovits']}", force=True)
        self._write_card(Dataset.load(self.folder / "data"), halves)
        report("exported", Progress(1, 1, {}, 0.0))

    def _evaluate(self, report: Report) -> None:
        """One more line of ``scores.jsonl``, and ``curves.svg`` of losses and scores so far."""
        data = Dataset.load(self.folder / "data")
        halves = self.halves()
        said = score_halves(
            halves, data, lambda done, total: report("scores", Progress(done, total, {}, 0.0))
        )
        append_scores(self.folder / "scores.jsonl", said)
        write_training_figure(self.folder, self.folder / "curves.svg")
        self._write_card(data, halves)

    def _write_card(self, data: Dataset, halves: Halves) -> None:
        training = Training(self.folder, self.corpus, self.seed, self.gpt, self.sovits)
        card = self.folder / "model" / "card.md"
        card.parent.mkdir(parents=True, exist_ok=True)
        temporary = card.with_suffix(".tmp")
        temporary.write_text(card_text(training, data, halves) + "\n", "utf-8")
        temporary.replace(card)

    def halves(self) -> Halves:
        """Both networks with their averaged weights, as last saved."""
        gpt, sovits = self._gpt_objective(), self._sovits_objective()
        steps = {"gpt": resume(gpt, self.folder / "gpt"), "sovits": resume(sovits, self.folder / "sovits")}
        gpt.average.copy_to(gpt.model)
        sovits.average.copy_to(sovits.model)
        return Halves(gpt.model.eval(), sovits.model.eval(), steps)

    def _source(self, *splits: str) -> BatchSource:
        return BatchSource(Dataset.load(self.folder / "data"), self.seed, splits)

    def _gpt_objective(self) -> GptObjective:
        torch.manual_seed(self.seed)
        return GptObjective(Gpt(sizes.gpt_config()), self._source(TRAIN, GPT_ONLY), self.gpt)

    def _sovits_objective(self) -> SovitsObjective:
        torch.manual_seed(self.seed)
        model = Sovits(sizes.sovits_config(), posterior=True)
        tokenizer = load_file(self.folder / "data" / "tokenizer.safetensors")
        with torch.no_grad():
            model.ssl_proj.weight.copy_(tokenizer["ssl_proj.weight"])
            assert model.ssl_proj.bias is not None
            model.ssl_proj.bias.copy_(tokenizer["ssl_proj.bias"])
            model.quantizer.codebook.embed.copy_(tokenizer["codebook"])
            model.quantizer.codebook.embed_avg.copy_(tokenizer["codebook"])
            model.quantizer.codebook.inited.fill_(1)
        return SovitsObjective(model, self._source(TRAIN), self.sovits)
