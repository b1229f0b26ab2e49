// The review queue in the browser: what waits, one question opened, and its decision.
// What agents wrote is never trusted: it only ever becomes text of a node or the value of a field.

const MINUTE = 60000;
const HOURS = 48; // from here on time left is said in days
const COLUMNS = ["Workflow", "Asks to use", "About", "Asked", "Time left", "Why it asks", "Checks"];
const SAID = { added: ["+", "added: "], removed: ["−", "removed: "], same: [" ", ""], place: ["", ""], note: ["", ""] };
const moment = (iso) => iso.slice(0, 16).replace("T", " ") + " UTC";

function left(expires) {
  const minutes = Math.floor((Date.parse(expires) - Date.now()) / MINUTE);
  if (minutes <= 0) return "none";
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < HOURS ? `${hours} h` : `${Math.floor(hours / 24)} days`;
}

class Queue extends Asking {
  constructor(model, el) {
    super(model, "pbf", "queue");
    this.look = () => this.refresh();
    this.open = null;
    this.counted = make("span", { class: "pbf-count" });
    this.table = make("div", { class: "pbf-list", tabindex: "-1" });
    this.reader = make("div", { class: "pbf-editor", hidden: true });
    this.frame(
      { class: "pbf pbr", "aria-label": `Review queue, ${model.get("team")}` },
      make("header", {}, make("h3", {}, "Review queue", make("span", {}, ` ${model.get("team")}`)),
        make("p", {}, "What agents ask a person before they act, the oldest first. Each decision counts once, for exactly what is shown.")),
      make("div", { class: "pbf-bar" }, button("Look again", () => this.refresh(), { class: "pbr-refresh" }), this.counted),
      this.table,
      this.reader,
      // below the buttons, where whoever decides is looking
      this.alert,
      this.said,
    );
    el.append(this.root);
    this.calls.push(["change:rows", () => this.others()]);
    this.clock = setInterval(() => this.tick(), MINUTE / 2);
    this.list();
    this.start();
  }

  close() {
    clearInterval(this.clock);
    super.close();
  }

  ask(message, waiting) {
    this.say(""); // so that the same words are heard again
    return super.ask(message, waiting);
  }

  // --- what waits ----------------------------------------------------------------------------------------------------

  async refresh() {
    const answer = await this.ask({ do: "refresh" }, "Looking …");
    if (answer.ok) { this.calm(); this.say(answer.text); }
    else if (answer.kind === "trouble") this.warn(answer.text, this.look, TROUBLE);
    else this.warn(answer.text);
  }

  list() {
    const focused = document.activeElement?.dataset?.row;
    const rows = this.model.get("rows");
    const body = rows.map((row) => {
      const open = make("button", { type: "button", class: "pbf-open", "data-row": row.id, "aria-label": `Read: ${row.workflow || row.playbook} asks to use ${row.tool}`, dir: "auto" }, row.workflow || row.playbook);
      const why = row.trigger ? `Trigger: ${row.trigger}` : row.reason;
      const texts = [row.tool, row.artifact || "–", moment(row.since), left(row.expires), why, row.checks || "–"];
      const cells = texts.map((text, at) => make("td", {}, make("div", { class: "pbr-cell", dir: "auto", ...(at === 3 ? { "data-expires": row.expires } : {}) }, text)));
      return make("tr", { class: this.open?.id === row.id ? "pbf-current" : "", onclick: () => this.read(row.id) }, make("td", {}, open), cells);
    });
    const head = make("tr", {}, COLUMNS.map((name) => make("th", { scope: "col" }, name)));
    this.table.replaceChildren(rows.length ? make("table", {}, make("thead", {}, head), make("tbody", {}, body)) : make("p", { class: "pbf-none" }, "Nothing waits for a person."));
    const more = this.model.get("more");
    this.counted.textContent = more ? `the ${rows.length} oldest of ${rows.length + more}` : `${rows.length} waiting`;
    if (focused) [...this.table.querySelectorAll("[data-row]")].find((node) => node.dataset.row === focused)?.focus({ preventScroll: true });
  }

  tick() {
    for (const cell of this.table.querySelectorAll("[data-expires]")) cell.textContent = left(cell.dataset.expires);
    // what has expired leaves the list by itself; nobody asked, so nothing is said
    if (this.model.get("rows").some((row) => Date.parse(row.expires) <= Date.now())) this.model.send({ do: "refresh", ask: token() });
  }

  others() {
    this.list();
    if (!this.open || this.open.deciding) return;
    const waits = this.model.get("rows").some((row) => row.id === this.open.id);
    this.notice.textContent = waits ? "" : "This question waits no longer: somebody decided it, or it expired. What you typed is still here.";
  }

  // --- one question --------------------------------------------------------------------------------------------------

  get dirty() {
    return Boolean(this.open) && (this.edited || this.why.value.trim() !== "");
  }

  get edited() {
    return Boolean(this.text) && this.text.value !== this.given;
  }

  async read(id) {
    if (this.open?.id === id) return;
    if (this.dirty) {
      this.warn("Decide the open question first, or close it; nothing of what you typed is stored yet.");
      return;
    }
    const answer = await this.ask({ do: "open", id }, "Reading …");
    if (!answer.ok) this.warn(answer.text, answer.kind === "trouble" ? () => this.read(id) : null);
    else if (!this.dirty) { this.calm(); this.show(answer.question); }
  }

