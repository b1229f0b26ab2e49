// The spectrum board in the browser: columns, cards, three ways to move one, and the panel in which people decide.
// The kernel holds what is stored; this file shows it and asks. Nothing here is loaded from anywhere else.

const FAR_ENOUGH = 5; // pixels a pointer moves before it drags
const TRAY = 0;
const REASON = { least: 10, most: 1000 };
const ROLE_MOST = 120;
const KEYS =
  "Arrow keys go from card to card. Space picks a card up, left and right arrows move it, Enter drops it, Escape puts it " +
  "back. Enter on a card says why it lies there and lets you decide. / searches, Ctrl+Z undoes.";
const numbers = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
const hoursOf = (card) => (card.hours === null ? "hours not known" : `${numbers.format(card.hours)} h a month`);
const ALL = "";

class Board extends Asking {
  constructor(model, root) {
    super(model, "pbb", "board");
    this.nodes = new Map(); // task id -> its card's element
    this.column = new Map(); // task id -> the column it is shown in
    this.held = null; // a card picked up: {id, from, ghost?}
    this.open = null; // the panel: {id, from, seen}
    this.busy = new Set(); // cards whose decision is on its way
    this.role = "";
    this.drafts = new Map(); // reasons written but not stored yet, by task
    this.build(root);
    this.listen();
    this.fill();
    this.start();
  }

  close() {
    this.endDrag();
    super.close();
  }

  // --- what is there ---------------------------------------------------------------------------------------------

  get cards() {
    return this.model.get("cards");
  }

  card(id) {
    return this.byId.get(id);
  }

  decision(id) {
    return this.model.get("decisions")[id] ?? null;
  }

  home(id) {
    const made = this.decision(id);
    return made ? made.column : (this.card(id).rule ?? TRAY);
  }

  name(column) {
    if (column === TRAY) return "not yet";
    return `level ${column}, ${this.model.get("levels")[column - 1].name}`;
  }

  // --- building --------------------------------------------------------------------------------------------------

  build(root) {
    const team = this.model.get("team");
    this.search = make("input", { type: "search", placeholder: "Search", "aria-label": "Search tasks", oninput: () => this.filter() });
    const choose = (label) => make("select", { "aria-label": label, onchange: () => this.filter() });
    this.filters = { function: choose("Function"), workflow: choose("Workflow"), role: choose("Role") };
    this.count = make("span", { class: "pbb-count" });
    this.undo = button("Undo", () => this.takeBack(), { class: "pbb-undo" });
    this.key = make("div", { class: "pbb-key", "aria-label": "Functions" });
    this.lists = [TRAY, 1, 2, 3, 4, 5].map((number) => this.buildColumn(number));
    this.stage = make("div", { class: "pbb-stage" }, make("div", { class: "pbb-columns" }, ...this.lists.map((list) => list.frame)));
    this.helpId = `pbb-help-${this.view}`;
    this.frame(
      { class: "pbb", "aria-label": `Spectrum board of ${team}` },
      make("div", { class: "pbb-bar" }, this.search, ...Object.values(this.filters), this.count, this.undo),
      this.alert,
      this.stage,
      this.said,
      make("div", { class: "pbb-foot" }, this.key, make("p", { class: "pbb-help", id: this.helpId }, `Taller cards take more hours. ${KEYS}`)),
    );
    root.append(this.root);
  }

  buildColumn(number) {
    const level = number === TRAY ? null : this.model.get("levels")[number - 1];
    const total = make("span", { class: "pbb-total" });
    const title = level ? [make("b", {}, String(number)), ` ${level.name.split(",")[0]}`] : ["Not yet"];
    const meaning = level ? `${level.name}: ${level.meaning}` : "Cards nobody can place yet";
    const head = make("header", { class: `pbb-head pbb-l${number}`, title: meaning }, make("span", {}, ...title), total);
    const list = make("ul", { class: "pbb-cards", role: "listbox", "aria-label": level ? `Level ${number}, ${level.name}` : "Not yet" });
    const frame = make("div", { class: number === TRAY ? "pbb-column pbb-tray" : "pbb-column", "data-column": number }, head, list);
    return { number, frame, list, total, ids: [] };
  }

