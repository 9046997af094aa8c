"""One class for each trainer: SFT, reward model, DPO, KTO, GRPO, RLOO, PPO, online DPO....

Importing this package loads neither torch nor transformers nor trl: each trainer imports them when
it is called. The modules ``ppo_model``, ``soft_preferences`` and ``trl_callbacks`` subclass classes
of those libraries and therefore import them at their top; other modules import these three only
inside functions.
"""
