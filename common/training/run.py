"""A training under way: what accelerate prepared, what is due after a step, what goes to disk.

The only file that imports accelerate.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator, PartialState
from accelerate.utils import DistributedType
from torch.utils.data import DataLoader
from tqdm import tqdm

from ..errors import CheckpointError, FaceEditError, InputError
from ..files import replace_file
from ..weights import read_pickled
from . import records, state
from .config import TrainConfig
from .order import Numbered, Turns
from .task import Group, Task

log = logging.getLogger(__name__)

LOG = ("step", "loss", "learning_rate", "gradient_norm", "seconds")
_SMALLER = '  go on from the last checkpoint with a smaller learning_rate, or precision = "bf16"'


class Run:
    """A training under way: what accelerate prepared, what is due after a step, and what goes to disk."""

    def __init__(self, config: TrainConfig, task: Task) -> None:
        self.config, self.task, self.output = config, task, Path(config.output).expanduser()
        # accelerate takes fp16 on a CPU without a word, and then does not compute in it.
        asked = config.precision or os.environ.get("ACCELERATE_MIXED_PRECISION", "no")
        if asked == "fp16" and str(PartialState().device) == "cpu":
            raise InputError('precision = "fp16" needs a GPU, and there is none here; use "bf16" or "no".')
        try:
            self.accelerator = accelerator = Accelerator(
                mixed_precision=config.precision or None, gradient_accumulation_steps=config.accumulation
            )
        except ValueError as error:
            raise InputError(f'precision = "{config.precision}" cannot be had here: {error}') from error
        if (launched := int(os.environ.get("WORLD_SIZE", 1))) > 1 and accelerator.num_processes == 1:
            raise InputError(
                f"{launched} processes were launched, but each believes to be the only one: they would overwrite each"
                " other's files.\n  without GPUs: set ACCELERATE_USE_CPU=true"
            )
        self.sharded = accelerator.distributed_type == DistributedType.FSDP
        if self.sharded and config.ema:
            raise InputError("ema needs whole weights in every process, which FSDP has not; set ema = 0.")
        self.turns = self._turns(0)  # does the batch divide?
        for network in task.frozen:
            network.to(accelerator.device).requires_grad_(False).eval()
        group = Group(accelerator.process_index, accelerator.num_processes, accelerator.wait_for_everyone)
        self.data = task.keep(task.data, group) if task.keep else task.data
        self._prepare(task.module)
        self.step = self._resume()
        self.losses: list[torch.Tensor] = []
        self.rows: list[tuple[int, torch.Tensor, float, Any]] = []
        self.norm: Any = 0.0
        if accelerator.is_main_process:
            self.log = records.Log(self.output / "log.csv", LOG, self.step)
            self.validations = records.Log(self.output / "validation.csv", ("step", *task.metrics), self.step)
            self.board = records.tensorboard(self.output / "tensorboard", config.tensorboard, self.step)
        if self.step == 0:
            self._validate()
        self.started = time.perf_counter()

    def _prepare(self, module: Any) -> None:
        from diffusers.optimization import get_scheduler
        from diffusers.training_utils import EMAModel

        config, accelerator = self.config, self.accelerator
        if config.gradient_checkpointing:
            module.enable_gradient_checkpointing()
        trained, decay = [p for p in module.parameters() if p.requires_grad], config.weight_decay
        rates = config.betas[0], config.betas[1]
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
            plugin.deepspeed_config["train_micro_batch_size_per_gpu"] = self.turns.size
        self.module, self.optimizer = accelerator.prepare(module, optimizer)
        self.parameters = [p for p in self.module.parameters() if p.requires_grad]
        self.ema = EMAModel(self.parameters, decay=config.ema) if config.ema else None
        accelerator.register_for_checkpointing(*filter(None, (self.rate, self.ema)))
        if self.task.slim and not self.sharded:
            state.keep_trained_only(accelerator)

    def _turns(self, first: int) -> Turns:
        config, accelerator = self.config, self.accelerator
        return Turns(
            first, config.steps, config.batch_size, passes=config.accumulation, process=accelerator.process_index,
            processes=accelerator.num_processes,
        )  # fmt: skip

    def _resume(self) -> int:
        found = state.complete(self.output)
        if not found:
            return 0
        if not self.config.resume:
            raise InputError(f"{self.output} holds a training already, and resume is false; name another output.")
        step = state.read_facts(found[-1], self._facts())
        self._load(found[-1] / "state", step)
        self._say(f"going on from step {step}")
        return step

    def _load(self, folder: Path, step: int) -> None:
        """Weights, moments and averages; what the config says of their rates goes before what the checkpoint knows."""
        config, accelerator = self.config, self.accelerator
        try:
            for path in folder.glob("custom_checkpoint_*.pkl"):
                read_pickled(path)  # refuses pickles with code, which accelerate would run in these files
            accelerator.load_state(str(folder))
        except Exception as error:  # damaged files fail in many ways
            raise CheckpointError(
                f"{folder} is damaged, or does not fit the config: {str(error)[:300]}\n"
                "  go on with the networks, lora_rank and ema that it had, or name another output; delete it if damaged"
            ) from error
        accelerator.step = 0  # of the passes; their number in a step may be another now
        if self.ema is not None:
            self.ema.to(accelerator.device)
            self.ema.decay = config.ema
        for group in self.rate.optimizer.param_groups:
            now = {"betas": config.betas, "eps": config.adam_epsilon, "momentum": config.betas[0]}
            group.update({name: value for name, value in now.items() if name in group})
            group["weight_decay"] = config.weight_decay
        self.rate.base_lrs = [config.learning_rate] * len(self.rate.base_lrs)
        self.rate.last_epoch = step - 1
        self.rate.step()  # sets the rate of the next step

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
            persistent_workers=False,
        )
        silent = self.config.quiet or not self.accelerator.is_local_main_process
        yield from tqdm(loader, desc="Training", unit="pass", disable=silent, mininterval=2)

    def clip(self) -> None:
        """Clips the gradient, and notes its norm."""
        self.norm = self.accelerator.clip_grad_norm_(self.parameters, self.config.clip or float("inf"))

    def count(self, loss: torch.Tensor) -> None:
        """Notes the loss of one pass."""
        self.losses.append(loss.detach())

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
        if last or self.step % config.log_every == 0 or self.step % config.checkpoint_every == 0:
            self._write_log()
        if last or (config.validate_every and self.step % config.validate_every == 0):
            self._validate()
        if last or self.step % config.checkpoint_every == 0:
            self._checkpoint()

    def _write_log(self) -> None:
        accelerator = self.accelerator
        losses: Any = accelerator.reduce(torch.stack([loss for _, loss, _, _ in self.rows]), reduction="mean")
        seconds = (time.perf_counter() - self.started) / len(self.rows)
        rows = [
            dict(zip(map(str, LOG), (step, loss, rate, float(norm), seconds)))
            for (step, _, rate, norm), loss in zip(self.rows, losses.tolist())
        ]
        self.rows, self.started = [], time.perf_counter()
        if accelerator.is_main_process:
            self.log.add(rows)
            if self.board is not None:
                for row in rows:
                    for name in LOG[1:]:
                        self.board.add_scalar(f"training/{name}", row[name], row["step"])
        if not torch.isfinite(losses).all():
            raise FaceEditError(f"The loss is no number any more, by step {self.step}.\n{_SMALLER}")

    def _validate(self) -> None:
        """Measures the networks; before the first step that is the baseline, to which the others are compared."""
        accelerator, validate = self.accelerator, self.task.validate
        if validate is None or not self.config.validation_count or self.sharded:
            return
        if accelerator.is_main_process:
            plain = accelerator.unwrap_model(self.module)
            plain.eval()
            with self._averaged(), accelerator.autocast():
                metrics = validate(plain, self.step, self.output / "validation")
            plain.train()
            if self.step == 0:
                records.write_baseline(self.output, metrics)
                self._say("before the first step: " + ", ".join(f"{key} {value:.4g}" for key, value in metrics.items()))
            else:
                self.validations.add([{"step": self.step, **metrics}])
                if self.task.judge is not None and (problem := self.task.judge(metrics)):
                    log.warning("step %d: %s", self.step, problem)
            if self.board is not None:
                for name, value in metrics.items():
                    self.board.add_scalar(f"validation/{name}", value, self.step)
        accelerator.wait_for_everyone()

    @contextmanager
    def _averaged(self) -> Iterator[None]:
        """The networks with their averaged weights, if there are such."""
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
        accelerator, final = self.accelerator, state.place(self.output, self.step)
        if not all(bool(torch.isfinite(parameter).all()) for parameter in self.parameters):
            raise FaceEditError(f"Some weights are no numbers any more, by step {self.step}.\n{_SMALLER}")
        part = state.unfinished(final)
        if accelerator.is_main_process:
            state.thin_out(self.output, 0)
            part.mkdir(parents=True)
        accelerator.wait_for_everyone()
        accelerator.save_state(str(part / "state"))
        with self._averaged():
            weights: Any = accelerator.get_state_dict(self.module)
            if accelerator.is_main_process:
                self.task.write_model(part / "model", weights)
        if accelerator.is_main_process:
            (part / state.FACTS).write_text(json.dumps({"step": self.step, **self._facts()}), encoding="utf-8")
            state.finish(final)
            state.thin_out(self.output, self.config.keep)
        accelerator.wait_for_everyone()

    def end(self) -> Path:
        """Publishes the last checkpoint, draws the curve, writes the card."""
        target = self.output / "model"
        if self.accelerator.is_main_process:
            rows = records.read_log(self.output / "log.csv")
            tail = [row["loss"] for row in rows[-max(1, len(rows) // 10) :]]
            measured = (records.read_log(self.output / "validation.csv") or [{}])[-1]
            metrics = {name: value for name, value in measured.items() if name != "step"}
            state.copy_model(state.complete(self.output)[-1], target)
            loss = sum(tail) / len(tail) if tail else float("nan")  # somebody deleted the log
            before = records.read_baseline(self.output)
            problem = self.task.judge(metrics) if self.task.judge is not None and metrics else ""
            text = records.model_card(self.task.title, self.config, self.task.notes, loss, metrics, before, problem)
            replace_file(target / "README.md", lambda path: path.write_text(text, encoding="utf-8"))
            if not records.draw_curve(self.output / "log.csv", self.output / "loss.png"):
                self._say('no loss.png: matplotlib is not installed (pip install "face-rig[train]")')
            if self.board is not None:
                self.board.close()
        self.accelerator.wait_for_everyone()
        self.accelerator.end_training()
        self._say(f"finished: {target}")
        return target