  buildCard(card) {
    const func = this.functions.get(card.function);
    const letters = func ? make("span", { class: `pbb-func pbb-f${func.colour}`, title: func.name, "aria-hidden": "true" }, func.letters) : null;
    const share = this.most > 0 && card.hours ? card.hours / this.most : 0;
    const node = make(
      "li",
      { class: `pbb-card ${func ? `pbb-edge${func.colour}` : ""}`, role: "option", tabindex: "-1", "data-id": card.id, "aria-describedby": this.helpId, style: `--share:${share.toFixed(3)}` },
      make("span", { class: "pbb-task" }, card.task),
      make("span", { class: "pbb-meta" }, card.workflow),
      card.role ? make("span", { class: "pbb-meta" }, card.role) : null,
      make("span", { class: "pbb-facts" }, letters, make("span", { class: "pbb-hours" }, card.hours === null ? "? h" : `${numbers.format(card.hours)} h`), make("span", { class: "pbb-rule" }), make("span", { class: "pbb-mark" })),
    );
    return node;
  }

  fill() {
    this.byId = new Map(this.cards.map((card) => [card.id, card]));
    this.functions = new Map(this.model.get("functions").map((row) => [row.name, row]));
    this.most = Math.max(0, ...this.cards.map((card) => card.hours ?? 0));
    const order = (a, b) => (b.hours ?? -1) - (a.hours ?? -1) || (a.task < b.task ? -1 : a.task > b.task ? 1 : a.id < b.id ? -1 : 1);
    this.rank = new Map([...this.cards].sort(order).map((card, at) => [card.id, at]));
    this.text = new Map(this.cards.map((card) => [card.id, [card.task, card.workflow, card.role, card.function].join(" ").toLowerCase()]));
    const focused = this.root.contains(document.activeElement) ? document.activeElement.dataset.id : null;
    if (this.held && !this.byId.has(this.held.id)) this.endDrag();
    if (this.open && !this.byId.has(this.open.id)) this.shut();
    this.nodes = new Map(this.cards.map((card) => [card.id, this.buildCard(card)]));
    this.column = new Map();
    for (const list of this.lists) list.ids = [];
    for (const id of this.rank.keys()) this.settle(id, false);
    for (const list of this.lists) list.list.replaceChildren(...list.ids.map((id) => this.nodes.get(id)));
    this.fillFilters();
    this.key.replaceChildren(...[...this.functions.values()].map((row) => make("span", {}, make("span", { class: `pbb-func pbb-f${row.colour}` }, row.letters), ` ${row.name}`)));
    this.filter();
    this.showUndo();
    this.rove(focused && this.nodes.has(focused) ? focused : null, Boolean(focused));
  }

  fillFilters() {
    for (const [name, select] of Object.entries(this.filters)) {
      const before = select.value;
      const values = [...new Set(this.cards.map((card) => card[name]).filter(Boolean))].sort();
      select.replaceChildren(make("option", { value: ALL }, `Every ${name}`), ...values.map((value) => make("option", { value }, value)));
      select.value = values.includes(before) ? before : ALL;
    }
    this.roles = [...new Set(this.cards.map((card) => card.role).filter(Boolean))].sort();
  }

  // --- where cards lie ---------------------------------------------------------------------------------------------

  /** Put a card into a column, in its place by hours; only that one element moves. */
  put(id, column, insert = true) {
    const before = this.column.get(id);
    const node = this.nodes.get(id);
    if (before !== undefined && before !== column) {
      const old = this.lists[before];
      old.ids.splice(old.ids.indexOf(id), 1);
    }
    if (before !== column) {
      const { ids, list } = this.lists[column];
      const mine = this.rank.get(id);
      let at = ids.findIndex((other) => this.rank.get(other) > mine);
      if (at < 0) at = ids.length;
      ids.splice(at, 0, id);
      this.column.set(id, column);
      if (insert) {
        const focused = document.activeElement === node;
        this.moving = true;
        list.insertBefore(node, at + 1 < ids.length ? this.nodes.get(ids[at + 1]) : null);
        if (focused) node.focus({ preventScroll: true });
        this.moving = false;
      }
    }
    return before !== column;
  }

  /** Show a card where the workspace has it, with what people decided. */
  settle(id, insert = true) {
    const moved = this.put(id, this.home(id), insert);
    this.mark(id);
    return moved;
  }

