"""What a trainer of language models must get right, line by line, and the tests that hold it."""

from __future__ import annotations

import ast
from pathlib import Path

CHECKLIST: dict[str, tuple[str, ...]] = {
    # tokens
    "masks come from lengths, also where pad is EOS": (
        "test_pad_that_equals_eos_hides_no_sampled_eos",
        "test_a_tokenizer_without_pad_token_pads_with_eos",
    ),
    "prompts are padded on the left, positions come from the mask": (
        "test_left_padding_changes_no_log_probability",
        "test_positions_come_from_the_mask",
    ),
    "sampled ids are kept, never decoded and encoded again": (
        "test_sampled_ids_survive_a_text_that_encodes_otherwise",
        "test_sampled_ids_are_scored_not_the_text",
    ),
    "no BOS is doubled": (
        "test_the_bos_of_a_chat_template_is_not_doubled",
        "test_a_prompt_that_brings_its_bos_gets_no_second_one",
        "test_a_text_with_its_bos_gets_no_second_one_also_from_trl",
    ),
    "every end id of tokenizer and checkpoint ends a completion": (
        "test_every_stop_id_of_tokenizer_and_checkpoint_ends_a_completion",
    ),
    "a checkpoint's generation config bends nothing": (
        "test_nothing_of_the_checkpoints_generation_config_bends_sampling",
        "test_trl_samples_without_what_a_checkpoint_bends_too",
    ),
    "truncations are counted and shown": (
        "test_truncated_completions_are_known",
        "test_rollout_statistics_by_hand",
    ),
    # rollout
    "the temperature divides the logits in every pass": (
        "test_log_probabilities_are_those_of_the_tempered_model",
        "test_tokens_are_drawn_from_the_distribution_that_is_scored",
        "test_a_look_by_hand",
    ),
    "dropout is off": (
        "test_dropout_is_off_and_the_mode_is_restored",
        "test_recomputed_layers_have_the_same_gradients_and_no_dropout",
    ),
    "old log-probabilities are of the training engine, or corrected": (
        "test_kl_is_zero_and_ratio_one_at_the_first_step",
        "test_weights_turn_a_mean_over_what_the_engine_drew_into_one_over_the_policy",
    ),
    "text is cut at the stop token": ("test_text_is_cut_at_the_first_stop_token",),
    # memory
    "no tensor of sequences, tokens and vocabulary, forward or backward": (
        "test_the_vocabulary_takes_half_of_one_copy_at_most",
        "test_losses_and_gradients_are_those_of_all_logits_at_once",
    ),
    "passes are made by a budget of tokens": (
        "test_passes_hold_each_sequence_once_and_their_budget",
        "test_what_all_sequences_pad_is_cut_off",
        "test_splitting_a_step_into_passes_changes_nothing",
    ),
    "the critic can share the policy's body, the reference its base": (
        "test_with_lora_few_parameters_are_trained_and_the_critic_is_a_head",
        "test_a_loaded_adapter_is_not_the_base",
    ),
    "memory is estimated before the first step": (
        "test_the_estimate_is_what_a_card_measured",
        "test_what_cannot_fit_is_refused_before_it_is_loaded",
    ),
    # reward
    "a reward model scores the last real token, an EOS": (
        "test_the_score_is_that_of_the_eos_whatever_the_padding",
        "test_scores_after_loading_are_those_of_training",
    ),
    "rewards are normalized and clipped by option": (
        "test_the_return_of_a_completion_is_its_shaped_reward",
        "test_scores_are_standardized_and_clipped_by_option",
    ),
    "a row without reward moves nothing": (
        "test_a_row_without_reward_moves_nothing",
        "test_a_masked_row_is_left_out_of_the_whitening",
        "test_a_step_without_any_reward_moves_nothing",
    ),
    # KL
    "k1 per token in the reward": (
        "test_the_kl_penalty_is_in_the_reward",
        "test_the_score_is_at_the_last_real_token_and_kl_everywhere",
    ),
    "the coefficient adapts by option": (
        "test_the_kl_coefficient_adapts_by_option",
        "test_the_kl_controller_follows_ziegler_et_al",
    ),
    "KL per sequence and per token": ("test_kl_is_that_of_the_policy_from_the_reference",),
    "KL is 0 at first, also of a loaded adapter": (
        "test_kl_is_zero_and_ratio_one_at_the_first_step",
        "test_the_monitor_starts_at_kl_zero",
        "test_lora_checkpoints_hold_the_adapter_and_train_further",
    ),
    "updates stop on KL by option": (
        "test_updates_stop_on_kl_by_option",
        "test_stop_kl_is_in_nats_per_token",
    ),
    # advantage
    "GAE with gamma 1 and lambda .95": (
        "test_gae_defaults_are_gamma_1_and_lambda_095",
        "test_gae_by_hand",
    ),
    "masked tokens between turns pass credit through": (
        "test_tokens_that_the_policy_did_not_write_pass_credit_through",
    ),
    "whitening is masked, and over all ranks": (
        "test_whitening_sees_only_masked_elements",
        "test_two_ranks_train_and_log_as_one_does",
    ),
    "the value head starts at zero or from the reward model": (
        "test_the_value_head_starts_at_zero",
        "test_a_critic_can_start_from_the_reward_model",
    ),
    # update
    "the ratio is 1 at first": ("test_kl_is_zero_and_ratio_one_at_the_first_step",),
    "the clip binds": (
        "test_the_clip_binds_only_where_it_would_go_on",
        "test_the_policy_loss_by_hand",
    ),
    "values are clipped": (
        "test_value_clip_takes_the_worse_of_both_errors",
        "test_the_value_clip_binds_in_both_directions",
    ),
    "gradients are clipped": ("test_gradients_are_clipped",),
    "losses are normalized by tokens over passes and ranks": (
        "test_splitting_a_step_into_passes_changes_nothing",
        "test_two_ranks_train_and_log_as_one_does",
    ),
    "log-ratios are clipped before exp": (
        "test_the_log_ratio_is_clipped_on_both_sides",
        "test_a_huge_log_ratio_does_not_overflow",
    ),
    # PPO is ours
    "PPO takes the reward functions of TRL": ("test_reward_functions_get_what_trl_gives_them",),
    "a training goes on bit for bit": (
        "test_resume_is_bit_exact",
        "test_a_killed_training_goes_on_bit_for_bit",
        "test_two_ranks_of_which_one_is_killed_go_on_bit_for_bit",
    ),
    "policy and critic share no gradient, also with LoRA and recomputed layers": (
        "test_joint_backward_is_two_backwards_with_lora_and_checkpointing",
        "test_the_value_loss_reaches_the_critic_and_never_the_policy",
    ),
    # monitor
    "KL, length, entropy, distinct-n and EOS rate of each step": (
        "test_rollout_statistics_by_hand",
        "test_distinct_n_by_hand",
        "test_a_look_by_hand",
    ),
    "explained variance": ("test_explained_variance",),
    "groups of equal rewards": (
        "test_groups_of_equal_rewards_are_counted",
        "test_rloo_counts_groups_of_equal_rewards",
    ),
    "reward of each source with its coverage": (
        "test_grpo_logs_each_source_with_its_coverage",
        "test_statistics_are_those_of_all_ranks",
    ),
    "the proxy beside held-out gold": ("test_a_look_by_hand",),
}


def test_every_line_is_held_by_tests_that_are_there(repo_root: Path) -> None:
    files = [
        *(repo_root / "tests" / "unit" / "train").glob("test_*.py"),
        *(repo_root / "tests" / "integration").glob("test_train_*.py"),
    ]
    there = {
        node.name
        for file in files
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
    }
    gone = {line: set(tests) - there for line, tests in CHECKLIST.items()}
    assert not {line: tests for line, tests in gone.items() if tests}
