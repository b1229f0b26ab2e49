"""The brand guide's rules: what may not stand, what has a better word, what may stand only so often."""

import datetime as dt
import json
import time

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from playbook import voice
from playbook.io import content

GUIDE = content.read(content.find("assessments/voice/default.yaml"), voice.VoiceGuide)
MADE_UP = content.read(content.find("templates/pilots/drafting/brand_guide.yaml"), voice.VoiceGuide)
SOURCED = {"source": "made up for the test", "date": dt.date(2026, 11, 22)}
ZERO_WIDTH, SOFT_HYPHEN, CYRILLIC_A = "\u200b", "\u00ad", "\u0430"


def rules(text, guide=GUIDE):
    return [finding.rule for finding in voice.check({"text": text}, guide)]


def guide(**changed):
    return VoiceOf(
        GUIDE.model_dump() | {"existence": [], "substitution": [], "occurrence": [], "sentence_length": None} | changed
    )


def VoiceOf(raw):  # noqa: N802 - reads as the class it makes
    return voice.VoiceGuide.model_validate(raw)


def test_a_plain_text_has_no_finding():
    assert rules("You can change the delivery day until the evening before. We wrote it down for you.") == []


@pytest.mark.parametrize(
    "written",
    [
        "guaranteed",
        "GUARANTEED",
        "guar" + SOFT_HYPHEN + "anteed",
        "guar" + ZERO_WIDTH + "anteed",
        "guar**anteed**",
        "guar<b>anteed</b>",
        "guar&#97;nteed",
        "\uff47uaranteed",  # a full-width g
    ],
)
def test_a_forbidden_word_is_found_however_it_is_dressed(written):
    assert rules(f"This is {written} for you.")[0] == "empty_promises"


@pytest.mark.parametrize("letter", [ZERO_WIDTH, "\u202e", "\U000e0041", "\ue000", "\x07"])
def test_a_character_nobody_sees_is_a_finding(letter):
    found = voice.check({"title": "Fine", "part 1": f"Fi{letter}ne"}, GUIDE)
    assert [(one.place, one.rule, one.found) for one in found] == [
        ("part 1", "invisible_characters", f"U+{ord(letter):04X}")
    ]


def test_hyphenation_and_joined_emoji_are_no_finding():
    assert rules("Fi" + SOFT_HYPHEN + "ne \U0001f469\u200d\U0001f4bb") == []


def test_a_forbidden_word_inside_another_word_is_none():
    assert rules("The unguaranteedness of it all is a strange word.") == []


def test_hyphen_and_space_are_the_same_in_a_phrase():
    assert rules("A best in class tool.") == rules("A best-in-class tool.") == ["worn_out_words"]


def test_a_star_stands_for_any_letters_and_alone_for_any_one_word():
    found = guide(
        existence=[{"id": "x", "forbids": ["promis*", "the most * ever"], "wanted": "w", "why": "y", **SOURCED}]
    )
    assert [hit.found for hit in voice.check({"t": "It promised the most fun ever, the most ever."}, found)] == [
        "promised",
        "the most fun ever",
    ]


def test_a_substitution_says_the_better_word():
    finding = voice.check({"title": "We utilise it"}, GUIDE)[0]
    assert (finding.place, finding.found, finding.wanted, finding.kind) == (
        "title, sentence 1",
        "utilise",
        '"use"',
        "substitution",
    )


def test_occurrences_are_counted_over_the_whole_piece():
    # the guide allows one exclamation mark in a piece; the second stands in part 2
    found = voice.check({"title": "Hello!", "part 2": "Good news!"}, GUIDE)
    assert [(one.place, one.found) for one in found] == [("part 2, sentence 1", "! 2 times")]


def test_occurrences_in_a_hundred_words_grow_with_the_text():
    # one long dash is allowed in every 100 words begun: 2 in 101 words pass, 2 in 100 do not
    dashes = [rule.model_dump() for rule in GUIDE.occurrence if rule.id == "long_dashes"]
    assert rules("— — " + "word " * 101, guide(occurrence=dashes)) == []
    assert rules("— — " + "word " * 100, guide(occurrence=dashes)) == ["long_dashes"]


def test_occurrences_in_a_sentence_are_counted_sentence_by_sentence():
    rule = {"id": "commas", "counts": [","], "most": 2, "per": "sentence", "why": "y", **SOURCED}
    found = voice.check({"t": "One, two, three. One, two, three, four."}, guide(occurrence=[rule]))
    assert [(one.place, one.found) for one in found] == [("t, sentence 2", ", 3 times")]