  mark(id) {
    const card = this.card(id);
    const made = this.decision(id);
    const node = this.nodes.get(id);
    const ready = card.ready !== null && card.ready !== card.rule ? `, now ${card.ready}` : "";
    node.querySelector(".pbb-rule").textContent = card.rule === null ? "rule: not yet" : `rule ${card.rule}${ready}`;
    const mark = made ? (made.valid ? { level: "✎ decided", "keep human": "✎ keep human", "not yet": "✎ not yet" }[made.decision] : "✎ level missing") : "";
    node.querySelector(".pbb-mark").textContent = mark;
    node.classList.toggle("pbb-decided", Boolean(made));
    const where = this.name(this.column.get(id));
    const rule = card.rule === null ? "no level by the rule yet" : `level ${card.rule} by the rule${ready ? `, ready for ${card.ready} now` : ""}`;
    const said = made ? ` Decided: ${made.says}` : "";
    node.setAttribute("aria-label", `${card.task}. ${card.workflow}${card.role ? `, ${card.role}` : ""}, ${hoursOf(card)}. In ${where}; ${rule}.${said}`);
    node.title = made ? made.says : "";
  }

  filter() {
    const words = this.search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = Object.entries(this.filters).filter(([, select]) => select.value !== ALL);
    let shown = 0;
    for (const card of this.cards) {
      const text = this.text.get(card.id);
      const fits = words.every((word) => text.includes(word)) && wanted.every(([name, select]) => card[name] === select.value);
      this.nodes.get(card.id).hidden = !fits;
      shown += fits;
    }
    this.shown = shown;
    this.totals();
    this.rove();
  }

  totals() {
    let all = 0;
    for (const { ids, total, frame, number } of this.lists) {
      const visible = ids.filter((id) => !this.nodes.get(id).hidden);
      const hours = visible.reduce((sum, id) => sum + (this.card(id).hours ?? 0), 0);
      total.textContent = `${visible.length} · ${numbers.format(Math.round(hours))} h`;
      all += hours;
      if (number === TRAY) frame.parentElement.classList.toggle("pbb-tray-empty", ids.length === 0);
    }
    const many = this.cards.length;
    this.count.textContent = `${this.shown === many ? "" : `${this.shown} of `}${many} task${many === 1 ? "" : "s"}, ${numbers.format(Math.round(all))} h a month`;
    this.lists[1].frame.parentElement.classList.toggle("pbb-none", many === 0);
    if (many === 0) this.count.textContent = "No task in the inventory yet";
  }

  /** Exactly one card is reached with Tab; the arrows go on from there. */
  rove(id = null, focus = false) {
    const visible = (one) => one && this.nodes.has(one) && !this.nodes.get(one).hidden;
    const next = visible(id) ? id : visible(this.current) ? this.current : this.lists.flatMap((list) => list.ids).find(visible);
    if (this.current && this.nodes.has(this.current)) this.nodes.get(this.current).tabIndex = -1;
    this.current = next ?? null;
    if (!next) return;
    this.nodes.get(next).tabIndex = 0;
    if (focus) this.nodes.get(next).focus({ preventScroll: false });
  }

  // --- listening ---------------------------------------------------------------------------------------------------

  listen() {
    this.calls.push(["change:cards", () => this.fill()], ["change:decisions", () => this.others()], ["change:undoable", () => this.showUndo()]);
    this.root.addEventListener("keydown", (event) => this.keydown(event));
    this.root.addEventListener("pointerdown", (event) => this.pointerdown(event));
    this.root.addEventListener("dblclick", (event) => this.idOf(event) && this.show(this.idOf(event)));
    this.root.addEventListener("focusin", (event) => this.idOf(event) && this.rove(this.idOf(event)));
    this.root.addEventListener("focusout", (event) => {
      const leaves = !this.moving && this.held && !this.held.ghost && !this.root.contains(event.relatedTarget);
      if (leaves) this.putBack();
    });
  }

  idOf(event) {
    const node = event.target.closest?.(".pbb-card");
    return node && this.root.contains(node) ? node.dataset.id : null;
  }

