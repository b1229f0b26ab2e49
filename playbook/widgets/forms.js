// The forms in the browser: a list of rows with an editor, and questions with one choice each.
// The kernel knows the fields, checks every value and holds what is stored; nothing here is loaded from anywhere else.

const SHOWN = 200; // rows of the list; the search reaches the others
const SHORT = 10; // characters that are not broken over two lines
const NOT_APPLICABLE = "n/a";
const wholes = new Intl.NumberFormat("en");
const count = (n, one) => `${wholes.format(n)} ${one}${n === 1 ? "" : "s"}`;

/** What every form has: a title, the role it stores by, and undo. */
class Form extends Asking {
  constructor(model, el) {
    super(model, "pbf", "form");
    const roles = `pbf-roles-${this.view}`;
    this.roles = make("datalist", { id: roles });
    this.by = make("input", { type: "text", list: roles, maxlength: 200, autocomplete: "off" });
    this.by.value = model.get("role");
    this.undo = button("Undo", () => this.takeBack(), { class: "pbf-undo" });
    this.body = make("div", { class: "pbf-body" });
    const role = make("label", { class: "pbf-role" }, "Your role", this.by, this.roles);
    this.tools = make("div", { class: "pbf-tools" });
    this.frame(
      { class: "pbf", "aria-label": `${model.get("title")}, ${model.get("team")}` },
      make("header", {}, make("h3", {}, model.get("title"), make("span", {}, ` ${model.get("team")}`)), make("p", {}, model.get("promise"))),
      make("div", { class: "pbf-bar" }, this.tools, role, this.undo),
      this.alert,
      this.body,
      this.said,
    );
    el.append(this.root);
    this.calls.push(["change:undoable", () => this.showUndo()], ["change:roles", () => this.showRoles()]);
    this.build();
    this.showUndo();
    this.showRoles();
    this.start();
  }

  ask(message, waiting) {
    if (message.do !== "check") this.say(""); // so that the same words are heard again
    return super.ask({ by: this.by.value.trim(), ...message }, waiting);
  }

  async takeBack() {
    const answer = await this.ask({ do: "undo" }, "Taking it back …");
    if (answer.ok) this.say(answer.text);
    else this.warn(answer.text, answer.kind === "trouble" ? () => this.takeBack() : null);
  }

  showUndo() {
    const words = this.model.get("undoable");
    this.undo.disabled = !words;
    this.undo.title = words ? `Take back: ${words}` : "Nothing to take back";
  }

  showRoles() {
    this.roles.replaceChildren(...this.model.get("roles").map((value) => make("option", { value })));
  }
}

/** One field of an editor: its label, input, help and fault, tied together for a screen reader. */
class Field {
  constructor(form, spec) {
    this.form = form;
    this.spec = spec;
    const id = `pbf-${form.view}-${spec.name}`;
    const shared = { id, "data-field": spec.name, "aria-describedby": `${id}-help ${id}-fault`, "aria-required": spec.required ? "true" : null };
    this.input = this.build(id, shared);
    this.fault = make("p", { class: "pbf-fault", id: `${id}-fault` });
    const said = spec.label.toLowerCase();
    const unit = spec.unit && !spec.unit.split(" ").some((word) => word.length > 3 && said.includes(word)) ? ` (${spec.unit})` : "";
    const words = spec.suggestions.length ? make("datalist", { id: `${id}-words` }, spec.suggestions.map((value) => make("option", { value }))) : null;
    const label = make("label", { for: id }, spec.label, unit, spec.required ? make("span", { class: "pbf-required" }, " required") : null);
    this.node = make("div", { class: `pbf-field pbf-as-${spec.kind}` }, label, this.input, words, make("small", { id: `${id}-help` }, spec.help.toLowerCase() === said ? "" : spec.help), this.fault);
    this.input.addEventListener("input", () => form.touch());
    this.input.addEventListener("change", () => this.check());
  }

  build(id, shared) {
    const { spec } = this;
    if (spec.kind === "choice") {
      const empty = spec.empty ? [make("option", { value: "" }, spec.required ? "Choose …" : "–")] : [];
      return make("select", shared, empty, spec.choices.map((choice) => make("option", { value: choice.value }, choice.label)));
    }
    if (spec.kind === "long") return make("textarea", { ...shared, rows: 2, dir: "auto" });
    if (spec.kind === "date") return make("input", { ...shared, type: "date" });
    const list = spec.suggestions.length ? `${id}-words` : null;
    return make("input", { ...shared, type: "text", dir: "auto", autocomplete: "off", list, inputmode: spec.kind === "number" ? "decimal" : null });
  }

