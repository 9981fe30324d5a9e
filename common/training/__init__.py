"""Training of the twin UNets: what a training is told, what it minimises, and the loop.

    config      TrainConfig: a frozen dataclass read from TOML; unknown keys and wrong types are errors
    twin        TwinUNet: latents and conditions -> prediction; the one thing that accelerate wraps
    lora        low-rank adapters in place of full fine-tuning, and their merging
    loss        the equation: noise or v, vector dropout, min-SNR and region weights
    order       which sample comes when, and its random numbers: functions of (seed, number) alone
    latents     pictures -> latents, on the fly or kept
    state       complete checkpoints: written whole, found again, thinned out
    records     the log, the curve and the model card
    sheet       validation pictures and their metrics
    task        Task: networks, data, and what only a package knows how to do
    loop        train(): the loop in plain sight
    run         what surrounds it; the only file that imports accelerate

The networks never see how many processes there are: a sample's noise, timestep and dropout follow from its number, so
that one process, two processes and a training that was killed and resumed go through the same losses.
"""
