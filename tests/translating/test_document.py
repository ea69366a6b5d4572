"""Documents: read in chunks, written sentence by sentence or at once, with spans of the whole."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tests.tiny import save_untrained

import weft
from weft.base.errors import ConfigError, DataError, UnsupportedError
from weft.data.direction import Direction
from weft.data.tokenizer import Encoding
from weft.models.decoder import Encoded
from weft.models.reading import Reading
from weft.translating.decoding import Job
from weft.translating.document import Document
from weft.translating.documents import Wanted, _behind, lines_of
from weft.translating.joint_memory import chunks, framed, joined, joint_memory
from weft.translating.requests import jobs_of
from weft.translating.segments import Segment, Source
from weft.translating.translator import Translator

TEXT = "the red dog sleeps.。the black cat sings!。\n\n  the tree falls.。 the white house burns。  \nthe book shines?"
SENTENCES = ["the red dog sleeps.", "the black cat sings!", "the tree falls.", "the white house burns."]


@pytest.mark.parametrize(("size", "overlap"), [(7, 0), (7, 2), (5, 2), (11, 5), (100, 25), (1, 0)])
@pytest.mark.parametrize("num_tokens", [0, 1, 6, 7, 8, 23, 101])
def test_chunks_keep_every_token_once_with_its_surroundings(num_tokens, size, overlap):
    found = chunks(num_tokens, size=size, overlap=overlap)
    kept = [place for one in found for place in range(one.first, one.last)]
    assert kept == list(range(num_tokens))
    for one in found:
        assert one.end - one.start == min(size, num_tokens)
        assert one.first - one.start >= min(overlap, one.first)
        assert one.end - one.last >= min(overlap, num_tokens - one.last)


def memory_of(tiny: Translator, ids: list[int], direction: Direction) -> Encoded:
    [found] = tiny.decoder.memories([Segment(0, "", Encoding(ids, []))], direction)
    return found


def test_a_joint_memory_of_one_chunk_is_the_memory(tiny: Translator):
    direction = tiny.direction("en", "fr")
    ids = tiny.tokenizer.encode(SENTENCES[0]).ids
    joint = joint_memory(tiny.decoder, ids, direction, size=50, overlap=3)
    alone = memory_of(tiny, ids, direction)
    for mine, theirs in zip(joint.cross, alone.cross, strict=True):
        assert torch.equal(mine.k, theirs.k)
        assert torch.equal(mine.v, theirs.v)
    assert joint.keep.all()


def test_memories_in_a_row_come_apart_again(tiny: Translator):
    """With something before and behind each source, as other people's models have."""
    direction = replace(tiny.direction("en", "fr"), before=(1, 4), after=(2, 3))
    ids = [tiny.tokenizer.encode(text).ids for text in SENTENCES]
    memories = [memory_of(tiny, one, direction) for one in ids]
    row = joined(memories, direction)
    assert row.keep.shape[1] == 2 + sum(map(len, ids)) + 2
    first = framed(row, (0, len(ids[0])), direction)
    assert torch.equal(first.cross[0].k[:, :, :-2], memories[0].cross[0].k[:, :, :-2])
    assert torch.equal(first.cross[0].k[:, :, -2:], memories[-1].cross[0].k[:, :, -2:])


def test_positions_of_a_chunk_are_its_own(tiny: Translator):
    direction = tiny.direction("en", "fr")
    ids = tiny.tokenizer.encode(" ".join(SENTENCES)).ids
    joint = joint_memory(tiny.decoder, ids, direction, size=9, overlap=2)
    for one in chunks(len(ids), size=9, overlap=2):
        own = memory_of(tiny, ids[one.start : one.end], direction)
        read, kept = slice(one.first - one.start, one.last - one.start), slice(one.first, one.last)
        torch.testing.assert_close(joint.cross[1].v[:, :, kept], own.cross[1].v[:, :, read])


def test_a_document_of_sentences_is_what_translate_makes_of_it(tiny: Translator):
    """Spans, links, scores and white space included."""
    for align, nbest in ((True, 1), (False, 2)):
        plain = tiny.translate(TEXT, to="fr", align=align, nbest=nbest)
        assert tiny.translate(TEXT, to="fr", align=align, nbest=nbest, document=True) == plain
    assert tiny.translate([TEXT, SENTENCES[0]], to="fr", document=True)[1].text == "le chien rouge dort."


def test_lines_come_one_by_one_and_from_any_line_on(tiny: Translator):
    whole = tiny.translate(TEXT, to="fr").text.split("\n")
    for told in (Document(), Document(chunk=60), Document(context=1)):
        found = [one.text for one in tiny.translate_document(TEXT, to="fr", document=told)]
        assert len(found) == 4
        for first in range(6):
            later = tiny.translate_document(TEXT, to="fr", document=told, first_line=first)
            assert [one.text for one in later] == found[first:]
    assert [one.text for one in tiny.translate_document(TEXT, to="fr")] == whole
    lines = list(tiny.translate_document(TEXT, to="fr", align=True))
    assert [one.source for one in lines] == TEXT.split("\n")
    for line in lines:
        assert {link.source for link in line.alignment} <= set(line.source_words)