  /** Decisions have changed in the workspace, by this board or by somebody else's. */
  others() {
    const moved = [];
    for (const id of this.nodes.keys()) {
      if (this.held?.id === id || this.open?.id === id || this.busy.has(id)) continue;
      const before = this.column.get(id);
      if (this.settle(id)) moved.push([id, before]);
    }
    if (moved.length) this.totals();
    for (const [id] of moved) this.flash(id);
    if (moved.length === 1) this.say(`${this.card(moved[0][0]).task} moved to ${this.name(this.column.get(moved[0][0]))}.`);
    if (moved.length > 1) this.say(`${moved.length} cards moved.`);
    this.noticeInPanel();
  }

  flash(id) {
    const node = this.nodes.get(id);
    node.classList.add("pbb-flash");
    setTimeout(() => node.classList.remove("pbb-flash"), 1600);
  }

  showUndo() {
    const words = this.model.get("undoable");
    this.undo.disabled = !words;
    this.undo.title = words ? `Take back: ${words}` : "Nothing of this session to take back";
  }

  async decide(id, { decision, level = null, reason = "", by = "", seen }) {
    const target = this.column.get(id);
    this.busy.add(id);
    this.nodes.get(id)?.classList.add("pbb-storing");
    const answer = await this.ask({ do: "decide", task: id, decision, level, reason, by, seen, rule: this.card(id).rule });
    this.busy.delete(id);
    if (!this.nodes.has(id)) return answer;
    this.nodes.get(id).classList.remove("pbb-storing");
    this.settle(id);
    this.totals();
    if (answer.ok) {
      this.drafts.delete(id);
      this.say(answer.text);
    } else if (answer.kind === "trouble") {
      this.warn(`${answer.text} The card is back where it was.`, () => {
        this.put(id, target);
        this.stored(id, this.decide(id, { decision, level, reason, by, seen }));
      });
    }
    return answer;
  }

  async takeBack() {
    if (this.undo.disabled) return;
    const answer = await this.ask({ do: "undo" });
    if (answer.ok) this.say(answer.text);
    else this.warn(answer.text, answer.kind === "trouble" ? () => this.takeBack() : null);
  }

  // --- moving ------------------------------------------------------------------------------------------------------

  /** A card was let go over a column: what that decides, and whether people must say why. */
  drop(id, from, column) {
    const card = this.card(id);
    if (column === from) {
      this.put(id, from);
      return;
    }
    this.put(id, column);
    this.totals();
    const follows = column === (card.rule ?? TRAY);
    if (!follows) {
      this.show(id, from, column);
    } else if (this.decision(id)) {
      this.say("Storing …");
      this.stored(id, this.decide(id, { decision: "follow", seen: this.decision(id).revision }));
    }
  }

  async stored(id, promise) {
    const answer = await promise;
    if (!answer.ok && answer.kind !== "trouble") this.warn(answer.text);
    this.nodes.get(id)?.focus({ preventScroll: true });
  }

  putBack() {
    const { id } = this.held;
    this.endDrag();
    this.settle(id);
    this.totals();
    this.say(`${this.card(id).task} is back in ${this.name(this.column.get(id))}.`);
  }

  endDrag() {
    if (!this.held) return;
    const node = this.nodes.get(this.held.id);
    node?.classList.remove("pbb-held");
    node?.setAttribute("aria-selected", "false");
    this.held.end?.();
    this.held = null;
    for (const list of this.lists) list.frame.classList.remove("pbb-over");
  }

  hold(id) {
    this.held = { id, from: this.column.get(id) };
    const node = this.nodes.get(id);
    node.classList.add("pbb-held");
    node.setAttribute("aria-selected", "true");
  }

  keydown(event) {
    if (this.panel?.contains(event.target)) {
      this.panelKey(event);
      return;
    }
    const id = this.idOf(event);
    const plain = !event.ctrlKey && !event.metaKey && !event.altKey;
    if ((event.ctrlKey || event.metaKey) && event.key === "z" && event.target !== this.search) this.takeBack();
    else if (this.held?.ghost && event.key === "Escape") this.putBack();
    else if (id && plain && this.held) this.heldKey(event, id);
    else if (id && plain) this.cardKey(event, id);
    else return;
    if (event.handled !== false) event.preventDefault();
  }

