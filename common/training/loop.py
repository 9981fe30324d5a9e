"""The one training loop: batch, loss, backward, clip, step; what surrounds it, and the task that it is given.

The only file that imports accelerate.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator, PartialState
from accelerate.utils import DistributedType
from torch import nn
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from ..core.errors import CheckpointError, FaceEditError, InputError
from ..core.files import PATIENCE, alone, replace_text
from ..weights.state_dict import read_pickled
from . import checkpointing, logs
from .config import TrainConfig
from .sampler import Group, Numbered, Turns

log = logging.getLogger(__name__)

LOG: tuple[str, ...] = ("step", "loss", "learning_rate", "gradient_norm", "seconds")
SMALLER = '  resume from the last checkpoint with a smaller learning_rate, or precision = "bf16"'


State = dict[str, torch.Tensor]


class Task:
    """What is trained, on what, and what only its package knows how to do.

    Attributes:
        module: what accelerate wraps. Those of its parameters are trained that require a gradient, and each of them
            gets one in every pass; with `gradient_checkpointing` it has `enable_gradient_checkpointing()`.
        frozen: networks that stay as they are and go to the training's device.
        metrics: names of what `validate` measures; empty where nothing is held out.
        slim: checkpoints leave out what is not trained, for modules that are made the same again.
        title: heading of the model card.
        notes: text of the model card: what the model is, and what it learned from.
    """

    module: nn.Module
    frozen: tuple[nn.Module, ...] = ()
    metrics: tuple[str, ...] = ()
    slim: bool = False
    title: str = "Model"
    notes: str = ""

    def data(self, group: Group) -> Dataset[dict[str, Any]]:
        """Items of tensors, numbers and texts; what is done once for all of them is shared by the processes."""
        raise NotImplementedError

    def loss(self, module: Any, batch: Mapping[str, Any], device: torch.device) -> torch.Tensor:
        """The loss of one pass, a number.

        `batch` has "number" (B,) int64, which sample of the training each is: all that is drawn by chance follows from
        that.
        """
        raise NotImplementedError

    def validate(self, module: Any, step: int, folder: Path) -> dict[str, float]:
        """The metrics of the module, as it is; leaves pictures in the folder."""
        raise NotImplementedError

    def save(self, folder: Path, state: State) -> None:
        """Writes a model that an editor loads, from the state of the module."""
        raise NotImplementedError

    def judge(self, metrics: Mapping[str, float]) -> str:
        """What is wrong with a model of these metrics, as text; empty where nothing is."""
        return ""


def train(config: TrainConfig, task: Task) -> Path:
    """Trains, and returns the folder of the finished model.

    Raises:
        InputError: options that do not go together, or not with what is in the output folder, or another training is
            at work there.
        MissingDependencyError: peft is needed and missing.
        FaceEditError: the loss or a weight became NaN or infinite.
    """
    first = not int(os.environ.get("RANK", 0))  # stands for all processes that accelerate launched together
    with alone(Path(config.output).expanduser(), PATIENCE) if first else nullcontext():
        run = Run(config, task)
        run.module.train()
        for batch in run.batches():
            with run.accelerator.accumulate(run.module):
                loss = task.loss(run.module, batch, run.accelerator.device)
                run.accelerator.backward(loss)
                if run.accelerator.sync_gradients:
                    run.clip()
                run.optimizer.step()
                run.optimizer.zero_grad()
            run.losses.append(loss.detach())
            if run.accelerator.sync_gradients:
                run.end_step()
        return run.end()


class Run:
    """A training under way: what accelerate prepared, what is due after a step, and what goes to disk."""

    def __init__(self, config: TrainConfig, task: Task) -> None:
        self.config = config
        self.task = task
        self.output = Path(config.output).expanduser()
        self.accelerator = accelerator = _accelerator(config)
        self.sharded = accelerator.distributed_type == DistributedType.FSDP
        if self.sharded and config.ema:
            raise InputError("FSDP has no whole weights for ema; set ema = 0.", code="conflict")
        self.group = Group(accelerator.process_index, accelerator.num_processes, accelerator.wait_for_everyone)
        self._turns(0)  # does the batch divide?
        for network in task.frozen:
            network.to(accelerator.device).requires_grad_(False).eval()
        self.data = task.data(self.group)
        self._prepare(task.module)
        self.step = self._resume()
        self.losses: list[torch.Tensor] = []
        self.rows: list[tuple[int, torch.Tensor, float, Any]] = []
        self.norm: Any = 0.0
        accelerator.init_trackers("tensorboard", init_kwargs={"tensorboard": {"purge_step": self.step + 1}})
        if accelerator.is_main_process:
            self.log = logs.Log(self.output / "log.csv", LOG, self.step)
            self.validations = logs.Log(self.output / "validation.csv", ("step", *task.metrics), self.step)
        if self.step == 0:
            self._validate()
        self.started = time.perf_counter()

    def _prepare(self, module: Any) -> None:
        from diffusers.optimization import get_scheduler
        from diffusers.training_utils import EMAModel

        config = self.config
        accelerator = self.accelerator
        if config.gradient_checkpointing:
            module.enable_gradient_checkpointing()
        trained = [parameter for parameter in module.parameters() if parameter.requires_grad]
        rates = (config.betas[0], config.betas[1])
        decay = config.weight_decay
        optimizer: torch.optim.Optimizer
        if config.optimizer == "sgd":
            optimizer = torch.optim.SGD(trained, config.learning_rate, rates[0], weight_decay=decay)
        else:
            optimizer = torch.optim.AdamW(trained, config.learning_rate, rates, config.adam_epsilon, decay)
        # Not prepared: accelerate would step it once for every process.
        self.rate = get_scheduler(
            config.schedule, optimizer, num_warmup_steps=config.warmup, num_training_steps=config.steps
        )
        if (plugin := getattr(accelerator.state, "deepspeed_plugin", None)) is not None:
            plugin.deepspeed_config["train_micro_batch_size_per_gpu"] = self._turns(0).size
        self.module, self.optimizer = accelerator.prepare(module, optimizer)
        self.parameters = [parameter for parameter in self.module.parameters() if parameter.requires_grad]
        self.ema = EMAModel(self.parameters, decay=config.ema) if config.ema else None
        accelerator.register_for_checkpointing(*filter(None, (self.rate, self.ema)))
        if self.task.slim and not self.sharded:
            checkpointing.keep_trained_only(accelerator)

    def _turns(self, first: int) -> Turns:
        config = self.config
        return Turns(first, config.steps, config.batch_size, config.accumulation, self.group)

    def _resume(self) -> int:
        found = checkpointing.complete(self.output)
        if not found:
            return 0
        if not self.config.resume:
            raise InputError(f"{self.output} holds a training; name another, or set resume.", code="duplicate")
        step = checkpointing.read_facts(found[-1], self._facts())
        self._load(found[-1] / "state", step)
        self._say(f"resuming from step {step}")
        return step

    def _load(self, folder: Path, step: int) -> None:
        """Weights, moments and averages; what the config says of their rates goes before what the checkpoint knows."""
        config = self.config
        try:
            for path in folder.glob("custom_checkpoint_*.pkl"):
                read_pickled(path)  # refuses pickles with code, which accelerate would run in these files
            self.accelerator.load_state(str(folder))
        except Exception as error:  # damaged files fail in many ways
            message = f"{folder} is damaged, or does not fit the config: {str(error)[:300]}"
            hint = "keep its networks, lora_rank and ema, or name another output; delete it if damaged"
            raise CheckpointError(message, code="unreadable", hint=hint) from error
        self.accelerator.step = 0  # of the passes; their number in a step may be another now
        if self.ema is not None:
            self.ema.to(self.accelerator.device)
            self.ema.decay = config.ema
        for group in self.rate.optimizer.param_groups:
            now = {"betas": config.betas, "eps": config.adam_epsilon, "momentum": config.betas[0]}
            group.update({name: value for name, value in now.items() if name in group})
            group["weight_decay"] = config.weight_decay
        self.rate.base_lrs = [config.learning_rate] * len(self.rate.base_lrs)  # the peak may be another than before
        self.rate.last_epoch = step - 1
        self.rate.step()

    def _facts(self) -> dict[str, Any]:
        return {"seed": self.config.seed, "batch_size": self.config.batch_size, "samples": len(self.data)}  # type: ignore[arg-type]

    def _say(self, message: str) -> None:
        if not self.config.quiet:
            self.accelerator.print(message)

    # --- the steps ---------------------------------------------------------------------------------------------------

    def batches(self) -> Iterator[dict[str, Any]]:
        """This process's batches from the first step that is still to do."""
        loader = DataLoader(
            Numbered(self.data, self.config.seed),
            batch_sampler=self._turns(self.step),
            num_workers=self.config.workers,
            pin_memory=self.accelerator.device.type == "cuda",
        )
        silent = self.config.quiet or not self.accelerator.is_local_main_process
        yield from tqdm(loader, desc="Training", unit="pass", disable=silent, mininterval=2)

    def clip(self) -> None:
        """Clips the gradient, and notes its norm."""
        self.norm = self.accelerator.clip_grad_norm_(self.parameters, self.config.clip or float("inf"))

    def end_step(self) -> None:
        """Averages the weights, and does what is due."""
        config = self.config
        self.step += 1
        rate = float(self.rate.get_last_lr()[0])
        self.rate.step()
        if self.ema is not None:
            self.ema.step(self.parameters)
        self.rows.append((self.step, torch.stack(self.losses).mean(), rate, self.norm))
        self.losses = []
        last = self.step == config.steps
        saves = last or self.step % config.checkpoint_every == 0
        if saves or self.step % config.log_every == 0:
            self._write_log()
        if last or (config.validate_every and self.step % config.validate_every == 0):
            self._validate()
        if saves:
            self._checkpoint()

    def _write_log(self) -> None:
        losses: Any = self.accelerator.reduce(torch.stack([loss for _, loss, _, _ in self.rows]), reduction="mean")
        seconds = (time.perf_counter() - self.started) / len(self.rows)
        rows = [
            dict(zip(LOG, (step, loss, rate, float(norm), seconds)))
            for (step, _, rate, norm), loss in zip(self.rows, losses.tolist())
        ]
        self.rows = []
        self.started = time.perf_counter()
        if self.accelerator.is_main_process:
            self.log.add(rows)
        for row in rows:
            self._track("training", row)
        if not torch.isfinite(losses).all():
            raise FaceEditError(f"The loss became NaN or infinite by step {self.step}.\n{SMALLER}", code="values")

    def _track(self, title: str, row: Mapping[str, float]) -> None:
        """Shows a row, but its step, in TensorBoard."""
        values = {f"{title}/{name}": value for name, value in row.items() if name != "step"}
        self.accelerator.log(values, step=int(row["step"]))

    def _validate(self) -> None:
        """Measures the networks; before the first step that is the baseline, to which the others are compared."""
        accelerator = self.accelerator
        if not (self.task.metrics and self.config.validation_count) or self.sharded:
            return
        if accelerator.is_main_process:
            plain = accelerator.unwrap_model(self.module)
            plain.eval()
            with self._averaged(), accelerator.autocast():
                metrics = self.task.validate(plain, self.step, self.output / "validation")
            plain.train()
            row = {"step": self.step, **metrics}
            if self.step == 0:
                replace_text(self.output / logs.BASELINE, json.dumps(metrics, indent=1) + "\n")
                self._say("before the first step: " + ", ".join(f"{key} {value:.4g}" for key, value in metrics.items()))
            else:
                self.validations.add([row])
                if problem := self.task.judge(metrics):
                    log.warning("step %d: %s", self.step, problem)
            self._track("validation", row)
        accelerator.wait_for_everyone()

    @contextmanager
    def _averaged(self) -> Iterator[None]:
        if self.ema is None:
            yield
            return
        self.ema.store(self.parameters)
        self.ema.copy_to(self.parameters)
        try:
            yield
        finally:
            self.ema.restore(self.parameters)

    # --- to disk -----------------------------------------------------------------------------------------------------

    def _checkpoint(self) -> None:
        accelerator = self.accelerator
        if not all(bool(torch.isfinite(parameter).all()) for parameter in self.parameters):
            raise FaceEditError(f"Some weights became NaN or infinite by step {self.step}.\n{SMALLER}", code="values")
        final = checkpointing.place(self.output, self.step)
        part = checkpointing.unfinished(final)
        if accelerator.is_main_process:
            checkpointing.thin_out(self.output, 0)
            part.mkdir(parents=True)
        accelerator.wait_for_everyone()
        accelerator.save_state(str(part / "state"))
        with self._averaged():
            weights: Any = accelerator.get_state_dict(self.module)
            if accelerator.is_main_process:
                self.task.save(part / "model", weights)
        accelerator.wait_for_everyone()  # others still write their part of the state
        if accelerator.is_main_process:
            facts = {"step": self.step, **self._facts()}
            (part / checkpointing.FACTS).write_text(json.dumps(facts), encoding="utf-8")
            checkpointing.finish(final)
            checkpointing.thin_out(self.output, self.config.keep)
        accelerator.wait_for_everyone()

    def end(self) -> Path:
        """Publishes the last checkpoint, draws the curve, writes the card."""
        target = self.output / "model"
        if self.accelerator.is_main_process:
            checkpointing.copy_model(checkpointing.complete(self.output)[-1], target)
            card = logs.model_card(self.output, self.config, self.task)
            replace_text(target / "README.md", card)
            if not logs.draw_curve(self.output / "log.csv", self.output / "loss.png"):
                self._say('no loss.png: matplotlib is not installed (pip install "face-rig[train]")')
        self.accelerator.wait_for_everyone()
        self.accelerator.end_training()
        self._say(f"finished: {target}")
        return target


def _accelerator(config: TrainConfig) -> Accelerator:
    # accelerate takes fp16 on a CPU silently, and then does not compute in it.
    asked = config.precision or os.environ.get("ACCELERATE_MIXED_PRECISION", "no")
    if asked == "fp16" and str(PartialState().device) == "cpu":
        raise InputError('precision = "fp16" needs a GPU, and there is none here; use "bf16" or "no".', code="device")
    try:
        accelerator = Accelerator(
            mixed_precision=config.precision or None,
            gradient_accumulation_steps=config.accumulation,
            log_with="tensorboard" if config.tensorboard else None,  # left out where it is not installed
            project_dir=Path(config.output).expanduser(),
        )
    except ValueError as error:
        raise InputError(f'precision = "{config.precision}" cannot be had here: {error}', code="device") from error
    if (launched := int(os.environ.get("WORLD_SIZE", 1))) > 1 and accelerator.num_processes == 1:
        message = f"{launched} processes were launched, but each runs alone and would overwrite the others' files."
        raise InputError(message, code="processes", hint="without GPUs: set ACCELERATE_USE_CPU=true")
    return accelerator
