"""Names of people in texts: what is found of them, which words stay words, and that both doors find the same."""

import datetime as dt
import re
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

import playbook
from playbook.io import intake
from playbook.io.exports import rejects_workbook
from playbook.io.intake import bring_in
from playbook.io.intake._duck import names as duck_names
from playbook.io.names import Names, NameWords
from playbook.io.pseudonyms import Pseudonyms
from playbook.io.workspace import Workspace

SHARED = Path(__file__).resolve().parents[1].parent / "shared" / "data"
KEY = b"k" * 32


def without(people, text, **how):
    """The text with ▮ for whoever was found in it."""
    pseudonyms = Pseudonyms(KEY)
    pseudonyms.meet(people)
    return re.sub(r"p_[0-9a-f]{16}", "▮", pseudonyms.scrub(text, **how))


# --- what is found ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Anna Berg", "▮"),
        ("y by Anna_Berg", "y by ▮"),
        ("AnnaBerg", "▮"),
        ("anna-berg-profile", "▮-profile"),
        ("berg, anna: layout", "▮: layout"),
        ("annaberg", "▮"),
        ("ANNA BERG", "▮"),
        ("byAnnaBerg2", "by_▮_2"),
        ("Ask Anna", "Ask ▮"),
        ("BERG: review", "▮: review"),
        ("anna's copy", "▮'s copy"),
        ("Anna M. Berg", "▮ M. ▮"),
        ("Ánna Bérg", "▮"),
    ],
)
def test_a_person_of_the_file_is_found_however_the_name_is_written(text, wanted):
    assert without(["Anna Berg"], text) == wanted


def test_a_longer_word_that_begins_like_a_name_is_another_word():
    # a user called Mark never touches marketing; an id with digits inside is one word
    for text in ("Bergmann", "Annabel", "Marketing report", "3anna", "Markup"):
        assert without(["Anna Berg", "Mark Anna"], text) == text


def test_a_user_name_of_one_word_is_found_in_any_case_and_joining():
    assert without(["ANNABERG", "AnnaBerg"], "Anna-Berg") == "▮"
    assert without(["Annika", "aberg7"], "Annika review") == "▮ review"
    assert without(["Annika", "aberg7"], "ask ANNIKA_2, ABerg7") == "ask ▮_2, ▮"


def test_an_address_names_its_person_and_a_mailbox_names_nobody():
    people = ["anna.berg@example.com", "sales@example.com", "Ben Lund <ben@example.org>"]
    assert without(people, "Anna Berg, Berg, Ben, Ben Lund") == "▮, ▮, ▮, ▮"
    assert without(people, "sales call about example.com") == "sales call about example.com"
    # not even where single words are asked for: nobody is called sales
    assert without(["sales@example.com"], "Sales meeting", single_words=True) == "Sales meeting"


def test_accents_umlauts_and_other_scripts_make_no_difference():
    people = ["José Müller", "Łukasz Żak", "Soeren Naess", "王小明", "김민수", "田中 太郎"]
    for text in (
        "jose",
        "JOSE MULLER",
        "Mueller",
        "Jose\u0301",
        "lukasz zak",
        "Sören",
        "王小明审核",
        "김민수가",
        "田中さん",
    ):
        assert without(people, text).startswith("▮"), text


def test_titles_middle_names_and_lists_are_taken_apart():
    assert without(["Dr. Anna Maria de Groot"], "Anna Groot; Groot, Anna; Maria; de facto") == "▮; ▮; ▮; de facto"
    assert without(["Anna Berg; Ben Lund"], "Ben Lund and Anna Berg") == "▮ and ▮"


def test_a_pseudonym_in_a_text_stays_whole_even_where_its_letters_spell_somebody():
    said = "p_adadadadadadadad"
    assert Pseudonyms(KEY).of("Ada") != said
    assert without(["Ada Dada", "adadadadadadadad"], f"by {said}") == "by ▮"
    pseudonyms = Pseudonyms(KEY)
    pseudonyms.meet(["Anna Berg"])
    once = pseudonyms.scrub("AnnaBerg2 askAnna")
    assert pseudonyms.scrub(once) == once
    assert len(re.findall(r"(?<![^\W_])p_[0-9a-f]{16}(?![^\W_])", once)) == 2