  get value() {
    // what nobody touched is handed back as it came: a one-line input would drop the line breaks of a stored text
    if (this.input.value === this.shown && !this.input.validity?.badInput) return this.given;
    return this.input.validity?.badInput ? "a day that is not whole" : this.input.value;
  }

  set value(text) {
    if (this.spec.kind === "choice" && text && ![...this.input.options].some((option) => option.value === text)) {
      this.input.append(make("option", { value: text }, text));
    }
    this.input.value = text;
    this.given = text;
    this.shown = this.input.value;
  }

  say(fault) {
    this.fault.textContent = fault ? `Found ${fault.found}; wanted ${fault.wanted}` : "";
    if (fault) this.input.setAttribute("aria-invalid", "true");
    else this.input.removeAttribute("aria-invalid");
  }

  async check() {
    const asked = this.value;
    const answer = await this.form.ask({ do: "check", cells: { [this.spec.name]: asked } }, "Checking …");
    if (asked === this.value && answer.kind !== "trouble") this.say(answer.ok ? null : answer.faults?.[0]);
  }
}

class Rows extends Form {
  build() {
    const one = this.model.get("one");
    this.search = make("input", { type: "search", placeholder: "Search", "aria-label": `Search ${one}s`, oninput: () => this.list() });
    this.counted = make("span", { class: "pbf-count" });
    this.add = button(`Add a ${one}`.replace(/^Add a ([aeiou])/, "Add an $1"), () => this.begin(), { class: "pbf-add pbf-main" });
    const presets = this.model.get("presets").map((preset) => button(preset.label, () => this.begin(preset.cells)));
    this.pasting = this.model.get("pastes") ? button("Paste from a spreadsheet", () => this.showPaste(), { class: "pbf-paste", "aria-expanded": "false" }) : null;
    this.tools.append(this.add, ...presets, ...(this.pasting ? [this.pasting] : []), this.search, this.counted);
    this.table = make("div", { class: "pbf-list", tabindex: "-1" });
    this.editor = make("div", { class: "pbf-editor", hidden: true });
    this.sheet = make("div", { class: "pbf-sheet", hidden: true });
    this.stage = make("div", { class: "pbf-stage" }, this.table, this.editor);
    this.body.append(this.sheet, this.stage);
    this.calls.push(["change:rows", () => this.others()]);
    this.list();
  }

  nameOf(cells) {
    return this.model.get("named_by").map((name) => cells[name]).filter(Boolean).join(" / ") || this.model.get("one");
  }

  labelOf(name) {
    return this.model.get("fields").find((field) => field.name === name)?.label ?? name;
  }

  list() {
    const focused = document.activeElement?.dataset?.row;
    const words = this.search.value.trim().toLowerCase();
    const rows = this.model.get("rows");
    const found = words ? rows.filter((row) => Object.values(row.cells).join(" ").toLowerCase().includes(words)) : rows;
    const listed = this.model.get("listed");
    const body = found.slice(0, SHOWN).map((row) => {
      const [first, ...rest] = listed.map((name) => row.cells[name] || "");
      const open = make("button", { type: "button", class: "pbf-open", "data-row": row.id, "aria-label": `Edit ${this.nameOf(row.cells)}`, dir: "auto" }, first || "–");
      return make("tr", { class: this.open?.row === row.id ? "pbf-current" : "", onclick: () => this.edit(row) }, make("td", { class: first.length <= SHORT ? "pbf-short" : null }, open), rest.map((text) => make("td", { dir: "auto", class: text.length <= SHORT ? "pbf-short" : null }, text)));
    });
    const head = make("tr", {}, listed.map((name) => make("th", { scope: "col" }, this.labelOf(name))));
    const none = words ? "Nothing found." : `Nothing here yet. Add a first ${this.model.get("one")}${this.pasting ? ", or paste a sheet" : ""}.`;
    this.table.replaceChildren(rows.length && found.length ? make("table", {}, make("thead", {}, head), make("tbody", {}, body)) : make("p", { class: "pbf-none" }, none));
    const stored = rows.length + this.model.get("more");
    const shown = Math.min(found.length, SHOWN);
    this.counted.textContent = shown < stored ? `${wholes.format(shown)} of ${wholes.format(stored)} shown` : count(stored, "row");
    if (focused) [...this.table.querySelectorAll("[data-row]")].find((node) => node.dataset.row === focused)?.focus({ preventScroll: true });
  }

