from __future__ import annotations

import numpy as np

from weft.statistical.posteriors import Posteriors, links_above

FOUND = Posteriors(
    forward=np.array([[0.6, 0.1], [0.2, 0.3], [0.0, 0.9]], np.float32),
    reverse=np.array([[0.5, 0.0], [0.3, 0.1], [0.1, 0.4]], np.float32),
    forward_null=np.array([0.3, 0.5, 0.1], np.float32),
    reverse_null=np.array([0.1, 0.5], np.float32),
)


def test_each_direction_links_where_a_word_is_likelier_than_none() -> None:
    assert FOUND.forward_links() == {(0, 0), (1, 2)}
    assert FOUND.reverse_links() == {(0, 0)}


def test_what_both_agree_on_is_their_geometric_mean() -> None:
    np.testing.assert_allclose(FOUND.agreed()[2], [0.0, 0.6], rtol=1e-6)
    assert links_above(FOUND.agreed(), 0.5) == {(0, 0), (1, 2)}
    assert links_above(FOUND.agreed(), 0.1) == {(0, 0), (0, 1), (1, 1), (1, 2)}


def test_no_words_have_no_links() -> None:
    empty, none = np.zeros((0, 2), np.float32), np.ones(0, np.float32)
    found = Posteriors(empty, empty, none, np.ones(2, np.float32))
    assert found.forward_links() == found.reverse_links() == links_above(found.agreed(), 0.5) == frozenset()