@pytest.mark.parametrize(
    "told",
    [Document(chunk=12, overlap=3), Document(context=1), Document(context=2, chunk=40), Document(whole=True)],
    ids=["chunks", "context", "context of chunks", "whole"],
)
def test_spans_are_of_the_document(tiny: Translator, told: Document):
    """Whatever a model of sentences writes with neighbours in sight: its words and links are where they say."""
    found = tiny.translate(TEXT, to="fr", document=told, align=True)
    assert found.source == TEXT
    words = set(found.target_words)
    assert [word.target for word in found.words] == list(found.target_words)
    assert all(found.text[slice(*span)].strip() == found.text[slice(*span)] != "" for span in words)
    for link in found.alignment:
        assert link.target in words
        assert link.source in found.source_words
    shares = dict.fromkeys(words, 0.0)
    for one in found.unaligned:
        shares[one.target] += one.probability
    for link in found.alignment:
        shares[link.target] += link.probability
    assert all(share <= 1 + 1e-6 for share in shares.values())
    assert found.text == tiny.translate(TEXT, to="fr", document=told).text


def test_a_sentence_of_which_nothing_comes_in_context_is_translated_alone(
    tiny: Translator, caplog: pytest.LogCaptureFixture
):
    """A model of sentences has said all that it knows once the translation of one stands there."""
    text = "。".join(SENTENCES)
    with caplog.at_level(logging.WARNING, "weft"):
        found = tiny.translate(text, to="fr", document=Document(context=1), align=True)
    alone = tiny.translate(text, to="fr", align=True)
    assert found.text == alone.text
    assert [link.source for link in found.alignment] == [link.source for link in alone.alignment]
    assert caplog.messages == ["3 of 4 sentences were translated without their context: with it nothing came of them"]


def test_context_is_a_prefix_that_is_not_said_again(tiny: Translator):
    """Made to go on, a model does so behind the first translation, in sight of both sentences."""
    [request], first = tiny._requests.of("。".join(SENTENCES[:2])), "le chien rouge dort."
    source = request.source
    ids = [*(one.tokens.ids for one in source.segments), tiny.tokenizer.encode(first).ids]
    search = replace(tiny.search_settings(), min_length=len(ids[2]) + 4)
    wanted = Wanted(("en", "fr"), tiny.direction("en", "fr"), search, True, Document(context=1))
    found = _behind(source.text, source.segments, [first], tiny.decoder, wanted)
    joint = Segment(0, source.text, Encoding(ids[0] + ids[1], _spans(source)))
    [answers] = tiny.decoder.decode(
        [Job(joint, tuple(ids[2]))], direction=wanted.direction, settings=search, align=True
    )
    assert found is not None
    for ours, whole in zip(found, answers, strict=True):
        assert whole.text == f"{first} {ours.text}" or whole.text == first + ours.text
        assert ours.num_tokens == len(whole.token_log_probabilities) - len(ids[2]) > 2
        assert ours.log_probability == pytest.approx(sum(whole.token_log_probabilities[len(ids[2]) :]))
        shift = len(whole.text) - len(ours.text)
        moved = [(link.source[0] + source.segments[1].start, link.target[0] + shift) for link in ours.alignment.links]
        assert moved == [(x.source[0], x.target[0]) for x in whole.alignment.links if x.target[0] >= shift]
        assert [ours.text[slice(*word.target)] for word in ours.words] == [
            whole.text[slice(*word.target)] for word in whole.words if word.target[0] >= shift
        ]
    too_long = replace(wanted, search=replace(search, max_length_ratio=0.2, max_length_offset=1, min_length=9))
    assert _behind(source.text, source.segments, [first], tiny.decoder, too_long) is None


def _spans(source: Source) -> list[tuple[int, int]]:
    return [(one.start + x, one.start + y) for one in source.segments for x, y in one.tokens.spans]


def test_a_whole_document_that_is_cut_off_is_told(tiny: Translator, caplog: pytest.LogCaptureFixture):
    search = replace(tiny.search_settings(), max_length=4, min_length=4)
    with caplog.at_level(logging.WARNING, "weft"):
        tiny.translate(TEXT, to="fr", document=Document(whole=True), settings=search)
        assert len(caplog.messages) == 1
        assert caplog.messages[0].startswith(
            "a document was cut off after 4 tokens, the most that search or positions al"
        )
        tiny.translate(SENTENCES[0], to="fr", document=Document(whole=True))
    assert len(caplog.messages) == 1


def test_a_whole_document_is_read_by_any_attention(tiny: Translator, tiny_folder: Path):
    told = Document(whole=True, chunk=12)
    wanted = tiny.translate(TEXT, to="fr", document=told)
    for name in ("chunked", "pages", "top-k", "window"):
        reading = Reading(page=2, pages=1, chunk=3, num=300, width=300, tolerance=0.0)
        other = weft.load(tiny_folder, dtype=torch.float64, attention=name, reading=reading)
        found = other.translate(TEXT, to="fr", document=told)
        assert found.text == wanted.text
        assert found.score == pytest.approx(wanted.score)