def test_a_sentence_of_25_words_passes_and_one_of_26_does_not():
    assert rules("word " * 24 + "end.") == []
    assert rules("word " * 25 + "end.") == ["sentence_length"]


def test_an_abbreviation_or_a_decimal_point_ends_no_sentence():
    text = "Use it, e.g. at home. It costs 3.50 now. Is it so?\n- a point without a full stop\nthe next line"
    assert voice.sentences(text, GUIDE.abbreviations) == [
        "Use it, e.g. at home.",
        "It costs 3.50 now.",
        "Is it so?",
        "a point without a full stop",
        "the next line",
    ]


def test_a_word_of_two_alphabets_is_a_finding_and_a_foreign_word_is_none():
    found = voice.check({"t": f"Gu{CYRILLIC_A}rantee and Привет and café and Ωmega"}, GUIDE)
    assert [one.found for one in found if one.kind == "alphabet"] == [f"Gu{CYRILLIC_A}rantee", "Ωmega"]


def test_a_rule_that_would_match_anything_is_refused():
    with pytest.raises(ValidationError, match="would match anything"):
        guide(existence=[{"id": "x", "forbids": ["*"], "wanted": "w", "why": "y", **SOURCED}])


def test_two_rules_of_one_id_are_refused():
    rule = {"id": "x", "forbids": ["a"], "wanted": "w", "why": "y", **SOURCED}
    with pytest.raises(ValidationError, match="two rules are called x"):
        guide(existence=[rule, rule])


def test_many_pieces_give_one_row_a_finding_and_keep_their_team():
    pieces = pd.DataFrame(
        {"team": ["a", "b", "b"], "piece": ["1", "1", "2"], "text": ["Risk-free.", "Fine.", "Act now, act now."]}
    )
    checked = voice.check_pieces(pieces, GUIDE)
    assert list(checked.columns) == list(voice.CHECKED)
    assert checked[["team", "piece", "found"]].to_numpy().tolist() == [
        ["a", "1", "Risk-free"],
        ["b", "2", "Act now"],
        ["b", "2", "act now"],
    ]
    assert voice.findings(checked, 3)[0] == "2 of 3 checked pieces break a rule of the brand guide that must be kept."


def test_no_pieces_give_an_empty_typed_table_and_not_yet():
    checked = voice.check_pieces(pd.DataFrame({"team": [], "piece": [], "text": []}), GUIDE)
    assert list(checked.columns) == list(voice.CHECKED)
    assert checked.empty
    assert voice.findings(checked, 0) == ["No piece has been checked against the brand guide yet."]


def test_the_guide_says_what_it_wants_in_the_made_up_example_too():
    assert rules("An epic garment you must always purchase!", MADE_UP) == [
        "words_we_do_not_use",
        "our_words",
        "our_words",
        "exclamation_marks",
    ]


@given(st.text(max_size=300))
def test_any_text_is_read_without_an_error_and_twice_the_same(text):
    first = voice.check({"t": text}, GUIDE)
    assert first == voice.check({"t": text}, GUIDE)
    assert voice.plain(voice.plain(text)) == voice.plain(voice.plain(voice.plain(text)))


@given(st.sampled_from([" ", "\n", "  ", "\u00a0", "\t"]), st.sampled_from(["", "*", "_", ZERO_WIDTH]))
def test_white_space_and_marks_between_words_never_hide_a_phrase(space, mark):
    assert "empty_promises" in rules(f"act{mark}{space}now") or space == "\n"


def test_a_long_text_without_full_stops_is_read_in_bounded_time():
    began = time.monotonic()
    voice.check({"t": "a-" * 50_000 + "best in " * 10_000}, GUIDE)
    assert time.monotonic() - began < 10


def test_real_posts_are_read_and_most_break_no_rule_that_must_be_kept(shared_data):
    lines = (shared_data / "brand_voice" / "posts.jsonl").read_text(encoding="utf-8").splitlines()[::10]
    posts = [json.loads(line) for line in lines]
    pieces = pd.DataFrame(
        {"team": "t", "piece": [post["slug"] for post in posts], "text": [post["text"] for post in posts]}
    )
    checked = voice.check_pieces(pieces, GUIDE)
    broken = checked.loc[checked["weight"] == "must", "piece"].nunique()
    assert broken < len(posts) / 2
    assert (checked["rule"] == "sentence_length").any()
