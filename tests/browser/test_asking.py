"""What every widget's browser half does, in a bare page with a kernel made up: the orders in which trouble may come."""

import pytest

pytestmark = pytest.mark.browser

GONE = "workspace.sqlite is gone"
NOT_STORED = {"ok": False, "kind": "trouble", "text": GONE}
# a form of one field with something typed and Save pressed; `set` moves a trait, `reply` answers the last question
FORM = """async (esm) => {
  const made = await import(URL.createObjectURL(new Blob([esm], { type: "text/javascript" })));
  const empty = { kind: "text", help: "", unit: "", suggestions: [], choices: [], required: false, empty: true, default: "" };
  const traits = { shape: "rows", title: "Log", team: "t", promise: "p", role: "f", roles: [], undoable: "", trouble: "",
    one: "entry", presets: [], pastes: false, rows: [], more: 0, listed: ["what"], named_by: ["what"],
    fields: [{ ...empty, name: "what", label: "What" }], limits: { rows: 1, characters: 1, instead: "" } };
  const calls = {}, sent = [];
  const model = { get: (name) => traits[name], on: (name, call) => (calls[name] ??= []).push(call), off() {}, send: (asked) => sent.push(asked) };
  window.sent = sent;
  window.set = (name, value) => { traits[name] = value; calls[`change:${name}`].forEach((call) => call()); };
  window.reply = (answer) => { const { ask } = sent.findLast((asked) => asked.do === "save"); calls["msg:custom"].forEach((call) => call({ ...answer, ask })); };
  made.default.render({ model, el: document.body });
  document.querySelector(".pbf-add").click();
  document.querySelector("[data-field]").value = "typed";
  document.querySelector(".pbf-save").click();
}"""


@pytest.fixture(scope="module")
def shown(page):
    """A page of its own for a form that was just asked to save."""
    from playbook.widgets import RowForm

    made = page()

    def fresh():
        made.goto("about:blank")
        made.evaluate(FORM, RowForm._esm)
        return made

    return fresh


def trouble(shown, text):
    shown.evaluate("(text) => set('trouble', text)", text)


def reply(shown, **answer):
    shown.evaluate("(answer) => reply(answer)", answer)


@pytest.mark.parametrize("first", ["the watch", "the answer"])
def test_trying_again_stays_whoever_noticed_first_and_also_when_the_workspace_is_back(shown, first):
    form = shown()
    if first == "the watch":
        trouble(form, GONE)
        reply(form, **NOT_STORED)
    else:
        reply(form, **NOT_STORED)
        form.locator(".pbf-again").wait_for()
        trouble(form, GONE)
    form.locator(".pbf-alert", has_text="Not stored. ").wait_for()
    trouble(form, "")
    form.locator(".pbf-again").click()
    assert form.evaluate("() => sent.findLast((asked) => asked.do === 'save').cells.what") == "typed"
    reply(form, ok=True, kind="stored", text="Stored: it.")
    form.locator(".pbf-said", has_text="Stored: it.").wait_for()
    assert form.locator(".pbf-alert").is_hidden()


def test_trouble_nobody_asked_into_is_taken_back_by_itself(shown):
    form = shown()
    trouble(form, GONE)
    form.locator(".pbf-alert", has_text="What you see may be old.").wait_for()
    trouble(form, "")
    form.locator(".pbf-said", has_text="The workspace answers again.").wait_for()
    assert form.locator(".pbf-alert").is_hidden()