  show(question) {
    this.open = question;
    const id = (name) => `pbr-${this.view}-${name}`;
    this.notice = make("p", { class: "pbf-notice", role: "status" });
    if (question.state !== "waiting") this.notice.textContent = `This question cannot be decided: ${question.state}.`;
    const title = make("h4", { tabindex: "-1", dir: "auto" }, `${question.playbook} asks: may it use ${question.tool}?`);
    const lines = (name, texts) => (texts.length ? [make("h5", {}, name), make("ul", {}, texts.map((text) => make("li", { dir: "auto" }, text)))] : []);
    const told = question.arguments.flatMap(({ name, value }) => [make("dt", {}, name), make("dd", { dir: "auto" }, value)]);
    const parts = [
      ...lines("Why it asks", question.reasons),
      ...lines("Triggers that fired", question.triggers),
      ...(told.length ? [make("h5", {}, "What the tool would be told"), make("dl", { class: "pbr-told", tabindex: "0", "aria-label": "What the tool would be told" }, told)] : []),
      ...(question.artifact ? [make("p", { class: "pbr-about", dir: "auto" }, `About ${question.artifact} (${question.path})`)] : []),
      ...lines("Checks", question.checks),
      ...this.difference(question),
      ...this.editor(question, id),
    ];
    this.by = make("select", { id: id("by"), class: "pbr-role" }, make("option", { value: "" }, "Choose the role …"), question.roles.map((role) => make("option", { value: role }, role)));
    const before = this.by_role || this.model.get("role");
    if (question.roles.includes(before)) this.by.value = before;
    this.why = make("textarea", { id: id("why"), class: "pbr-why", rows: 2, dir: "auto", "aria-describedby": id("why-help"), oninput: () => this.why.removeAttribute("aria-invalid") });
    this.approve = button("Approve", () => this.decide("approved"), { class: "pbr-approve pbf-main" });
    this.mine = button("Approve my version", () => this.decide("edited"), { class: "pbr-mine pbf-main", hidden: true });
    this.reject = button("Reject", () => this.decide("rejected"), { class: "pbr-reject" });
    const who = question.roles.length ? `${question.roles.join(", ")} may decide; who operates the agent may not.` : "Nobody may decide this: its playbook cannot be read.";
    this.reader.replaceChildren(
      title, this.notice, ...parts,
      make("h5", {}, "Your decision"),
      make("div", { class: "pbr-field" }, make("label", { for: id("by") }, "Your role"), this.by, make("small", {}, who)),
      make("div", { class: "pbr-field" }, make("label", { for: id("why") }, "Reason"), this.why, make("small", { id: id("why-help") }, "Needed to reject; the agent's owner reads it.")),
      make("div", { class: "pbf-buttons" }, this.approve, this.mine, this.reject, button("Close without deciding", () => this.shut(), { class: "pbr-close" })),
    );
    this.reader.hidden = false;
    this.list();
    title.focus({ preventScroll: true });
    this.reader.scrollIntoView({ block: "nearest" });
  }

  difference(question) {
    if (!question.difference.length) return [];
    const lines = question.difference.map(({ kind, text }) => {
      const [sign, said] = SAID[kind];
      return make("div", { class: `pbr-line pbr-${kind}` }, make("span", { class: "pbr-sign", "aria-hidden": "true" }, sign), make("span", { class: "pbr-unseen" }, said), make("span", { class: "pbr-words", dir: "auto" }, text));
    });
    const rest = question.unlisted ? [make("p", {}, `${question.unlisted} more lines differ or surround them; open ${question.path} to see them.`)] : [];
    return [make("h5", {}, "What differs from the version before"), make("div", { class: "pbr-diff", role: "group", tabindex: "0", "aria-label": "What differs from the version before" }, lines), ...rest];
  }

  editor(question, id) {
    this.text = null;
    if (question.text === null) return [];
    this.text = make("textarea", { id: id("text"), class: "pbr-text", rows: 10, dir: "auto", spellcheck: "false", oninput: () => this.touched() });
    this.text.value = question.text;
    this.given = this.text.value;
    const unseen = question.unseen ? make("small", {}, "Marks that cannot be seen are written as \\u and a number here; leave one in place and it is stored as the mark again.") : null;
    return [make("h5", {}, make("label", { for: id("text") }, "The text; change it here to approve your own version")), this.text, unseen].filter(Boolean);
  }

  touched() {
    this.mine.hidden = !this.edited;
    this.approve.textContent = this.edited ? "Approve the agent's version" : "Approve";
    this.approve.classList.toggle("pbf-main", !this.edited);
  }

  async decide(decision) {
    const text = decision === "edited" ? this.text.value : null;
    await this.send({ do: "decide", id: this.open.id, decision, role: this.by.value, why: this.why.value, text, once: token() });
  }

  async send(message) {
    const opened = this.open;
    const buttons = [this.approve, this.mine, this.reject];
    for (const one of buttons) one.disabled = true;
    opened.deciding = true;
    const answer = await this.ask(message, "Writing the decision down …");
    opened.deciding = false;
    for (const one of buttons) one.disabled = false;
    if (answer.ok) {
      this.by_role = message.role;
      this.calm();
      this.shut();
      this.say(answer.text);
      return;
    }
    this.warn(`Not decided: ${answer.text}`, answer.kind === "trouble" ? () => this.send(message) : null);
    if (this.open !== opened) return;
    this.alert.scrollIntoView({ block: "nearest" });
    this.others();
    const missing = !message.role ? this.by : message.decision === "rejected" && !message.why.trim() ? this.why : null;
    if (missing) { missing.setAttribute("aria-invalid", "true"); missing.focus(); }
  }

  shut() {
    this.open = null;
    this.text = null;
    this.reader.hidden = true;
    this.reader.replaceChildren();
    this.list();
    (this.table.querySelector("[data-row]") ?? this.table).focus({ preventScroll: true });
  }
}

export default {
  render({ model, el }) {
    const queue = new Queue(model, el);
    return () => queue.close();
  },
};
