"""Rating tables to numbers with intervals: agreement, biases, gates; pure."""

from harness.agreement.accuracy import human_ceiling, leave_one_out, macro, majority
from harness.agreement.alpha import krippendorff_alpha
from harness.agreement.audit import Audit, Coverage
from harness.agreement.bias import first_pick_rate, swap_flip_rate
from harness.agreement.gate import GateDecision, decide
from harness.agreement.gate_evidence import measured
from harness.agreement.kappa import cohen_kappa, pairs_of
from harness.agreement.multi_rater import chance_corrected
from harness.agreement.report import AgreementReport, agreement_report, judge_kappa, truth_of
from harness.agreement.settings import Section, Settings
from harness.nouns.gate import Gate

__all__ = [
    "AgreementReport",
    "Audit",
    "Coverage",
    "Gate",
    "GateDecision",
    "Section",
    "Settings",
    "agreement_report",
    "chance_corrected",
    "cohen_kappa",
    "decide",
    "first_pick_rate",
    "human_ceiling",
    "judge_kappa",
    "krippendorff_alpha",
    "leave_one_out",
    "macro",
    "majority",
    "measured",
    "pairs_of",
    "swap_flip_rate",
    "truth_of",
]
