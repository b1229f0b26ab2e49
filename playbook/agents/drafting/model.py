"""Asking a language model for a draft: bounded tries, no key in sight, and every failure ends without a draft."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from playbook.agents.drafting.text import Draft
from playbook.errors import PlaybookError

if TYPE_CHECKING:
    from pydantic_ai.models import Model

    from playbook.agents.drafting.settings import ModelAccess, Prices

T = TypeVar("T")
MISSING = (
    "drafting with a language model needs the extra [llm], which is not installed; "
    "run: pip install 'transition-playbook[llm]', or leave `model` out of the policy to get the fill-in template"
)
FIRST_WAIT_S = 0.5
MILLION = 1_000_000
CHARACTERS_A_TOKEN = 3  # few, so that the amount checked against the caps is rather too high than too low
_SAID = {
    "ModelRateLimitError": (True, "the provider said there were too many requests (429)"),
    "ModelQuotaExceededError": (False, "the account's quota is used up"),
    "ModelOverloadedError": (True, "the provider is overloaded"),
    "ModelUnavailableError": (True, "the provider is not available"),
    "ModelServerError": (True, "the provider failed"),
    "ModelTimeoutError": (True, "the provider did not answer in time"),
    "ModelConnectionError": (True, "the provider could not be reached"),
    "ModelAuthenticationError": (False, "the provider refused the key"),
    "ModelNotFoundError": (False, "the provider knows no such model"),
    "ModelContextWindowExceededError": (False, "the material is longer than the model can read"),
    "ModelRequestRejectedError": (False, "the provider rejected the request"),
    "ContentFilterError": (False, "the model refused to write it"),
    "UsageLimitExceeded": (False, "the model asked for more than one answer"),
    "UnexpectedModelBehavior": (True, "the answer was not a draft in the form asked for"),
    "TimeoutError": (True, "the provider did not answer in time"),
}
"""What went wrong, by the name of pydantic-ai's error or its nearest base: whether to try again, and in words."""


@dataclass(frozen=True)
class Try:
    """One request: how it ended, how long it took in seconds, and its tokens (None where the provider did not say)."""

    outcome: str
    seconds: float
    input_tokens: int | None = None
    output_tokens: int | None = None

    def plain(self) -> dict[str, Any]:
        """The request as plain JSON."""
        return {**vars(self), "seconds": round(self.seconds, 3)}


@dataclass(frozen=True)
class Answer:
    """What came of asking: a draft, or None and the reason in words; and every request it took."""

    draft: Draft | None
    why: str
    tries: list[Try] = field(default_factory=list)


@dataclass(frozen=True)
class _Reply:
    draft: Draft
    finish: str
    input_tokens: int | None
    output_tokens: int | None


def ask(access: ModelAccess, instructions: str, material: str, *, wait: Callable[[float], None] = time.sleep) -> Answer:
    """Ask the model for a draft, at most `access.tries` times; never raises for what a provider or a model does.

    Tried again: too many requests, time-outs, failures of the provider, answers that are no draft. Not tried again: a
    refusal, a key or model the provider does not take, an answer cut off by `max_tokens`. Between two requests it waits
    as long as the provider asks, else 0.5 s doubled each time; when that is more than `longest_wait_s` it gives up.
    Raises PlaybookError when the extra [llm] is missing.
    """
    key = os.environ.get(access.key_variable, "") if access.key_variable else ""
    if access.key_variable and not key:
        return Answer(None, f"the environment variable {access.key_variable} is empty; put the model's key there")
    library()
    tries: list[Try] = []
    for number in range(1, access.tries + 1):
        started = time.monotonic()
        reply, why, again, asked_wait = _once(access, key, instructions, material)
        seconds = time.monotonic() - started
        tokens = (reply.input_tokens, reply.output_tokens) if reply else (None, None)
        tries.append(Try(why or "a draft", seconds, *tokens))
        if reply and not why:
            return Answer(reply.draft, "", tries)
        pause = FIRST_WAIT_S * 2 ** (number - 1) if asked_wait is None else asked_wait
        if not again or number == access.tries:
            break
        if pause > access.longest_wait_s:
            why += f" and wants {pause:.0f} s of patience, more than the {access.longest_wait_s:g} s allowed"
            break
        wait(pause)
    return Answer(None, f"no draft after {len(tries)} of at most {access.tries} tries: {why}", tries)


def cost(access: ModelAccess, tries: list[dict[str, Any]]) -> float | None:
    """What the requests cost in the price table's currency; None (unknown) without a table or without token counts."""
    counted = [(one["input_tokens"], one["output_tokens"]) for one in tries]
    if access.prices is None or not counted or any(None in pair for pair in counted):
        return None
    return sum(_price(access.prices, sent, received) for sent, received in counted)