def test_a_word_several_people_are_called_stands_for_none_of_them():
    pseudonyms = Pseudonyms(KEY)
    pseudonyms.meet(["Anna Berg", "Anna Lund"])
    assert pseudonyms.scrub("Anna") == pseudonyms.of("anna")
    assert pseudonyms.scrub("Anna Lund") == pseudonyms.of("Anna Lund")
    # somebody who bears just that name stays themselves, even met after one who is called so in short
    pseudonyms.meet(["Aaron B. Berg", "Aaron Berg"])
    assert pseudonyms.scrub("aaron berg") == pseudonyms.of("Aaron Berg")
    assert pseudonyms.scrub("Berg, Aaron B.").startswith(pseudonyms.of("Aaron B. Berg"))


# --- what stays ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("May newsletter", "May newsletter"),
        ("mark as done", "mark as done"),
        ("Mark up page", "Mark up page"),
        ("Done. Mark the page", "Done. Mark the page"),
        ("Page 3 of the May 2026 issue", "Page 3 of the May 2026 issue"),
        ("how-may-we-help", "how-may-we-help"),
        ("ask Mark", "ask ▮"),
        ("Mark: layout", "▮: layout"),
        ("Mark's page", "▮'s page"),
        ("Mark - layout", "▮ - layout"),
        ("Mark", "▮"),
        ("Mark.csv", "▮.csv"),
        ("approved by A. Page", "approved by A. ▮"),
        ("mark grant", "▮"),
        # a name's capital in the middle of a title is a name's: these are the false hits we accept
        ("Landing Page", "Landing ▮"),
        ("Newsletter May", "Newsletter ▮"),
    ],
)
def test_a_name_that_is_an_ordinary_word_goes_where_it_is_written_as_a_name(text, wanted):
    assert without(["Mark Grant", "May Li", "Larry Page"], text) == wanted


def test_a_user_called_by_an_ordinary_word_goes_where_it_is_all_that_is_said():
    assert without(["mark"], "mark") == "▮"
    assert without(["mark"], "mark as done") == "mark as done"


def test_a_name_of_two_letters_goes_only_as_it_was_met():
    assert without(["May Li"], "Li checks the list for li and LI") == "▮ checks the list for li and LI"
    assert without(["Al So", "Mai Ling"], "also a mailing") == "also a mailing"


def test_roles_and_numbered_accounts_take_no_word_out_of_the_work():
    people = ["Content Team", "Clerk-000001", "AML Investigator-000001", "Call Centre Operator_0", "HubSpot", "System"]
    for text in ("Content review", "Clerk checks", "AML check", "Call customer", "Spot check", "System error"):
        assert without(people, text) == text
    assert without(people, "by the content team, clerk 000001") == "by the ▮, ▮"
    assert without(people, "System error", single_words=True) == "▮ error"


def test_numbers_and_single_letters_are_nobodys_name():
    for text in ("case 12345", "A 1", "Plan B"):
        assert without(["12345", "A", "B"], text) == text


def test_the_words_the_kit_suggests_functions_and_layers_by_are_ordinary_ones():
    words = playbook.load("names")
    for groups in (playbook.load("keywords").functions, playbook.load("keywords").layers):
        for title, patterns in groups.items():
            said = re.findall(r"[a-z]{3,}(?!\*)\b", " ".join([title, *patterns]).casefold())
            assert set(said) <= words.nobodys | words.doubtful, title


def test_a_word_cannot_be_listed_twice_with_two_meanings():
    with pytest.raises(ValidationError, match="listed as ordinary and as also_names: mark"):
        NameWords(ordinary=("mark",), also_names=("Mark",))


LOGS = sorted([*SHARED.glob("event_logs/*.csv*"), *SHARED.glob("content_events/*.csv")])


@pytest.mark.skipif(not LOGS, reason="the shared logs are not there")
def test_no_text_of_a_real_log_is_taken_for_one_of_its_people():
    for path in LOGS:
        log = pd.read_csv(path, dtype=str)
        pseudonyms = Pseudonyms(KEY)
        pseudonyms.meet(log["resource"].dropna())
        for name in {"case_id", "activity", "message"} & set(log.columns):
            for text in log[name].dropna().unique():
                assert pseudonyms.scrub(text) == text