@pytest.mark.parametrize("told", [Document(), Document(chunk=12, overlap=3), Document(context=1), Document(whole=True)])
def test_a_document_that_was_read_before_is_translated_the_same_from_its_file(
    tiny: Translator, tmp_path: Path, told: Document
):
    wanted = tiny.translate(TEXT, to="fr", document=told, align=True)
    path = tmp_path / "document.safetensors"
    tiny.encode(TEXT, document=told).save(path)
    loaded = weft.EncodedSource.load(path)
    # context over memories of sentences that were read apart is another thing than reading them together
    if not told.context:
        assert tiny.translate(loaded, to="fr", document=told, align=True) == wanted
    path.write_bytes(path.read_bytes() + b"more")
    with pytest.raises(DataError, match=r"wanted the file as it was when it was loaded .* got one written since"):
        tiny.translate(loaded, to="fr", document=told)
    path.unlink()
    with pytest.raises(DataError, match="wanted the file that is being read from, got: No such file"):
        tiny.translate(loaded, to="fr", document=told)


@pytest.mark.parametrize("text", ["", "\n", "  \n\n ", "...\n\U0001f600"])
@pytest.mark.parametrize("told", [Document(), Document(chunk=8), Document(context=2), Document(whole=True)])
def test_a_document_without_a_word_stays_as_it_is(tiny: Translator, text: str, told: Document):
    assert tiny.translate(text, to="fr", document=told).text == text
    assert [one.text for one in tiny.translate_document(text, to="fr", document=told)] == (
        [text] if told.whole else [text[slice(*span)] for span in lines_of(text)]
    )
    assert tiny.translate(tiny.encode(text, document=told), to="fr", document=told).text == text


def test_lines_end_as_in_files():
    assert [("a\r\nb\n\nc"[slice(*span)]) for span in lines_of("a\r\nb\n\nc")] == ["a", "b", "", "c"]
    assert lines_of("a\n") == [(0, 1)]
    assert lines_of("") == [(0, 0)]


def test_the_same_sentence_in_other_surroundings_is_another(tiny: Translator):
    """Equal sentences are searched once only where their memories are one."""
    text = "the red dog sleeps.。the red dog sleeps.。the black cat sings!。the red dog sleeps.。"
    encoded = tiny.encode(text, document=Document(chunk=60))
    keys = [memory.cross[0].k for memory in encoded.memories[0]]
    assert not torch.allclose(keys[0], keys[1])
    both = tiny.translate(text, to="fr", document=Document(chunk=60), nbest=2)
    single = [
        tiny.decoder.decode(
            [job], direction=tiny.direction("en", "fr"), settings=tiny.search_settings(nbest=2), align=False
        )[0]
        for job in jobs_of(tiny._requests.of(encoded), ())
    ]
    assert both.text == "".join(answers[0].text for answers in single)


def test_learned_positions_bound_a_chunk_and_not_a_document(tmp_path: Path):
    folder = save_untrained(tmp_path / "learned", kind="transformer", position="learned", max_length=16)
    model = weft.load(folder)
    with pytest.raises(ConfigError, match=r"a chunk must fit the 15 positions that this model knows, got 16 tokens; "):
        model.translate(TEXT, to="fr", document=Document(chunk=16))
    text = " ".join([TEXT] * 3)
    assert model.translate(text, to="fr", document=Document(whole=True)).source == text
    assert model.translate(text, to="fr", document=Document(chunk=15, overlap=4)).source == text


@pytest.mark.parametrize("kind", ["recurrent", "decoder_only"])
def test_other_kinds_of_models_have_no_joint_memory(tmp_path: Path, kind: str):
    model = weft.load(save_untrained(tmp_path / kind, kind=kind))
    assert model.translate("the dog sleeps.", to="fr", document=True) == model.translate("the dog sleeps.", to="fr")
    if kind == "recurrent":
        with pytest.raises(UnsupportedError, match="a joint memory wants a Transformer that reads its source by cross"):
            model.translate("the dog sleeps.", to="fr", document=Document(whole=True))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"context": -1}, "context must be a number of sentences from 0 on, .* got -1; leave one out"),
        ({"context": 1, "whole": True}, "and 0 where the whole is written at once, got 1"),
        ({"overlap": 3}, "an overlap of 3 wants a chunk that it is part of; set chunk too"),
        ({"chunk": 0}, "a chunk wants at least 1 token, got 0; leave it out"),
    ],
)
def test_documents_that_cannot_be_are_refused(values: dict[str, int], message: str):
    with pytest.raises(ConfigError, match=message):
        Document(**values)


def test_an_overlap_leaves_something_to_keep(tiny: Translator):
    with pytest.raises(ConfigError, match="an overlap must be at least 0 and below half of the chunk, got 4 of 8"):
        tiny.translate(TEXT, to="fr", document=Document(chunk=8, overlap=4))
    with pytest.raises(ConfigError, match="a prefix wants texts of one sentence each, got a document; leave prefix or"):
        tiny.translate(TEXT, to="fr", document=True, prefix="le")