def most_it_can_cost(access: ModelAccess, characters: int) -> float:
    """The most one draft can cost, for the caps: every try used, every answer as long as allowed; 0 without prices."""
    if access.prices is None:
        return 0.0
    return access.tries * _price(access.prices, characters / CHARACTERS_A_TOKEN, access.max_tokens)


def _price(prices: Prices, sent: float, received: float) -> float:
    return (sent * prices.input_per_million + received * prices.output_per_million) / MILLION


def library() -> Any:
    """The module pydantic_ai. Raises PlaybookError naming the extra when it is not installed."""
    try:
        import pydantic_ai  # noqa: PLC0415 - an extra, and heavy
    except ModuleNotFoundError as error:
        raise PlaybookError(MISSING) from error
    return pydantic_ai


def connect(access: ModelAccess, key: str) -> Model:
    """The model the policy names, with its own retries off: the tries are counted in one place.

    Raises PlaybookError when the provider or its library is not there.
    """
    from pydantic_ai.exceptions import UserError  # noqa: PLC0415
    from pydantic_ai.models import infer_model  # noqa: PLC0415
    from pydantic_ai.providers import infer_provider_class  # noqa: PLC0415

    try:
        if access.url:
            from pydantic_ai.models.openai import OpenAIChatModel  # noqa: PLC0415
            from pydantic_ai.providers.openai import OpenAIProvider  # noqa: PLC0415

            # a local server takes any key; the SDK would otherwise look for one meant for somebody else
            provider = OpenAIProvider(base_url=access.url, api_key=key or "none")
            made: Model = OpenAIChatModel(access.model, provider=provider)
        elif key:
            made = infer_model(access.model, provider_factory=lambda name: _with_key(infer_provider_class(name), key))
        else:
            made = infer_model(access.model)
    except (UserError, ImportError, TypeError, ValueError) as error:
        raise PlaybookError(f"the model {access.model!r} cannot be set up: {_hidden(str(error), key)}") from error
    client: Any = getattr(made, "client", None)
    if hasattr(client, "max_retries"):
        client.max_retries = 0
    return made


def _with_key(provider: Any, key: str) -> Any:
    return provider(api_key=key)


def _once(
    access: ModelAccess, key: str, instructions: str, material: str
) -> tuple[_Reply | None, str, bool, float | None]:
    """One request: the reply, what was wrong with it, whether another try may help, the wait asked for in seconds."""
    try:
        reply = in_own_thread(lambda: asyncio.run(_request(access, key, instructions, material)))
    except PlaybookError:
        raise
    except Exception as error:  # noqa: BLE001 - what SDKs raise on strange answers is beyond listing; all end here, said
        again, said = next(
            (_SAID[kind.__name__] for kind in type(error).__mro__ if kind.__name__ in _SAID),
            (False, f"the request failed ({type(error).__name__})"),
        )
        return None, said, again, _asked_wait(error)
    if reply.finish == "length":
        return reply, f"the answer was cut off at {access.max_tokens} tokens", False, None
    if reply.finish == "content_filter":
        return reply, _SAID["ContentFilterError"][1], False, None
    return reply, "", False, None


async def _request(access: ModelAccess, key: str, instructions: str, material: str) -> _Reply:
    from pydantic_ai import Agent, ModelSettings, UsageLimits  # noqa: PLC0415

    settings = ModelSettings(max_tokens=access.max_tokens, timeout=access.timeout_s)
    if access.temperature is not None:
        settings["temperature"] = access.temperature
    agent = Agent(
        connect(access, key), output_type=Draft, instructions=instructions, retries=0, model_settings=settings
    )
    async with asyncio.timeout(access.timeout_s), agent:
        result = await agent.run(material, usage_limits=UsageLimits(request_limit=1))
    usage = result.usage
    return _Reply(
        result.output,
        str(result.response.finish_reason or ""),
        usage.input_tokens or None,
        usage.output_tokens or None,
    )


def in_own_thread(work: Callable[[], T]) -> T:
    """Run `work` in a thread of its own: a notebook's kernel already has an event loop in this one."""
    box: list[tuple[bool, Any]] = []

    def run() -> None:
        try:
            box.append((True, work()))
        except BaseException as error:  # noqa: BLE001 - handed over to the caller's thread below
            box.append((False, error))

    thread = threading.Thread(target=run, name="drafting")
    thread.start()
    thread.join()
    worked, result = box[0]
    if not worked:
        raise result
    return result  # type: ignore[no-any-return]


def _asked_wait(error: BaseException) -> float | None:
    """The seconds a provider asked to wait, from the headers of its answer; None where it did not say."""
    headers = getattr(getattr(error.__cause__, "response", None), "headers", None) or {}
    for name, scale in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            return max(0.0, float(headers[name]) * scale)
        except (KeyError, TypeError, ValueError):
            continue
    return None


def _hidden(text: str, key: str) -> str:
    return (text.replace(key, "***") if key else text)[:300]
