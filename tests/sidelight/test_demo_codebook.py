from __future__ import annotations

from sidelight.config.settings import ModelSettings
from sidelight.demo.codebook import RACES, SCHOOLING, VALUES, glossary
from sidelight.demo.data import FEATURES, GROUP_QUARTERS


def test_every_feature_of_the_survey_has_words_that_the_configuration_takes() -> None:
    settings = ModelSettings.model_validate({"glossary": glossary()})
    assert set(FEATURES) < set(settings.glossary)
    assert all(entry.name for entry in settings.glossary.values())


def test_codes_stand_where_the_dictionary_of_the_survey_has_them() -> None:
    assert SCHOOLING[16] == "high school"
    assert SCHOOLING[24] == "doctorate"
    assert len(RACES) == 9
    assert [VALUES["RELP"][code] for code in GROUP_QUARTERS] == [
        "in an institution",
        "in group quarters",
    ]
