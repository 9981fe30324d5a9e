"""Training: what it is told, what it minimises, and the one loop of all editors.

    config      TrainConfig: a frozen dataclass read from TOML; unknown keys and wrong types are errors
    task        Task: the module that is trained, its loss, its data, and what only a package knows how to do
    diffusion   DiffusionConfig and the task of diffusion models: encode, add noise, ask for it
    kept        data through the frozen networks, on the fly or once and kept
    loss        the equation: noise or v, min-SNR weights
    order       which sample comes when, and its random numbers: functions of (seed, number) alone
    state       complete checkpoints: written whole, found again, thinned out
    records     the log, the curve and the model card
    sheet       validation pictures and their metrics
    loop        train(): the loop in plain sight
    run         what surrounds it; the only file that imports accelerate

    twin        TwinUNet: latents and conditions -> prediction
    latents     pairs of pictures -> latents
    lora        low-rank adapters in place of full fine-tuning, and their merging
    pairs       the task of the twin UNets

The networks never see how many processes there are: a sample's noise, timestep and dropout follow from its number, so
that one process, two processes and a training that was killed and resumed go through the same losses.
"""