  // --- one row -------------------------------------------------------------------------------------------------------

  begin(cells = {}) {
    const fresh = Object.fromEntries(this.model.get("fields").map((field) => [field.name, cells[field.name] ?? this.only(field) ?? field.default]));
    this.edit({ id: null, cells: fresh, revision: null });
  }

  only(field) {
    return field.required && field.choices.length === 1 ? field.choices[0].value : null;
  }

  edit(row) {
    if (this.open?.row === row.id && row.id !== null) return;
    if (this.open?.dirty) {
      this.warn(`Save or cancel ${this.nameOf(this.typed())} first; nothing of it is stored yet.`);
      return;
    }
    this.calm();
    const isNew = row.id === null;
    this.open = { row: row.id, seen: isNew ? {} : row.cells, revision: row.revision, once: token(), dirty: false };
    this.fields = this.model.get("fields").map((spec) => new Field(this, spec));
    const title = isNew ? `New ${this.model.get("one")}` : this.nameOf(row.cells);
    this.store = button("Save", () => this.save(), { class: "pbf-save pbf-main" });
    const remove = isNew ? null : button("Remove", () => this.remove(), { class: "pbf-remove" });
    this.conflict = make("div", { class: "pbf-conflict", role: "alert", hidden: true });
    this.notice = make("p", { class: "pbf-notice", role: "status" });
    const buttons = make("div", { class: "pbf-buttons" }, this.store, button("Cancel", () => this.shut(true), { class: "pbf-cancel" }), make("small", {}, "Ctrl+Enter saves"), remove);
    this.editor.replaceChildren(
      make("form", { "aria-label": title, onsubmit: (event) => { event.preventDefault(); this.save(); }, onkeydown: (event) => this.key(event), novalidate: true },
        make("h4", { dir: "auto" }, title), this.conflict, this.notice, make("div", { class: "pbf-fields" }, this.fields.map((field) => field.node)), buttons),
    );
    this.editor.hidden = false;
    this.show(row.cells);
    this.list();
    this.fields[0]?.input.focus({ preventScroll: true });
    this.editor.scrollIntoView({ block: "nearest" });
  }

  show(cells) {
    for (const field of this.fields) field.value = cells[field.spec.name] ?? "";
  }

  typed() {
    return Object.fromEntries(this.fields.map((field) => [field.spec.name, field.value]));
  }

  touch() {
    this.open.dirty = true;
  }

