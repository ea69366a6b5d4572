from weft.alignment.link import Link, Row, Unaligned, WordAlignment, pharaoh, rows
from weft.alignment.words import given_words

SOURCE, TARGET = "The man sleeps", "L'homme dort"
ALIGNMENT = WordAlignment(
    (
        Link((0, 3), (0, 2), 0.75),
        Link((4, 7), (2, 7), 0.8),
        Link((0, 3), (2, 7), 0.2),
        Link((8, 14), (8, 12), 1 / 3),
    ),
    (Unaligned((0, 2), 0.25), Unaligned((2, 7), 0.0), Unaligned((8, 12), 2 / 3)),
)


def test_json_has_the_two_keys_of_the_interface() -> None:
    assert ALIGNMENT.to_json() == {
        "alignment": [
            {"source": [0, 3], "target": [0, 2], "probability": 0.75},
            {"source": [4, 7], "target": [2, 7], "probability": 0.8},
            {"source": [0, 3], "target": [2, 7], "probability": 0.2},
            {"source": [8, 14], "target": [8, 12], "probability": 0.3333333},
        ],
        "unaligned": [
            {"target": [0, 2], "probability": 0.25},
            {"target": [2, 7], "probability": 0.0},
            {"target": [8, 12], "probability": 0.6666667},
        ],
    }
    assert WordAlignment().to_json() == {"alignment": [], "unaligned": []}


def test_pharaoh_links_given_words_by_any_link_between_their_parts() -> None:
    assert pharaoh(ALIGNMENT, given_words(SOURCE), given_words(TARGET)) == "0-0 1-0 2-1"
    assert pharaoh(WordAlignment(), given_words(SOURCE), given_words(TARGET)) == ""


def test_rows_give_each_target_word_its_sources_best_first() -> None:
    assert rows(ALIGNMENT, SOURCE, TARGET) == [
        Row("L'", (0, 2), (("The", 0.75),), 0.25),
        Row("homme", (2, 7), (("man", 0.8), ("The", 0.2)), 0.0),
        Row("dort", (8, 12), (("sleeps", 1 / 3),), 2 / 3),
    ]


def test_a_moved_alignment_speaks_of_longer_texts() -> None:
    moved = ALIGNMENT.moved(11, 13)
    assert rows(moved, "x" * 11 + SOURCE, "y" * 13 + TARGET)[2].sources == (("sleeps", 1 / 3),)
    assert moved.unaligned[0].target == (13, 15)
    assert moved.moved(-11, -13) == ALIGNMENT
