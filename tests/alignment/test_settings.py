import pytest
from pydantic import ValidationError

from weft.alignment.settings import AlignmentSettings


def test_settings_round_trip_and_name_their_site() -> None:
    settings = AlignmentSettings(layer=3, heads=(2, 0))
    assert settings.heads == (0, 2)
    assert settings.site == "decoder.3.target_to_source"
    assert AlignmentSettings.model_validate_json(settings.model_dump_json()) == settings


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"heads": (1, 1)}, "heads must be different and not negative, got \\[1, 1\\]"),
        ({"heads": (-1,)}, "not negative"),
        ({"heads": ()}, "at least 1 item"),
        ({"layer": -1}, "greater than or equal to 0"),
        ({"threshold": 1.5}, "less than or equal to 1"),
        ({"head": 1}, "Extra inputs"),
    ],
)
def test_impossible_settings_are_refused(wrong: dict[str, object], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        AlignmentSettings.model_validate({"layer": 0, "heads": (0,)} | wrong)
