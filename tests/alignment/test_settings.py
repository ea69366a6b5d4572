import pytest
from pydantic import ValidationError

from weft.alignment.settings import AlignmentSettings


def test_settings_round_trip_and_name_their_site() -> None:
    settings = AlignmentSettings(layer=3, heads=(2, 0))
    assert settings.heads == (0, 2)
    assert settings.site == "decoder.3.target_to_source"
    assert AlignmentSettings.model_validate_json(settings.model_dump_json()) == settings


def test_settings_of_before_are_read_as_they_were_meant() -> None:
    before = {"layer": 1, "heads": [0, 3, 4, 5], "threshold": 0.15, "shift": False, "renormalise": True}
    assert AlignmentSettings.model_validate(before) == AlignmentSettings(layer=1, heads=(0, 3, 4, 5), shift=False)


def test_a_guided_head_is_read_alone_and_late_and_may_say_that_there_is_no_word() -> None:
    found = AlignmentSettings.guided(layer=2, head=3)
    assert (found.site, found.heads, found.shift) == ("decoder.2.target_to_source", (3,), True)
    assert found.null_competes


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"heads": (1, 1)}, "heads must be different and not negative, got \\[1, 1\\]"),
        ({"heads": (-1,)}, "not negative"),
        ({"heads": ()}, "at least 1 item"),
        ({"layer": -1}, "greater than or equal to 0"),
        ({"threshold": 1.5}, "less than or equal to 1"),
        ({"head": 1}, "Extra inputs"),
        ({"decision": "best"}, "Input should be 'best_and_threshold', 'argmax', 'threshold', 'mutual' or 'monotone'"),
        ({"decide_on": "bytes"}, "Input should be 'words' or 'tokens'"),
    ],
)
def test_impossible_settings_are_refused(wrong: dict[str, object], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        AlignmentSettings.model_validate({"layer": 0, "heads": (0,)} | wrong)