@pytest.mark.skipif(not LOGS, reason="the shared task statements are not there")
def test_real_tasks_survive_a_team_whose_names_are_all_ordinary_words():
    tasks = pd.read_csv(SHARED / "marketing_occupations" / "tasks.csv")["Task"].unique()
    people = [
        "Will Page", "Mark Grant", "May Li", "Bill Price", "Rose Banks", "Art Cook", "Chase Field", "April Day", "Al So",
        "June Post", "Grace Hope", "Frank Reader", "Drew Sharp", "Dean Major", "Max Power", "Guy Rich", "Ray Stone",
        "Penny Cash", "Joy Love", "Pat Head", "Rob Hand", "Claude Long",
    ]  # fmt: skip
    changed = [text for text in tasks if without(people, text) != text]
    assert len(changed) <= 1, changed


@pytest.mark.parametrize(
    "written",
    [
        "01701234567",
        "00491701234567",
        "0612345678",
        "1-555-010-9999",
        "1 555 010 9999",
        "+49 170 1234567",
        "zed\uff20acme.com",
    ],
)
def test_a_telephone_number_or_an_address_is_found_however_it_is_written(written):
    assert without([], f"call {written} today") == "call ▮ today"


@pytest.mark.parametrize(
    "code", ["000123456789", "0012345678", "012345678", "4012345678901", "2026-11-23", "X01701234567"]
)
def test_what_only_looks_a_little_like_a_telephone_number_stays(code):
    assert without([], f"code {code}") == f"code {code}"


def test_an_address_in_the_address_of_a_page_is_found_and_is_the_person_it_is():
    people = Pseudonyms(KEY)
    assert "quill" not in people.scrub("https://crm.acme.de/?email=zed.quill%40acme.com")
    assert people.scrub("to zed.quill%40acme.com") == f"to {people.of('zed.quill@acme.com')}"


@pytest.mark.parametrize("nobody", ["Unassigned", " n/a ", "-", "Automation for Jira", "Non assigné"])
def test_a_cell_that_names_nobody_makes_no_fifth_person_at_either_door(ws, tmp_path, nobody):
    people = ["Ann Lee", "Ben Kay", "Cid Dow", "Dee Poe", nobody]
    rows = [
        f'{i},{step},2026-03-{i + 1:02}T0{k}:00:00Z,"{people[i % 5]}"' for i in range(20) for k, step in enumerate("ab")
    ]
    (tmp_path / "log.csv").write_text("\n".join(["case,activity,timestamp,resource", *rows]) + "\n", encoding="utf-8")
    # four people, which is too few to say how many
    assert intake.discover(tmp_path / "log.csv").activities["people"].isna().all()
    bring_in(ws, tmp_path / "log.csv", team="content")
    assert ws.read("events")["resource"].nunique() == 4
    assert ws.read("events")["resource"].isna().sum() == 8


# --- the quick look before -------------------------------------------------------------------------------------------

PIECES = ["Anna", "anna", "BERG", "berg", "Mark", "may", "Li", "li", "An", "So", "Mc", "Donald", "o", "X", "7", "000001", "é",
          "Øre", "王", "明", "p_", "0123456789abcdef", "_", "-", ".", " ", ", ", "'s", ":", "@", "team", "0170", "123", "4567", "%40"]  # fmt: skip
WORDS = st.lists(st.sampled_from(PIECES), max_size=8).map("".join)


@settings(max_examples=300, deadline=None)
@given(st.lists(WORDS, max_size=4), st.lists(WORDS, min_size=1, max_size=20), st.booleans())
def test_the_quick_look_misses_no_name(people, texts, single_words):
    names = Names(lambda word: "p_" + f"{hash(word) & 0xFFFFFFFF:016x}", playbook.load("names"))
    for person in people:
        names.meet(person, "p_" + "0" * 16)
    for text in texts:
        clean = names.replaced(text, single_words=single_words)
        assert clean == text or names.may_hold(text, single_words=single_words)


