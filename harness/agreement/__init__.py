"""Statistics of agreement: pure functions from a rating table to numbers with intervals."""

from harness.agreement.accuracy import human_ceiling, leave_one_out, macro, majority
from harness.agreement.alpha import krippendorff_alpha
from harness.agreement.audit import Audit, Coverage
from harness.agreement.evidence import Evidence, Section, Settings
from harness.agreement.judgments import JudgmentTable, tables_from_judgments
from harness.agreement.kappa import cohen_kappa, pairs_of
from harness.agreement.multi_rater import chance_corrected
from harness.agreement.orders import OrderVerdicts, first_pick_rate, swap_flip_rate
from harness.agreement.report import AgreementReport, agreement_report, judge_kappa, truth_of
from harness.agreement.statistic import Statistic
from harness.agreement.table import RatingTable, from_labels

__all__ = [
    "AgreementReport",
    "Audit",
    "Coverage",
    "Evidence",
    "JudgmentTable",
    "OrderVerdicts",
    "RatingTable",
    "Section",
    "Settings",
    "Statistic",
    "agreement_report",
    "chance_corrected",
    "cohen_kappa",
    "first_pick_rate",
    "from_labels",
    "human_ceiling",
    "judge_kappa",
    "krippendorff_alpha",
    "leave_one_out",
    "macro",
    "majority",
    "pairs_of",
    "swap_flip_rate",
    "tables_from_judgments",
    "truth_of",
]
