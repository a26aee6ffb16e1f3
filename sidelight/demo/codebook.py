"""What the survey's codes mean (US Census Bureau, ACS PUMS data dictionary 2015), in few words."""

from __future__ import annotations

from sidelight.demo.data import FEATURES

YES_NO = {"1": "yes", "2": "no"}
NO_ANSWER = {"0": "not asked"}

NAMES = {
    "AGEP": "age",
    "SCHL": "schooling",
    "MAR": "marriage",
    "RELP": "place in the household",
    "DIS": "disability",
    "ESP": "parents' work",
    "CIT": "citizenship",
    "MIG": "moved this year",
    "MIL": "military service",
    "ANC": "ancestry",
    "NATIVITY": "born in the US",
    "DEAR": "hard of hearing",
    "DEYE": "poor sight",
    "DREM": "trouble remembering",
    "SEX": "sex",
    "RAC1P": "race",
    "probability": "chance of being employed",
    "prediction": "employed",
}

SCHOOLING = (
    "too young", "none", "nursery school", "kindergarten",
    *(f"grade {grade}" for grade in range(1, 12)),
    "grade 12, no diploma", "high school", "high school by test", "college under a year",
    "college, no degree", "associate's degree", "bachelor's degree", "master's degree",
    "professional degree", "doctorate",
)  # fmt: skip

HOUSEHOLD = (
    "householder", "husband or wife", "child", "adopted child", "stepchild", "brother or sister",
    "parent", "grandchild", "parent-in-law", "child-in-law", "other relative", "boarder",
    "housemate", "unmarried partner", "foster child", "not related", "in an institution",
    "in group quarters",
)  # fmt: skip

PARENTS = (
    "no child at home", "both work", "only the father works", "only the mother works", "none works",
    "father alone, works", "father alone, does not work", "mother alone, works",
    "mother alone, does not work",
)  # fmt: skip

RACES = (
    "white", "black", "American Indian", "Alaska Native", "American Indian or Alaska Native",
    "Asian",
    "Pacific Islander", "another", "two or more",
)  # fmt: skip

VALUES: dict[str, dict[str, str]] = {
    "SCHL": {str(code): words for code, words in enumerate(SCHOOLING)},
    "MAR": {"1": "married", "2": "widowed", "3": "divorced", "4": "separated", "5": "never"},
    "RELP": {str(code): words for code, words in enumerate(HOUSEHOLD)},
    "DIS": YES_NO,
    "ESP": {str(code): words for code, words in enumerate(PARENTS)},
    "CIT": {
        "1": "born in a state",
        "2": "born in a territory",
        "3": "born abroad, American",
        "4": "naturalized",
        "5": "not a citizen",
    },
    "MIG": NO_ANSWER | {"1": "no", "2": "from abroad", "3": "within the US"},
    "MIL": NO_ANSWER | {"1": "now", "2": "in the past", "3": "training only", "4": "never"},
    "ANC": {"1": "single", "2": "several", "3": "not classified", "4": "not told"},
    "NATIVITY": YES_NO,
    "DEAR": YES_NO,
    "DEYE": YES_NO,
    "DREM": NO_ANSWER | YES_NO,
    "SEX": {"1": "male", "2": "female"},
    "RAC1P": {str(code): words for code, words in enumerate(RACES, start=1)},
    "prediction": {"0": "not employed", "1": "employed"},
}


def glossary() -> dict[str, dict[str, object]]:
    """For the model's settings: words for its features and outputs."""
    columns = (*FEATURES, "probability", "prediction")
    return {name: {"name": NAMES[name], "values": VALUES.get(name, {})} for name in columns}