  cardKey(event, id) {
    const column = this.column.get(id);
    const visible = (list) => list.ids.filter((one) => !this.nodes.get(one).hidden);
    const mine = visible(this.lists[column]);
    const at = mine.indexOf(id);
    const go = (next) => next && this.rove(next, true);
    const sideways = (step) => {
      for (let next = column + step; this.lists[next]; next += step) {
        const there = visible(this.lists[next]);
        if (there.length) return go(there[Math.min(at, there.length - 1)]);
      }
      return null;
    };
    const keys = {
      ArrowDown: () => go(mine[at + 1]),
      ArrowUp: () => go(mine[at - 1]),
      ArrowLeft: () => sideways(-1),
      ArrowRight: () => sideways(1),
      Home: () => go(mine[0]),
      End: () => go(mine[mine.length - 1]),
      Enter: () => this.show(id),
      "/": () => this.search.focus(),
      " ": () => {
        this.hold(id);
        this.say(`Picked up ${this.card(id).task}, in ${this.name(column)}. Left and right arrows move it, Enter drops it, Escape puts it back.`);
      },
    };
    if (keys[event.key]) keys[event.key]();
    else event.handled = false;
  }

  heldKey(event, id) {
    const column = this.column.get(id);
    const move = (next) => {
      if (!this.lists[next]) return;
      this.put(id, next);
      this.totals();
      this.nodes.get(id).scrollIntoView({ block: "nearest", inline: "nearest" });
      const rule = this.card(id).rule ?? TRAY;
      this.say(`${this.name(next)}${next === rule ? ", where the rule puts it" : ""}.`);
    };
    if (event.key === "ArrowLeft") move(column - 1);
    else if (event.key === "ArrowRight") move(column + 1);
    else if (event.key === "Escape" || event.key === "Tab") {
      this.putBack();
      event.handled = event.key === "Escape";
    } else if (event.key === "Enter" || event.key === " ") {
      const { from } = this.held;
      this.endDrag();
      this.drop(id, from, column);
    }
  }

  /** Mouse, pen and finger; a finger that goes up or down scrolls the column, one that goes sideways takes the card. */
  pointerdown(event) {
    const id = this.idOf(event);
    if (!id || event.button !== 0 || this.held || this.busy.has(id)) return;
    const node = this.nodes.get(id);
    const start = { x: event.clientX, y: event.clientY };
    let frame = 0;
    let last = event;
    let rects = null;
    const measure = () => (rects = this.lists.map((list) => list.frame.getBoundingClientRect()));
    const over = () => rects.findIndex((box) => last.clientX >= box.left && last.clientX < box.right && last.clientY >= box.top && last.clientY < box.bottom);
    const draw = () => {
      frame = 0;
      if (!this.held?.ghost) return;
      const target = over();
      this.held.ghost.style.transform = `translate3d(${last.clientX - start.x}px, ${last.clientY - start.y}px, 0)`;
      if (target === this.held.over) return;
      this.held.over = target;
      for (const list of this.lists) list.frame.classList.toggle("pbb-over", list.number === target);
    };
    const begin = () => {
      const box = node.getBoundingClientRect();
      measure();
      this.hold(id);
      const ghost = node.cloneNode(true);
      ghost.classList.add("pbb-ghost");
      ghost.removeAttribute("data-id");
      ghost.setAttribute("aria-hidden", "true");
      Object.assign(ghost.style, { left: `${box.left}px`, top: `${box.top}px`, width: `${box.width}px`, height: `${box.height}px` });
      document.body.append(ghost);
      this.held.ghost = ghost;
      this.held.end = end;
      node.setPointerCapture(event.pointerId);
    };
    const move = (moved) => {
      if (moved.pointerId !== event.pointerId) return;
      last = moved;
      if (!this.held && Math.hypot(moved.clientX - start.x, moved.clientY - start.y) >= FAR_ENOUGH) begin();
      if (this.held && !frame) frame = requestAnimationFrame(draw);
    };
    const up = (released) => {
      if (released.pointerId !== event.pointerId) return;
      last = released;
      const dragged = this.held?.ghost;
      const target = dragged ? over() : -1;
      const from = this.held?.from;
      end();
      this.endDrag();
      if (!dragged) return;
      if (target < 0) this.settle(id);
      else this.drop(id, from, target);
    };
    const cancel = () => {
      if (this.held?.ghost) this.putBack();
      else end();
    };
    const still = (touch) => this.held?.ghost && touch.preventDefault();
    const escape = (pressed) => pressed.key === "Escape" && cancel();
    const listeners = [
      [node, "pointermove", move],
      [node, "pointerup", up],
      [node, "pointercancel", cancel],
      [node, "touchmove", still],
      [window, "scroll", () => rects && measure()],
      [window, "keydown", escape],
    ];
    const end = () => {
      cancelAnimationFrame(frame);
      for (const [target, name, call] of listeners) target.removeEventListener(name, call, { capture: target === window });
      this.held?.ghost?.remove();
      rects = null;
    };
    for (const [target, name, call] of listeners) target.addEventListener(name, call, { capture: target === window, passive: name !== "touchmove" });
  }

