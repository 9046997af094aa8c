"""The table of trainers: it imports none of them, since ``harness --help`` reads it."""

from __future__ import annotations

TRAINERS = {
    "sft": "harness.train.sft:Sft",
    "reward_model": "harness.train.reward_ensemble:RewardModels",
    "dpo": "harness.train.dpo:Dpo",
    "kto": "harness.train.kto:Kto",
    "grpo": "harness.train.grpo:Grpo",
    "rloo": "harness.train.rloo:Rloo",
    "ppo": "harness.train.ppo:Ppo",
    "online_dpo": "harness.train.online_dpo:OnlineDpo",
    "best_of_n": "harness.train.best_of_n:BestOfN",
}
"""Every trainer by name: module and class. One more line makes another trainer known everywhere."""
