// What the board, the forms and the review queue have in common: making nodes, asking the kernel, saying what went wrong.
// The kernel puts this file before each widget's own, as a widget is one file that loads nothing from anywhere else.

const SLOW = 700; // milliseconds after which waiting is said
const SILENT = 10000; // milliseconds after which a silent kernel is said
const TROUBLE = "trouble"; // said of the workspace, and taken back when it answers again
const AGAIN = "again"; // said of something the person asked for: stays until they tried again or closed it
const token = () => Math.random().toString(36).slice(2);

function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "class") node.className = value;
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}

const button = (text, onclick, more = {}) => make("button", { type: "button", onclick, ...more }, text);

/** A widget's view: it shows what the kernel holds, asks it, and says what happened. */
class Asking {
  /** `prefix` begins the classes of what is made here; `called` is what the widget is called in a sentence. */
  constructor(model, prefix, called) {
    this.model = model;
    this.prefix = prefix;
    this.called = called;
    this.view = token();
    this.asked = new Map();
    this.look = null; // what trying again does while the workspace is gone
    this.alert = make("div", { class: `${prefix}-alert`, role: "alert", hidden: true });
    this.said = make("div", { class: `${prefix}-said`, "aria-live": "polite" });
    this.calls = [
      ["change:trouble", () => this.showTrouble()],
      ["msg:custom", (message) => this.hear(message)],
    ];
  }

  frame(attributes, ...children) {
    // Lab's own single-key commands (d d deletes a cell) must not hear what is typed here
    this.root = make("section", { ...attributes, "data-lm-suppress-shortcuts": "true", "data-jp-suppress-context-menu": "" }, ...children);
    this.root.addEventListener("keydown", (event) => event.stopPropagation());
    return this.root;
  }

  /** Follow the kernel from now on, in all that `calls` lists. */
  start() {
    for (const [name, call] of this.calls) this.model.on(name, call);
    this.showTrouble();
    this.model.send({ do: "shown", view: this.view });
  }

  close() {
    for (const [name, call] of this.calls) this.model.off(name, call);
    for (const waiting of this.asked.values()) [waiting.timer, waiting.slow].forEach(clearTimeout);
    this.model.send({ do: "gone", view: this.view });
  }

  get silence() {
    return (
      "The notebook's kernel does not answer. What you typed is still here. If it is running a cell, this is done when that ends; " +
      `if it was restarted, run this ${this.called}'s cell again.`
    );
  }

  /** Ask the kernel; a silent one is an answer too. */
  ask(message, waiting = "Storing …") {
    const ask = token();
    return new Promise((resolve) => {
      const slow = setTimeout(() => this.say(waiting), SLOW);
      const timer = setTimeout(() => this.hear({ ask, ok: false, kind: "trouble", text: this.silence }), SILENT);
      this.asked.set(ask, { resolve, timer, slow });
      try {
        this.model.send({ ...message, ask });
      } catch (error) {
        this.hear({ ask, ok: false, kind: "trouble", text: `${this.silence} (${error.message})` });
      }
    });
  }

  hear(answer) {
    const waiting = this.asked.get(answer.ask);
    if (!waiting) return;
    [waiting.timer, waiting.slow].forEach(clearTimeout);
    this.asked.delete(answer.ask);
    waiting.resolve(answer);
  }

  say(text) {
    this.said.textContent = text.charAt(0).toUpperCase() + text.slice(1);
  }

  warn(text, again = null, kind = again ? AGAIN : "") {
    this.say("");
    const retry = again && button("Try again", () => { this.calm(); again(); }, { class: `${this.prefix}-again ${this.prefix}-main` });
    this.alert.replaceChildren(make("span", {}, text), ...(retry ? [retry] : []), button("Close", () => this.calm(), { "aria-label": "Close this message" }));
    this.alert.dataset.kind = kind;
    this.alert.hidden = false;
  }

  calm() {
    this.alert.hidden = true;
    this.alert.dataset.kind = "";
    this.alert.replaceChildren();
  }

  /** The workspace is gone, or back: neither takes away what can be tried again. */
  showTrouble() {
    const text = this.model.get("trouble");
    const { kind } = this.alert.dataset;
    if (text && kind !== AGAIN) this.warn(`${text} What you see may be old.`, this.look, TROUBLE);
    else if (!text && kind === TROUBLE) {
      this.calm();
      this.say("The workspace answers again.");
    }
  }
}
