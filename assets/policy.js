/* The policy screen in the browser: saves what is typed, sends acts, notices what moved.
 *
 * Fields carry data-tf-path and are saved together after a pause, with the row version this tab has seen; what
 * is not saved yet is also kept in the browser, so that a reload, a crash or an ended session loses nothing.
 * Acts carry data-tf-act and data-tf-send. Every decision is the server's; nothing here is trusted.
 */
(function () {
  "use strict";

  const PAUSE_MS = 700;
  const RETRY_MS = 3000;
  const PULSE_MS = 2000;

  let pending = {}; // path -> text, typed and not acknowledged
  let timer = 0;
  let saving = null;
  let stopped = false; // a conflict waits for a decision
  let pulse = "";

  const form = () => document.querySelector("[data-tf-change]");
  const onPage = () => document.querySelector('[data-tf-page="policy"]');

  function csrf() {
    const found = document.cookie.split("; ").find((part) => part.startsWith("_csrf_token="));
    return found ? decodeURIComponent(found.slice("_csrf_token=".length)) : "";
  }

  function word(name) {
    const holder = document.querySelector("[data-tf-policy-words]");
    return holder ? holder.dataset[name] || "" : "";
  }

  async function post(act, body, more) {
    const answer = await window.fetch(`/policy/act/${act}`, {
      method: "POST",
      credentials: "same-origin",
      headers: { "Content-Type": "application/json", "X-CSRFToken": csrf(), Accept: "application/json" },
      body: JSON.stringify(body),
      ...more,
    });
    let said = {};
    try {
      said = await answer.json();
    } catch {
      /* An answer without words: the status says enough. */
    }
    return { status: answer.status, ok: answer.ok, said };
  }

  // ---- What was typed and is not saved yet, kept for a reload ----

  const keep = () => {
    const at = form();
    return at ? `tianfu-policy-${at.dataset.tfLogin}-${at.dataset.tfChange}` : "";
  };

  function remember() {
    const name = keep();
    if (!name) return;
    try {
      if (Object.keys(pending).length) window.sessionStorage.setItem(name, JSON.stringify(pending));
      else window.sessionStorage.removeItem(name);
    } catch {
      /* Storage may be off; then only the server keeps it. */
    }
  }

  function recall() {
    const name = keep();
    if (!name || form().dataset.tfRecalled) return;
    form().dataset.tfRecalled = "1";
    let kept = {};
    try {
      kept = JSON.parse(window.sessionStorage.getItem(name) || "{}");
    } catch {
      kept = {};
    }
    pending = { ...kept, ...pending };
    if (!Object.keys(pending).length) return;
    Object.keys(pending).forEach((path) => show(path, pending[path]));
    schedule(0);
  }

  function show(path, text) {
    const field = document.querySelector(`[data-tf-path="${CSS.escape(path)}"]`);
    const input = field && field.querySelector("input, select, textarea");
    if (!input || input.value === text) return;
    const kind = { INPUT: HTMLInputElement, SELECT: HTMLSelectElement, TEXTAREA: HTMLTextAreaElement }[input.tagName];
    Object.getOwnPropertyDescriptor(kind.prototype, "value").set.call(input, text);
    input.dispatchEvent(new Event("input", { bubbles: true }));
  }

  // ---- Saving ----

  function say(name, more) {
    const line = document.querySelector("[data-tf-save-state]");
    if (!line) return;
    line.textContent = word(name).replace("{at}", more || "");
    line.dataset.tfSaveState = name;
  }

  function schedule(after) {
    window.clearTimeout(timer);
    timer = window.setTimeout(save, after);
  }

  function typed(field, text) {
    if (!form()) return;
    pending[field.dataset.tfPath] = text;
    remember();
    if (stopped) return;
    say("unsaved");
    schedule(PAUSE_MS);
  }

  /** Send what is pending; resolves to true when everything typed so far is saved. */
  async function save() {
    window.clearTimeout(timer);
    if (saving) {
      await saving;
    }
    const at = form();
    if (!at || stopped) return !stopped;
    const sent = { ...pending };
    if (!Object.keys(sent).length) return true;
    say("saving");
    saving = send(at, sent);
    const done = await saving;
    saving = null;
    return done && !Object.keys(pending).length ? true : done ? save() : false;
  }

  async function send(at, sent) {
    let answer;
    try {
      answer = await post("edit", {
        change: at.dataset.tfChange,
        row_version: Number(at.dataset.tfRowVersion),
        edits: sent,
      });
    } catch {
      say("offline");
      schedule(RETRY_MS);
      return false;
    }
    if (answer.ok) {
      Object.keys(sent).forEach((path) => {
        if (pending[path] === sent[path]) delete pending[path];
      });
      remember();
      settle(at, answer.said);
      return true;
    }
    if (answer.status === 401) return false; // shell.js leads to the sign-in page; what was typed is kept
    if (answer.status >= 500) {
      say("offline");
      schedule(RETRY_MS);
      return false;
    }
    stopped = true;
    conflict(answer);
    return false;
  }

  function settle(at, said) {
    at.dataset.tfRowVersion = String(said.row_version);
    const problems = said.problems || {};
    const changed = said.changed || [];
    at.querySelectorAll("[data-tf-problem]").forEach((line) => {
      const text = problems[line.dataset.tfProblem] || "";
      if (line.textContent !== text) line.textContent = text;
      const row = line.closest("[data-tf-row]");
      if (row) row.classList.toggle("is-wrong", [...row.querySelectorAll("[data-tf-problem]")].some((p) => p.textContent));
    });
    at.querySelectorAll("[data-tf-row]").forEach((row) => {
      const own = new Set([...row.querySelectorAll("[data-tf-path]")].map((field) => field.dataset.tfPath));
      const is = changed.some((path) => own.has(path) || path === row.dataset.tfRow);
      row.classList.toggle("is-changed", is);
    });
    say(Object.keys(pending).length ? "unsaved" : "saved", said.saved_at);
    beat(true);
  }

  /** Somebody else was faster: say who, what and when, and offer both ways on. */
  function conflict(answer) {
    const box = document.querySelector("[data-tf-conflict]");
    say("stopped");
    if (!box) return;
    const title = document.createElement("strong");
    title.textContent = answer.said.error || word("refused");
    const list = document.createElement("ul");
    (answer.said.since || []).forEach((line) => {
      const item = document.createElement("li");
      item.textContent = line;
      list.append(item);
    });
    const hint = document.createElement("p");
    hint.textContent = answer.said.todo || "";
    const ways = document.createElement("p");
    const rebase = document.createElement("button");
    rebase.type = "button";
    rebase.className = "tf-button tf-button-primary";
    rebase.textContent = word("mine");
    rebase.dataset.tfRebase = "mine";
    rebase.hidden = answer.status !== 409 || !answer.said.row_version;
    rebase.addEventListener("click", () => {
      form().dataset.tfRowVersion = String(answer.said.row_version);
      resume();
      save().then((done) => done && window.tianfu.setWords({}));
    });
    const theirs = document.createElement("button");
    theirs.type = "button";
    theirs.className = "tf-button";
    theirs.textContent = word("theirs");
    theirs.dataset.tfRebase = "theirs";
    theirs.addEventListener("click", () => {
      pending = {};
      remember();
      resume();
      window.tianfu.setWords({});
    });
    ways.append(rebase, " ", theirs);
    box.replaceChildren(title, list, hint, ways);
    box.hidden = false;
  }

  function resume() {
    stopped = false;
    const box = document.querySelector("[data-tf-conflict]");
    if (box) {
      box.replaceChildren();
      box.hidden = true;
    }
  }

  // ---- Acts ----

  function fieldsOf(panel) {
    const values = {};
    panel.querySelectorAll("[data-tf-name]").forEach((holder) => {
      const input = holder.matches("select, textarea, input") ? holder : holder.querySelector("input, select, textarea");
      if (!input) return;
      values[holder.dataset.tfName] = input.type === "checkbox" ? input.checked : input.value;
    });
    return values;
  }

  function refuse(panel, said) {
    const place = panel && panel.querySelector("[data-tf-answer]");
    const lines = [said.error || word("refused"), ...(said.since || []), said.todo || ""].filter(Boolean);
    if (place) place.textContent = lines.join(" ");
    else window.tianfu.toast(lines.join(" "));
  }

  async function act(button) {
    const panel = button.closest("[data-tf-panel]");
    const place = panel && panel.querySelector("[data-tf-answer]");
    if (place) place.textContent = "";
    if (button.dataset.tfSure && !window.confirm(button.dataset.tfSure)) return;
    const body = { ...(panel ? fieldsOf(panel) : {}), ...JSON.parse(button.dataset.tfSend || "{}") };
    button.disabled = true;
    try {
      const at = form();
      if (at && body.change === at.dataset.tfChange && Object.keys(pending).length) {
        // What was typed belongs to what is sent for review; this tab has seen its own edits.
        if (!(await save())) return;
        body.row_version = Number(at.dataset.tfRowVersion);
      }
      const answer = await post(button.dataset.tfAct, body);
      if (!answer.ok) {
        refuse(panel, answer.said);
        return;
      }
      if (answer.said.dropped) {
        pending = {};
        remember();
      }
      if (panel) panel.querySelectorAll("textarea").forEach((text) => (text.value = ""));
      if (answer.said.say) window.tianfu.toast(answer.said.say);
      window.tianfu.setWords(answer.said.go || {});
      beat(true);
    } catch {
      refuse(panel, { error: word("offline") });
    } finally {
      button.disabled = false;
    }
  }

  // ---- What moved behind the page ----

  function writing() {
    const at = document.activeElement;
    return Boolean(at && at.closest && at.closest("[data-tf-panel]") && at.matches("input, textarea, select"));
  }

  /** The pulse this page was drawn with: what moved since then, before the first beat too, is news. */
  function drawn() {
    const holder = document.querySelector("[data-tf-pulse]");
    return holder ? holder.dataset.tfPulse : "";
  }

  async function beat(now) {
    if (!onPage() || (document.hidden && !now)) return;
    try {
      const answer = await window.fetch("/policy/pulse", { credentials: "same-origin" });
      if (!answer.ok) return;
      const said = await answer.json();
      if (said.pulse !== (pulse || drawn()) && !(writing() && !now)) {
        pulse = said.pulse;
        // Where nobody types here, the fields follow too; where somebody does, they are left alone.
        if (!form()) window.tianfu.setWords({});
        else window.dash_clientside.set_props("policy-moved", { data: pulse });
      }
    } catch {
      /* The next beat tries again; the page says how old its verdict is by itself. */
    }
  }

  window.setInterval(beat, PULSE_MS);

  // ---- Listening ----

  document.addEventListener("input", (event) => {
    const field = event.target.closest && event.target.closest("[data-tf-path]");
    if (field) typed(field, event.target.value);
  });

  document.addEventListener("click", (event) => {
    const button = event.target.closest && event.target.closest("[data-tf-act]");
    if (button && !button.disabled) act(button);
  });

  // Two versions to compare are words of the page.
  document.addEventListener("change", (event) => {
    const holder = event.target.matches("select") && event.target.closest("[data-tf-words]");
    if (holder) window.tianfu.setWords({ [event.target.dataset.tfName]: event.target.value });
  });

  // The page goes: what is pending still leaves, and stays in the browser until it is acknowledged.
  window.addEventListener("pagehide", () => {
    const at = form();
    if (!at || stopped || !Object.keys(pending).length) return;
    const body = { change: at.dataset.tfChange, row_version: Number(at.dataset.tfRowVersion), edits: pending };
    post("edit", body, { keepalive: true }).catch(() => undefined);
  });

  new MutationObserver(() => {
    if (form()) recall();
    else if (!onPage()) {
      pending = {};
      stopped = false;
      pulse = "";
    }
  }).observe(document.documentElement, { childList: true, subtree: true });
})();