  key(event) {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); this.save(); }
    else if (event.key === "Escape" && !this.open?.dirty) this.shut();
    else if (event.key === "Escape") this.say("Nothing is stored yet: Save keeps what you typed, Cancel drops it.");
  }

  shut(said = false) {
    if (!this.open) return;
    const { row } = this.open;
    this.open = null;
    this.editor.hidden = true;
    this.editor.replaceChildren();
    this.list();
    const back = [...this.table.querySelectorAll("[data-row]")].find((node) => node.dataset.row === row);
    (back ?? this.add).focus({ preventScroll: true });
    if (said) this.say("Closed; nothing was changed.");
  }

  async save() {
    const open = this.open;
    if (!open || this.store.disabled) return;
    this.store.disabled = true;
    for (const field of this.fields) field.say(null);
    const answer = await this.ask({ do: "save", row: open.row, cells: this.typed(), seen: open.seen, revision: open.revision, once: open.once });
    if (this.open !== open) return;
    this.store.disabled = false;
    if (answer.ok) {
      this.calm();
      this.shut();
      this.say(answer.text);
    } else if (answer.kind === "conflict") this.both(answer);
    else if (answer.faults) this.faults(answer.faults);
    else this.warn(answer.kind === "trouble" ? `Not stored. ${answer.text}` : answer.text, answer.kind === "trouble" ? () => this.save() : null);
  }

  faults(faults) {
    const bad = this.fields.filter((field) => faults.some((fault) => fault.column === field.spec.name));
    for (const field of bad) field.say(faults.find((fault) => fault.column === field.spec.name));
    bad[0]?.input.focus();
    this.say(`Not stored: ${count(bad.length, "field")} to correct: ${bad.map((field) => field.spec.label).join(", ")}.`);
  }

  async remove() {
    const open = this.open;
    const answer = await this.ask({ do: "remove", row: open.row, revision: open.revision }, "Removing …");
    if (this.open !== open) return;
    if (answer.ok) {
      open.dirty = false;
      this.calm();
      this.shut();
      this.say(answer.text);
    } else if (answer.kind === "conflict") this.both(answer);
    else this.warn(answer.text, answer.kind === "trouble" ? () => this.remove() : null);
  }

  /** Somebody else wrote the row first: both values, and people choose; nothing is preset where both changed a cell. */
  both(answer) {
    const { open } = this;
    const now = answer.now;
    const keep = button(now ? "Keep what is stored" : "Leave it removed", () => { open.dirty = false; this.shut(); });
    if (!now) {
      const again = button("Store mine as a new row", () => { Object.assign(open, { row: null, seen: {}, revision: null, once: token() }); this.conflict.hidden = true; this.save(); }, { class: "pbf-mine" });
      this.conflict.replaceChildren(make("p", {}, answer.text), make("div", { class: "pbf-buttons" }, again, keep));
      this.conflict.hidden = false;
      keep.focus();
      return;
    }
    const differing = this.fields.filter((field) => field.value.trim() !== (now.cells[field.spec.name] ?? ""));
    const chosen = new Map();
    const use = button("Store what I chose", () => {
      for (const [field, which] of chosen) if (which === "stored") field.value = now.cells[field.spec.name] ?? "";
      Object.assign(open, { row: now.id, seen: now.cells, revision: now.revision });
      this.conflict.hidden = true;
      this.save();
    }, { class: "pbf-mine" });
    const ready = () => { use.disabled = chosen.size < differing.length; };
    const rows = differing.map((field) => {
      const name = `${field.input.id}-which`;
      const stored = now.cells[field.spec.name] ?? "";
      if (field.value.trim() === (open.seen[field.spec.name] ?? "")) chosen.set(field, "stored");
      const side = (which, text) => {
        const input = make("input", { type: "radio", name, onchange: () => { chosen.set(field, which); ready(); } });
        input.checked = chosen.get(field) === which;
        return make("label", { dir: "auto" }, input, ` ${which === "mine" ? "Mine" : "Stored"}: ${text || "nothing"}`);
      };
      return make("fieldset", {}, make("legend", {}, field.spec.label), side("mine", field.value), side("stored", stored));
    });
    ready();
    this.conflict.replaceChildren(make("p", {}, answer.text), ...rows, make("div", { class: "pbf-buttons" }, use, keep));
    this.conflict.hidden = false;
    this.conflict.scrollIntoView({ block: "nearest" });
  }

  /** The rows have changed: an untouched editor follows, a touched one keeps what is typed. */
  others() {
    this.list();
    if (!this.open || this.open.row === null || this.store.disabled || !this.conflict.hidden) return;
    const now = this.model.get("rows").find((row) => row.id === this.open.row);
    if (now?.revision === this.open.revision) return;
    if (now && !this.open.dirty) {
      Object.assign(this.open, { seen: now.cells, revision: now.revision });
      this.show(now.cells);
    } else this.notice.textContent = now ? "Somebody else has changed this row; what you typed is kept, and Save shows both where they differ." : "Somebody else has removed this row; what you typed is kept.";
  }

  // --- paste ---------------------------------------------------------------------------------------------------------

  showPaste() {
    const shows = this.sheet.hidden;
    this.sheet.hidden = !shows;
    this.pasting.setAttribute("aria-expanded", String(shows));
    if (!shows) return;
    const id = `pbf-${this.view}-paste`;
    this.pasted = make("textarea", { id, rows: 5, spellcheck: "false", wrap: "off", dir: "auto", onpaste: (event) => this.onpaste(event) });
    this.found = make("div", { class: "pbf-found", "aria-live": "polite" });
    const columns = this.model.get("fields").map((field) => field.name).join(", ");
    const help = `Copy the rows with their header row in the spreadsheet and paste them here: at most ${wholes.format(this.model.get("limits").rows)} rows. Columns: ${columns}. Nothing is stored before you say so.`;
    const buttons = make("div", { class: "pbf-buttons" }, button("Check", () => this.checkPaste(), { class: "pbf-check" }), button("Close", () => this.showPaste()));
    this.sheet.replaceChildren(make("label", { for: id }, "Rows from a spreadsheet"), make("small", {}, help), this.pasted, buttons, this.found);
    this.pasted.focus();
  }

  tooMuch(text) {
    const { characters, rows, instead } = this.model.get("limits");
    let lines = 0;
    if (text.length <= characters) for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) lines += 1;
    if (text.length <= characters && lines <= rows) return false;
    const what = text.length > characters ? count(text.length, "character") : count(lines, "line");
    this.say("");
    this.found.replaceChildren(make("p", { class: "pbf-fault" }, `${what}: more than a paste may hold (${wholes.format(rows)} rows, ${wholes.format(characters)} characters). Nothing was read. ${instead}`));
    return true;
  }

  onpaste(event) {
    if (this.tooMuch(event.clipboardData?.getData("text/plain") ?? "")) event.preventDefault();
    else setTimeout(() => this.checkPaste(), 0);
  }

  async checkPaste() {
    const text = this.pasted.value;
    if (this.tooMuch(text)) return;
    const answer = await this.ask({ do: "paste", text }, "Checking …");
    if (answer.kind !== "checked") {
      this.found.replaceChildren(make("p", { class: "pbf-fault" }, answer.text));
      return;
    }
    const parts = [make("p", {}, make("b", {}, answer.text))];
    if (answer.faults.length) {
      const head = make("tr", {}, ["Row", "Column", "Found", "Wanted"].map((name) => make("th", { scope: "col" }, name)));
      const rows = answer.faults.map((fault) => make("tr", {}, [fault.row ?? "", fault.column, fault.found, fault.wanted].map((cell) => make("td", { dir: "auto" }, String(cell)))));
      parts.push(make("div", { class: "pbf-faults", tabindex: "0", "aria-label": "Cells to correct", role: "region" }, make("table", {}, make("thead", {}, head), make("tbody", {}, rows))));
      if (answer.unlisted) parts.push(make("p", {}, `and ${count(answer.unlisted, "more cell")}`));
    }
    const replace = make("input", { type: "checkbox" });
    if (answer.other) parts.push(make("label", { class: "pbf-replace" }, replace, ` Also replace ${count(answer.other, "stored row")} by what was pasted`));
    const store = button("", () => this.storePaste(replace.checked, answer.rest), { class: "pbf-store pbf-main" });
    const ready = () => {
      const good = answer.new + (replace.checked ? answer.other : 0);
      store.textContent = `Store ${count(good, "row")}`;
      store.disabled = !good;
    };
    replace.addEventListener("change", ready);
    ready();
    if (answer.new + answer.other) parts.push(store);
    this.found.replaceChildren(...parts);
  }

  async storePaste(replace, rest) {
    const answer = await this.ask({ do: "store", replace });
    if (!answer.ok) {
      this.warn(answer.kind === "conflict" ? `${answer.text} Check the rows again.` : answer.text, answer.kind === "trouble" ? () => this.storePaste(replace, rest) : null);
      return;
    }
    this.calm();
    this.say(rest ? `${answer.text} The rows to correct are still here.` : answer.text);
    this.pasted.value = rest;
    this.found.replaceChildren();
    if (rest) this.pasted.focus();
    else { this.showPaste(); this.pasting.focus(); }
  }
}

