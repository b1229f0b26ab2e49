"""What a drafting agent's policy may set: what to write, from which files, with which model, at what price."""

from __future__ import annotations

from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from playbook.agents.pipeline import Takes
from playbook.tables import Authored, Sourced

Kind = Literal["content", "email"]
LOOPBACK = ("127.0.0.1", "::1", "localhost")


class Prices(Sourced):
    """What a model's tokens cost: without this table a call's cost is unknown and nothing is guessed."""

    input_per_million: float = Field(ge=0, description="price of a million tokens sent, in `currency`")
    output_per_million: float = Field(ge=0, description="price of a million tokens received, in `currency`")
    currency: str = Field(pattern=r"^[A-Z]{3}$")


class ModelAccess(Authored):
    """Which language model writes, and how long and how often it is asked.

    `model` is `provider:name` as pydantic-ai has it (`anthropic:...`, `openai:...`), or the bare name of a model behind
    an OpenAI-compatible `url`. `key_variable` names the environment variable that holds the key; the key itself is
    never in a file. `tries` is the most requests one draft may take; between them the agent waits as long as the
    provider asks, but never more than `longest_wait_s`: then it gives up.
    """

    model: str = Field(min_length=1, max_length=200)
    url: str = Field(default="", max_length=300)
    key_variable: str = Field(default="", pattern=r"^([A-Z_][A-Z0-9_]*)?$", max_length=100)
    timeout_s: float = Field(default=60.0, gt=0, le=600, description="seconds one request may take")
    tries: int = Field(default=3, ge=1, le=5, description="requests for one draft, the first included")
    longest_wait_s: float = Field(default=20.0, ge=0, le=120, description="seconds between two requests at most")
    max_tokens: int = Field(default=2000, ge=100, le=32_000, description="tokens the model may answer with")
    temperature: float | None = Field(default=None, ge=0, le=2)
    prices: Prices | None = None

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        if not self.url:
            if ":" not in self.model:
                raise ValueError(f"model {self.model!r} names no provider; wanted provider:name, or a url beside it")
            return self
        parts = urlsplit(self.url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username or parts.query:
            raise ValueError("url is not an address like https://models.example.org/v1 without a name or key in it")
        if parts.scheme == "http" and self.key_variable and parts.hostname not in LOOPBACK:
            raise ValueError("a key would travel in clear text over http; wanted an https url")
        return self


class Facts(Authored):
    """The facts sheet and who stands behind it.

    `sha256` is the hash of the file as `signed_off_by` read it: a row somebody adds later is no fact until a person has
    signed the sheet off again. Without the hash every claim counts as unsupported.
    """

    file: str = Field(description="CSV or YAML file inside the engagement folder")
    sha256: str = Field(default="", pattern=r"^([0-9a-f]{64})?$")
    signed_off_by: str = Field(default="", max_length=120, description="role, never a person")
    good_for_days: int = Field(default=365, ge=1, le=3650, description="days after a fact's date it may be cited")


class DraftingSettings(Authored):
    """Everything a drafting policy sets.

    `brief` is what to write, in people's words; `notes` are files with text from outside (mails, transcripts, web
    pages): they are read as untrusted, may inspire and prove nothing. `takes` names another agent's artifact to work from,
    as in a chain. `products` are names that make a sentence a claim, `links` the only addresses a draft may hold.
    `brand_guide`, `instructions` and `fill_in` replace the kit's own files.
    """

    kind: Kind
    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 _-]{0,79}$", description="name of the artifact")
    brief: str = Field(min_length=10, max_length=4000)
    audience: str = Field(min_length=3, max_length=500)
    facts: Facts
    brand_guide: str = ""
    notes: list[str] = Field(default_factory=list, max_length=10)
    takes: Takes | None = None
    private_may_leave: bool = Field(default=False, description="whether a model outside may see a private artifact")
    products: list[str] = Field(default_factory=list)
    links: list[str] = Field(default_factory=list)
    titles: int = Field(default=2, ge=1, le=6, description="titles or subject lines to choose or test from")
    longest: int = Field(default=600, ge=20, le=5000, description="words a draft may have")
    instructions: str = "templates/pilots/drafting/instructions.md"
    fill_in: str = ""
    outbox: str = Field(default="outbox", description="folder a passed and approved draft is put into")
    model: ModelAccess | None = None
