"""What teams, organisations and database schemas may be called."""

from __future__ import annotations

import hashlib
import re
import unicodedata

from playbook.errors import ParameterError

LONGEST_ID = 63
LONGEST_NAME = 100
LONGEST_LABEL = 200
LETTERS = ("L", "M", "Nd")


def team_id_of(name: str) -> str:
    """The id of the team people call `name`: NFC, lower case, runs of spaces as one '-'.

    A name holds letters and digits of any script, spaces, - and _, and begins with a letter or digit. Anything else
    (path separators, shell characters, control characters, an empty or too long name) raises ParameterError with
    what was found and what is wanted, so that an id is safe in a path, a URL and a shell.
    """
    wanted = f"1 to {LONGEST_ID} letters, digits, spaces, - and _, beginning with a letter or a digit"
    text = unicodedata.normalize("NFC", str(name)).strip(" ")
    if not text:
        raise ParameterError(f"a team name is empty; wanted {wanted}")
    if len(text) > LONGEST_NAME:
        raise ParameterError(f"the team name {text[:40]!r}... has {len(text)} characters; wanted {wanted}")
    strange = sorted({sign for sign in text if not _is_letter(sign) and sign not in " -_"})
    if strange:
        raise ParameterError(f"the team name {text!r} holds {', '.join(map(repr, strange))}; wanted {wanted}")
    team = unicodedata.normalize("NFC", re.sub(" +", "-", text).lower())
    if not team[0].isalnum():
        raise ParameterError(f"the team name {text!r} begins with {team[0]!r}; wanted {wanted}")
    if len(team) > LONGEST_ID:
        raise ParameterError(f"the team name {text!r} makes an id of {len(team)} characters; wanted {wanted}")
    return team


def label(text: str, what: str, longest: int = LONGEST_LABEL) -> str:
    """`text` without outer spaces, when it is one printable line; `what` names it in the ParameterError otherwise."""
    line = str(text).strip()
    if not line or len(line) > longest or not line.isprintable():
        raise ParameterError(f"{what} is {text!r}; wanted one line of 1 to {longest} printable characters")
    return line


def schema_of(organisation: str) -> str:
    """The PostgreSQL schema an organisation's workspace gets: `playbook_` and a plain form of its name.

    A name with no Latin letter or digit is represented by the first ten figures of its SHA-256.
    """
    plain = unicodedata.normalize("NFKD", organisation).encode("ascii", "ignore").decode().lower()
    slug = re.sub("[^a-z0-9]+", "_", plain).strip("_")[:40].strip("_")
    return "playbook_" + (slug or hashlib.sha256(organisation.encode()).hexdigest()[:10])


def schema_name(text: str) -> str:
    """`text` when it may name a PostgreSQL schema without quotes; ParameterError otherwise."""
    if not re.fullmatch(r"[a-z_][a-z0-9_]{0,62}", text) or text.startswith("pg_"):
        raise ParameterError(
            f"schema {text!r} cannot be used; wanted 1 to 63 of a-z, 0-9 and _, not beginning with a digit or pg_"
        )
    return text


def _is_letter(sign: str) -> bool:
    return unicodedata.category(sign).startswith(LETTERS)