class Questions extends Form {
  build() {
    const asks = this.model.get("asks");
    if (asks) {
      this.picker = make("select", { onchange: () => this.pick(this.picker.value) });
      const step = (by) => { const next = this.picker.options[this.picker.selectedIndex + by]; if (next) this.pick(next.value); };
      this.tools.append(make("label", { class: "pbf-pick" }, asks, this.picker), button("Previous", () => step(-1)), button("Next", () => step(1), { class: "pbf-next" }));
    }
    this.verdict = make("div", { class: "pbf-verdict", role: "status" });
    this.asks = make("div", { class: "pbf-questions" });
    this.body.append(this.verdict, this.asks);
    this.unstored = new Map(); // item id -> the choice that could not be stored yet
    this.calls.push(["change:items", () => this.items()], ["change:verdict", () => this.judge()], ["change:choices", () => this.pickable()], ["change:picked", () => this.pickable()]);
    this.pickable();
    this.items();
    this.judge();
  }

  pickable() {
    if (!this.picker) return;
    this.picker.replaceChildren(...this.model.get("choices").map((choice) => make("option", { value: choice.value }, choice.label)));
    this.picker.value = this.model.get("picked");
  }

  async pick(choice) {
    const answer = await this.ask({ do: "pick", choice }, "Reading …");
    this.unstored.clear();
    if (answer.ok) this.say(answer.text);
    else this.warn(answer.text);
  }