  // --- the panel: what the model says and why, and what people decide ------------------------------------------------

  /** Open the panel on a card; after a move `from` is where it goes back to and `column` what the move would decide. */
  show(id, from = this.column.get(id), column = null) {
    if (this.open) this.cancel();
    if (column !== null) this.put(id, column);
    this.open = { id, from, seen: this.decision(id)?.revision ?? null };
    this.nodes.get(id).classList.add("pbb-open");
    this.panel = this.buildPanel(this.card(id), column);
    this.panel.classList.toggle("pbb-left", (column ?? from) >= 3);
    this.stage.append(this.panel);
    this.choose();
    (column === null ? this.fields.decision : this.fields.reason).focus({ preventScroll: true });
    this.panel.scrollIntoView({ block: "nearest" });
    if (column !== null) this.say(`${this.name(column)} is not where the rule puts ${this.card(id).task}: say why, or Escape to put it back.`);
  }

  buildPanel(card, column) {
    const made = this.decision(card.id);
    const now = made && made.decision !== "level" ? made.decision : made?.level ? String(made.level) : "follow";
    const wanted = column === null ? now : column === TRAY ? "not yet" : String(column);
    const rule = card.rule === null ? "not yet" : `level ${card.rule}, ${this.model.get("levels")[card.rule - 1].name}`;
    const options = [["follow", `Follow the rule (${rule})`]];
    for (const level of this.model.get("levels")) if (level.level !== card.rule) options.push([String(level.level), `Level ${level.level}, ${level.name}`]);
    options.push(["keep human", "Keep human"], ["not yet", "Not yet"]);
    const listId = `pbb-roles-${this.view}`;
    const decision = make("select", { onchange: () => this.choose() }, ...options.map(([value, text]) => make("option", { value }, text)));
    decision.value = wanted === String(card.rule) ? "follow" : wanted;
    const reason = make("textarea", { rows: 4, maxlength: REASON.most, oninput: () => this.check() });
    reason.value = this.drafts.get(card.id) ?? (made && column === null ? made.reason : "");
    const by = make("input", { type: "text", list: listId, maxlength: ROLE_MOST, autocomplete: "off", oninput: () => this.check() });
    by.value = (column === null && made?.by) || this.role;
    const fault = make("p", { class: "pbb-fault", role: "alert" });
    const store = button("Store decision", () => this.store(), { class: "pbb-store" });
    const cancel = button("Cancel", () => this.cancel());
    const field = (text, input, small = "") => make("label", { class: "pbb-field" }, make("span", {}, text, small ? make("small", {}, ` ${small}`) : null), input);
    const why = make("div", { class: "pbb-why" }, field("Why?", reason, `${REASON.least} to ${REASON.most} characters`), field("Decided by", by, "a role, not a name"));
    this.fields = { decision, reason, by, fault, store, why };
    const ready = card.ready !== null && card.ready !== card.rule ? `, and ready for level ${card.ready} now` : "";
    return make(
      "div",
      { class: "pbb-panel", role: "dialog", "aria-label": `Decide on ${card.task}` },
      make("h4", {}, card.task),
      make("p", { class: "pbb-meta" }, [card.workflow, card.role, card.function, hoursOf(card), card.now === null ? null : `today at level ${card.now}`].filter(Boolean).join(" · ")),
      make("p", { class: "pbb-says" }, make("b", {}, `The rule says ${rule}${ready}.`)),
      make("p", { class: "pbb-reasons", tabindex: "0" }, card.reasons),
      made ? make("p", { class: "pbb-made" }, make("b", {}, "Decided: "), made.says) : null,
      make("div", { class: "pbb-notice", role: "status" }),
      field("Decision", decision),
      why,
      make("datalist", { id: listId }, ...this.roles.map((value) => make("option", { value }))),
      fault,
      make("div", { class: "pbb-buttons" }, store, cancel),
    );
  }