@settings(max_examples=150, deadline=None)
@given(st.lists(WORDS, max_size=4), st.lists(WORDS.filter(bool), min_size=1, max_size=30, unique=True))
def test_what_duckdb_lets_pass_unseen_is_nothing_a_name_is_found_in(people, texts):
    pseudonyms = Pseudonyms(KEY)
    pseudonyms.meet(people)
    with duckdb.connect() as con:
        con.execute("CREATE TABLE names AS SELECT unnest(?) AS c", [texts])
        seen = duck_names._doubtful(con, "names", pseudonyms.beginnings)
    assert {place for place, text in enumerate(texts) if pseudonyms.scrub(text) != text} <= seen


@given(st.permutations(["Anna Berg", "Anna Maria Berg", "Berg", "José", "Jose", "mark", "Mark Anna"]))
def test_who_is_met_first_changes_nothing(people):
    one, two = Pseudonyms(KEY), Pseudonyms(KEY)
    one.meet(people)
    two.meet(sorted(people))
    for text in ("Anna Berg", "Berg Anna", "jose", "Mark", "Anna"):
        assert one.scrub(text) == two.scrub(text)


# --- at the door ----------------------------------------------------------------------------------------------------


@pytest.fixture
def ws(tmp_path):
    made = Workspace.create(tmp_path / "engagement", organisation="Acme", start=dt.date(2026, 11, 2))
    with made.change() as change:
        change.put("teams", pd.DataFrame({"team": ["content"], "name": ["Content"]}))
    return made


LOG = (
    "case,activity,timestamp,resource,Anna Berg due date,ANNA_BERG\n"
    "Profile of Berg,y by Anna_Berg,2026-01-05T10:00:00Z,Anna Berg,2026-02-01,free\n"
    "May newsletter,ask Anna,2026-01-06T10:00:00Z,Anna Berg,2026-02-01,free\n"
    "May newsletter,Annika review,2026-01-07T10:00:00Z,Annika,2026-22-23,free\n"
    "AnnaBerg,mark as done,2026-01-08T10:00:00Z,Mark May,2026-02-01,free\n"
)


def everything(folder):
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file()).lower()


def test_neither_the_files_name_nor_its_headers_nor_a_kept_mapping_hold_a_person(ws, tmp_path):
    path = tmp_path / "Anna_Berg annaberg AnnaBerg Berg-2026.csv"
    path.write_text(LOG)
    said = bring_in(ws, path, team="content", mapping={"ANNA_BERG": "", "case": "case"})
    assert (said.stored, said.rejected) == (3, 1)
    workbook = rejects_workbook(ws, tmp_path / "rejects.xlsx")
    for kept in (everything(ws.folder), str(said).lower().encode()):
        assert b"berg" not in kept
        assert b"anna" not in kept.replace(b"annaberg.", b"")
        assert b"annika" not in kept
    assert ws.read("rejects")["column_name"].str.fullmatch(r"p_[0-9a-f]{16} due date").all()
    # the mapping is found again in the next file of that header, though a colleague's name is no longer in it
    again = tmp_path / "again.csv"
    again.write_text(LOG.replace("2026-01", "2026-03"))
    assert "columns as said before" in str(bring_in(ws, again, team="content"))
    # and the row comes back corrected under the header it was refused with
    book = pd.read_excel(workbook, sheet_name=0, dtype=str)
    book = book.replace("2026-22-23", "2026-02-22")
    assert any("due date" in header for header in book.columns)


def test_large_logs_and_small_files_find_the_same_names(ws, tmp_path):
    path = tmp_path / "log.csv"
    path.write_text(LOG.replace("2026-22-23", "2026-02-23"))
    bring_in(ws, path, team="content")
    stored, found = ws.read("events"), intake.discover(path, pseudonym_key=ws.pseudonym_key)
    assert set(found.cases["case"]) == set(stored["case"])
    assert set(found.activities["activity"]) == set(stored["activity"])
    assert "May newsletter" in set(stored["case"])
    assert "mark as done" in set(stored["activity"])
    assert "erg" not in found.cases.to_csv() + found.activities.to_csv() + str(found.reading)