  judge() {
    const { head, lines, level } = this.model.get("verdict");
    this.verdict.replaceChildren(make("b", { class: level ? `pbf-l${level}` : "" }, head), ...lines.map((line) => make("p", {}, line)));
  }

  item(id) {
    return this.model.get("items").find((item) => item.id === id);
  }

  items() {
    const items = this.model.get("items");
    const what = `${this.model.get("picked")} ${items.map((item) => item.id).join(" ")}`;
    if (what !== this.what) {
      this.what = what;
      this.nodes = new Map(items.map((item) => [item.id, this.question(item)]));
      const parts = [];
      let group = "";
      for (const item of items) {
        if (item.group !== group) parts.push(make("h4", {}, item.group), make("p", { class: "pbf-about" }, item.about));
        group = item.group;
        parts.push(this.nodes.get(item.id).node);
      }
      this.asks.replaceChildren(...parts);
    }
    for (const item of items) this.answer(item);
  }

  question(item) {
    const id = `pbf-${this.view}-${token()}`;
    const options = [...item.choices, { value: NOT_APPLICABLE, label: "Does not apply" }];
    const radios = options.map((choice) => make("input", { type: "radio", name: id, value: choice.value, onchange: () => this.choose(item.id, choice.value) }));
    const labels = options.map((choice, at) => make("label", { class: "pbf-choice" }, radios[at], make("b", {}, choice.value === NOT_APPLICABLE ? "" : choice.value), make("span", {}, choice.label)));
    const clear = button("Take the answer back", () => this.choose(item.id, ""), { class: "pbf-clear" });
    const fault = make("p", { class: "pbf-fault", role: "alert" });
    const note = make("p", { class: "pbf-note" });
    const evidence = item.evidence === null ? null : make("textarea", { rows: 1, dir: "auto", id: `${id}-e`, onchange: () => this.note(item.id) });
    const basis = evidence ? [make("label", { class: "pbf-evidence", for: `${id}-e` }, "What the answer rests on"), evidence] : [];
    const node = make("fieldset", { class: "pbf-question", "data-item": item.id }, make("legend", {}, item.title), make("p", { class: "pbf-hint" }, item.hint), note, labels, basis, fault, clear);
    return { node, radios, clear, fault, note, evidence };
  }

  answer(item) {
    const shown = this.nodes.get(item.id);
    const waits = this.unstored.has(item.id);
    const value = waits ? this.unstored.get(item.id) : item.value;
    for (const radio of shown.radios) radio.checked = radio.value === value;
    shown.clear.hidden = item.value === "";
    const apart = item.value && !shown.radios.some((radio) => radio.value === item.value) ? `Now ${item.value}, which is none of the choices. ` : "";
    shown.note.textContent = apart + item.note;
    shown.node.classList.toggle("pbf-unstored", waits);
    if (shown.evidence && document.activeElement !== shown.evidence && !shown.noteWaits) shown.evidence.value = item.evidence;
  }

  async choose(id, value) {
    const { seen, revision } = this.item(id);
    this.unstored.set(id, value);
    this.heard(id, await this.ask({ do: "choose", item: id, value, seen, revision }), () => this.choose(id, value));
  }

  async note(id) {
    const shown = this.nodes.get(id);
    const { seen, revision } = this.item(id);
    shown.noteWaits = true;
    const answer = await this.ask({ do: "evidence", item: id, value: shown.evidence.value, seen, revision });
    shown.noteWaits = !answer.ok;
    this.heard(id, answer, () => this.note(id));
  }

  heard(id, answer, again) {
    const shown = this.nodes.get(id);
    const trouble = answer.kind === "trouble";
    if (!trouble) this.unstored.delete(id);
    shown.fault.textContent = answer.ok || trouble ? "" : answer.faults ? answer.faults.map((fault) => `Found ${fault.found}; wanted ${fault.wanted}`).join("; ") : answer.text;
    if (answer.kind === "conflict") shown.fault.textContent += " What is stored is shown; choose again if yours is to stand.";
    if (answer.ok) { this.calm(); this.say(answer.text); }
    if (trouble) this.warn(`Not stored. ${answer.text}`, again);
    const item = this.item(id);
    if (item && !answer.ok) this.answer(item);
    else shown.node.classList.toggle("pbf-unstored", this.unstored.has(id));
  }
}

export default {
  render({ model, el }) {
    const form = model.get("shape") === "rows" ? new Rows(model, el) : new Questions(model, el);
    return () => form.close();
  },
};