  /** The decision chosen in the panel: the card shows where it would lie, and a reason is asked unless it is the rule's. */
  choose() {
    const { id } = this.open;
    const choice = this.fields.decision.value;
    const rule = this.card(id).rule;
    const human = rule === null ? TRAY : Math.min(rule, 2);
    const columns = { follow: rule ?? TRAY, "keep human": human, "not yet": TRAY };
    this.put(id, columns[choice] ?? Number(choice));
    this.totals();
    this.fields.why.hidden = choice === "follow";
    this.check();
  }

  check() {
    const { decision, reason, by, store, fault } = this.fields;
    const written = reason.value.trim().length;
    const enough = decision.value === "follow" || (written >= REASON.least && by.value.trim().length > 0);
    store.disabled = !enough;
    fault.textContent = "";
    return enough;
  }

  panelKey(event) {
    if (event.key === "Escape") this.cancel();
    else if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && this.check()) this.store();
    else if (event.key === "Tab") this.keepInside(event);
  }

  keepInside(event) {
    const stops = [...this.panel.querySelectorAll("p[tabindex], select, textarea, input, button:not(:disabled)")].filter((node) => node.offsetParent);
    const edge = event.shiftKey ? stops[0] : stops[stops.length - 1];
    if (event.target !== edge) return;
    event.preventDefault();
    (event.shiftKey ? stops[stops.length - 1] : stops[0]).focus();
  }

  async store() {
    const { id, seen } = this.open;
    const { decision, reason, by, store, fault } = this.fields;
    const level = Number(decision.value) || null;
    const why = decision.value === "follow" ? { reason: "", by: "" } : { reason: reason.value.trim(), by: by.value.trim() };
    const wanted = { decision: level ? "level" : decision.value, level, ...why, seen };
    store.disabled = true;
    this.drafts.set(id, why.reason);
    const panel = this.panel;
    const answer = await this.decide(id, wanted);
    if (this.panel !== panel) return;
    if (answer.ok || answer.kind === "trouble") {
      if (answer.ok) this.role = why.by || this.role;
      this.shut();
      return;
    }
    if (this.open) this.choose();
    fault.textContent = answer.text;
    if (answer.kind === "conflict") this.noticeInPanel();
    else store.disabled = false;
  }

  /** While the panel is open somebody else decided on its task: both values are shown and people choose. */
  noticeInPanel() {
    if (!this.open || this.busy.has(this.open.id)) return;
    const now = this.decision(this.open.id);
    if ((now?.revision ?? null) === this.open.seen) return;
    const theirs = now ? now.says : "The decision was removed, so the rule is followed.";
    const keep = button("Keep theirs", () => this.cancel());
    const mine = button("Store mine instead", () => {
      this.open.seen = this.decision(this.open.id)?.revision ?? null;
      notice.replaceChildren();
      if (this.check()) this.store();
    }, { class: "pbb-mine" });
    const notice = this.panel.querySelector(".pbb-notice");
    notice.replaceChildren(make("p", {}, make("b", {}, "Decided meanwhile by somebody else: "), theirs), make("div", { class: "pbb-buttons" }, keep, mine));
    this.fields.store.disabled = true;
  }

  cancel() {
    const { id } = this.open;
    this.shut();
    this.say(`${this.card(id).task} is in ${this.name(this.column.get(id))}; nothing was stored.`);
  }

  shut() {
    if (!this.open) return;
    const { id } = this.open;
    this.panel.remove();
    this.panel = null;
    this.open = null;
    if (!this.nodes.has(id)) return;
    this.nodes.get(id).classList.remove("pbb-open");
    this.settle(id);
    this.totals();
    this.rove(id, true);
  }
}

export default {
  render({ model, el }) {
    const board = new Board(model, el);
    return () => board.close();
  },
};
