"""A claim in a draft must stand in a fact it cites: numbers as written, superlatives, promises, denials."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playbook.agents.drafting import Claim, Draft, Fact, Line, Part, Terms, check_claims, fingerprint, read_facts
from playbook.agents.drafting.claims import spot
from playbook.agents.drafting.text import NOT_PASSED, as_markdown, as_text
from playbook.errors import ContentError, TableError
from playbook.io import content
from playbook.voice import VoiceGuide

TODAY = dt.date(2026, 11, 22)
WORDS = content.read(content.find("assessments/voice/default.yaml"), VoiceGuide).claims
TERMS = Terms(WORDS, products=("Fenwick",), links=("https://shop.example/fenwick",))
STATEMENTS = {
    "weight": "The Fenwick jacket weighs 410 grams in size M.",
    "return": "You can return a jacket within 60 days.",
    "share": "In our survey 12 % of readers asked for a hood.",
    "upto": "The battery lasts up to 50 hours.",
    "dry": "The Fenwick jacket is not waterproof.",
    "since": "The shop opened on 4 March 2019.",
    "best": "Hill magazine named it the best jacket for wind.",
    "price": "The jacket costs $129.",
    "words": "Made by a team of twelve people.",
}
FACTS = tuple(Fact(name, text, "made up", dt.date(2026, 10, 1)) for name, text in STATEMENTS.items())


def draft(text, *claims):
    return Draft(
        titles=[], parts=[Part(role="paragraph", text=text, claims=[Claim(text=c, facts=f) for c, f in claims])]
    )


def kinds(text, *claims, facts=FACTS, **how):
    return [finding.kind for finding in check_claims(draft(text, *claims), facts, TERMS, today=TODAY, **how)]


def whole(text, *facts):
    """The kinds of findings when the whole text is one claim that cites these facts."""
    return kinds(text, (text, list(facts)))


def test_a_sentence_without_anything_to_show_needs_no_fact():
    assert kinds("Here is what we have been working at.") == []


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("It weighs 410 grams.", "weight"),
        ("Send it back within 60 days.", "return"),
        ("So said 12% of readers.", "share"),
        ("So said 12\u00a0% of readers.", "share"),
        ("It runs for up to 50 hours.", "upto"),
        ("The Fenwick is not waterproof.", "dry"),
        ("Open since 4 March 2019.", "since"),
        ("Some call it the best jacket for wind.", "best"),
        ("Yours for $129.", "price"),
        ("Twelve people make it.", "words"),
    ],
)
def test_what_the_cited_fact_says_passes(text, fact):
    assert whole(text, fact) == []


@pytest.mark.parametrize(
    ("text", "fact", "kind"),
    [
        ("It weighs 41 grams.", "weight", "number"),  # 41 is written inside 410
        ("It weighs 410 kg.", "weight", "number"),
        ("It weighs only 410 grams.", "weight", "number"),
        ("Send it back within 60 weeks.", "return", "number"),
        ("So said 12 readers.", "share", "number"),
        ("So said 12 percent of readers.", "share", "number"),
        ("So said 12.0 % of readers.", "share", "number"),
        ("We heard it from \u0661\u0662 % of readers.", "share", "number"),  # Arabic digits
        ("It runs for 50 hours.", "upto", "number"),  # the fact's "up to" is gone
        ("It runs for fifty hours.", "upto", "number"),
        ("Open since 4 March 2018.", "since", "date"),
        ("Open since March.", "since", "date"),
        ("Open since Monday.", "since", "date"),
        ("It is the lightest jacket.", "best", "superlative"),
        ("It is the most loved jacket.", "best", "superlative"),
        ("It is warmer than any other.", "best", "superlative"),
        ("Yours for £129.", "price", "number"),
        ("Yours for 129.", "price", "number"),
        ("It is breathable.", "dry", "product claim"),
        ('Our readers said: "I would never wear another one"', "best", "quotation"),
        ("See evil.example for more.", "best", "link"),
        ("Write to me@evil.example now.", "best", "link"),
        ("See https://shop.example/other here.", "best", "link"),
    ],
)
def test_what_the_cited_fact_does_not_say_is_marked(text, fact, kind):
    assert kind in whole(text, fact)


def test_a_link_passes_when_the_policy_lists_it_and_never_because_a_fact_holds_it():
    assert whole("See https://shop.example/fenwick here.", "best") == []
    holds = (Fact("f", "Read evil.example every week.", "made up", TODAY),)
    assert "link" in kinds("Read evil.example every week.", ("Read evil.example every week.", ["f"]), facts=holds)


@pytest.mark.parametrize("markup", ["<b>x</b>", "[x](y)", "![x](y)", "{{ x }}", "&#97;", "<script>", "[x]: y"])
def test_markup_never_passes(markup):
    assert "markup" in kinds(f"Read {markup} here.")


def test_the_same_number_without_a_claim_around_it_is_marked():
    found = check_claims(draft("It weighs 410 grams."), FACTS, TERMS, today=TODAY)
    assert [(one.kind, one.found, one.wanted) for one in found] == [
        ("number", "410 grams", "a claim around it that cites a fact of the sheet")
    ]


def test_a_number_that_stands_in_another_fact_than_the_cited_one_is_marked():
    assert "number" in whole("It weighs 410 grams.", "return")


def test_a_denial_that_was_left_out_or_put_in_is_marked():
    # the fact says: not waterproof
    assert "claim" in kinds("The Fenwick is waterproof.", ("The Fenwick is waterproof.", ["dry"]))
    assert "claim" in kinds("It is not for 60 days.", ("It is not for 60 days.", ["return"]))
    # the claim leaves the sentence's own "not" outside
    assert "claim" in kinds("It is not 410 grams.", ("410 grams", ["weight"]))


def test_a_sentence_that_names_a_product_needs_a_fact_unless_it_asks():
    assert kinds("The Fenwick hugs you.") == ["named product"]
    assert kinds("Do you know the Fenwick?") == []


@pytest.mark.parametrize(
    ("claim", "facts"),
    [
        ("words that stand nowhere", ["weight"]),
        ("It weighs 410 grams.", []),
        ("It weighs 410 grams.", ["no such fact"]),
        ("It weighs 410 grams.", ["weight", "return", "share", "price"]),
    ],
)
def test_a_claim_that_shows_nothing_is_marked(claim, facts):
    assert "claim" in kinds("It weighs 410 grams.", (claim, facts))


def test_one_claim_over_several_sentences_is_marked():
    text = "It weighs 410 grams. You can return it within 60 days."
    assert "claim" in kinds(text, (text, ["weight", "return"]))
    assert kinds(text, ("It weighs 410 grams.", ["weight"]), ("You can return it within 60 days.", ["return"])) == []


def test_an_old_fact_and_one_from_the_future_are_marked():
    # good for 365 days: 2025-11-22 is 365 days before today, 2025-11-21 is 366
    for day, found in (
        (dt.date(2025, 11, 22), []),
        (dt.date(2025, 11, 21), ["claim"]),
        (dt.date(2026, 11, 23), ["claim"]),
    ):
        fact = Fact("f", "It weighs 410 grams.", "made up", day)
        assert kinds("It weighs 410 grams.", ("It weighs 410 grams.", ["f"]), facts=(fact,)) == found


def test_without_a_sign_off_no_fact_counts():
    text = "It weighs 410 grams."
    assert kinds(text, (text, ["weight"]), signed_off=False) == ["facts sheet", "claim", "number"]


def test_unsupported_words_are_marked_in_the_page_and_its_text_brings_no_markup():
    bad = draft("It weighs 9 grams. <script>alert(1)</script> ![x](http://evil.example)")
    page = as_markdown(bad, check_claims(bad, FACTS, TERMS, today=TODAY), passed=False, model="m")
    assert NOT_PASSED in page
    assert "9 grams **(unsupported)**" in page
    assert "<script>" not in page
    assert "![x](" not in page


def test_the_released_text_holds_the_draft_and_nothing_of_its_checks():
    made = Draft(
        titles=[Line(text="One", claims=[]), Line(text="Two", claims=[])],
        parts=[Part(role="heading", text="Head", claims=[]), Part(role="bullet", text="Point", claims=[])],
    )
    assert as_text(made) == "# One\n\n(or: Two)\n\n## Head\n\n- Point\n"


@given(st.integers(min_value=0, max_value=10**9), st.integers(min_value=0, max_value=10**9))
def test_a_number_passes_exactly_when_it_is_the_cited_one(said, known):
    fact = (Fact("f", f"It has {known} parts.", "made up", TODAY),)
    text = f"It has {said} parts."
    assert (kinds(text, (text, ["f"]), facts=fact) == []) == (said == known)


@given(st.text(max_size=200))
def test_any_text_with_a_digit_outside_a_claim_is_marked(text):
    shown = [item for item in spot(text + " 7 x", TERMS) if item.kind in {"number", "date", "link"}]
    assert shown


@given(st.text(alphabet=st.sampled_from("ab1 .%$-\n\"*'"), max_size=80))
def test_places_of_items_lie_in_the_text(text):
    from playbook.voice import plain

    shown = plain(text)
    for item in spot(text, TERMS):
        if item.kind != "markup":
            assert shown[item.start : item.end] == item.text


def test_a_facts_sheet_is_read_from_csv_and_from_yaml_alike():
    csv = b"fact_id,statement,source,date\nf1,It weighs 410 grams.,product sheet,2026-10-01\n"
    yaml = b"- {fact_id: f1, statement: It weighs 410 grams., source: product sheet, date: 2026-10-01}\n"
    assert read_facts("a.csv", csv) == read_facts("a.yaml", yaml)
    assert len(fingerprint(csv)) == 64


def test_a_bad_facts_sheet_is_refused_with_every_place():
    bad = b"fact_id,statement,source,date\nf 1,It weighs 410 grams.,product sheet,2026-13-01\nf2,,x,2026-10-01\n"
    with pytest.raises(TableError) as caught:
        read_facts("a.csv", bad)
    # rows are named by the line of the file: the header is line 1
    places = {(fault.row, fault.column) for fault in caught.value.faults}
    assert places == {(2, "fact_id"), (2, "date"), (3, "statement"), (3, "source")}


def test_an_id_written_twice_is_refused():
    twice = b"fact_id,statement,source,date\n" + 2 * b"a,One two three.,src,2026-10-01\n"
    with pytest.raises(TableError, match="row 3, fact_id: 'a'; wanted a key not used before"):
        read_facts("a.csv", twice)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is empty"),
        (b"fact_id,statement,source,date\n", "holds no facts"),
        (b"\xff\xfe", "not UTF-8"),
        (
            b"fact_id,statement,source,date\na,Read https://evil.example now.,src,2026-10-01\n",
            "without markup or links",
        ),
        (b'fact_id,statement,source,date\na,"One\ntwo three.",src,2026-10-01\n', "without markup or links"),
        (b"fact_id,statement,source,date\na,One <b>two</b>.,src,2026-10-01\n", "without markup or links"),
    ],
)
def test_a_sheet_that_is_more_or_less_than_facts_is_refused(data, said):
    with pytest.raises(ContentError, match=said):
        read_facts("a.csv", data)


def test_a_yaml_that_is_no_list_is_refused():
    with pytest.raises(ContentError, match="not a list of facts"):
        read_facts("a.yaml", b"a: 1\n")


def test_the_made_up_facts_of_the_template_are_read_and_say_that_they_are_made_up():
    path = content.find("templates/pilots/drafting/facts.csv")
    facts = read_facts(path.name, path.read_bytes())
    assert len(facts) == 5
    assert all("made-up" in fact.fact_id and "Made up" in fact.source for fact in facts)
