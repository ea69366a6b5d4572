import pytest
import torch

from weft.alignment.gather import gather
from weft.attention.masks import Padding
from weft.attention.record import Observation
from weft.attention.reference import Reference
from weft.base.errors import ShapeError

HEADS, WIDTH, BEAM, LENGTH, SITE = 3, 11, 5, 7, "decoder.1.target_to_source"
ROWS = [torch.tensor(rows) for rows in ([2, 0, 1], [2, 0, 1], [0, 1], [1])]


def recorded() -> list[Observation]:
    """A search over three sources (taken in another order), the first two of which end before the last step."""
    generator = torch.Generator().manual_seed(3)
    keep = torch.arange(LENGTH) < torch.tensor([[7], [5], [2]])
    keys, values = (torch.randn(3, HEADS, LENGTH, WIDTH, generator=generator) for _ in range(2))
    backend = Reference()
    whole = backend.prepare(keys, values, mask=Padding(keep))
    place = {2: 0, 0: 1, 1: 2}
    return [
        Observation(
            SITE,
            torch.randn(len(rows), HEADS, BEAM, WIDTH, generator=generator),
            whole.select(torch.tensor([place[int(row)] for row in rows])),
            backend,
        )
        for rows in ROWS
    ]


def test_weights_are_those_of_the_slots_step_by_step() -> None:
    observations = recorded()
    sources, slots = [1, 0, 0, 2, 1], [(0, 3, 4, 2), (0, 1, 1), (0, 4, 3), (0, 2), (1, 0, 0)]
    asked = gather(observations, ROWS, sources=sources, slots=slots)
    assert asked.keep.tolist() == [[step < len(of_one) for step in range(4)] for of_one in slots]
    weights = asked.weights(heads=[2, 0])
    for number, (source, of_one) in enumerate(zip(sources, slots, strict=True)):
        for step, slot in enumerate(of_one):
            row = ROWS[step].tolist().index(source)
            expected = observations[step].weights(heads=[2, 0])[row, :, slot]
            torch.testing.assert_close(weights[number, :, step], expected)
    assert asked.weights().shape == (5, HEADS, 4, LENGTH)


@pytest.mark.parametrize(
    ("keep", "slots", "says"),
    [
        (4, [(0, 1, 2)], "every step of a hypothesis needs a recorded row of its source"),
        (4, [(0, 1, 2, 3, 4)], "no longer searched; pass rows and slots of the search"),
        (3, [(0,)], "got 3 observations and 4 rows; pick the entries of one site"),
        (0, [(0,)], "got 0 observations"),
    ],
)
def test_what_was_not_recorded_cannot_be_gathered(keep: int, slots: list[tuple[int, ...]], says: str) -> None:
    with pytest.raises(ShapeError, match=says):
        gather(recorded()[:keep], ROWS, sources=[2], slots=slots)
