/* What the browser does by itself, without a round trip and without evaluating text as code.
 *
 * window.tianfu            theme, language, links, filters, days
 * dashAgGrid...Functions   renderers and comparators the tables name
 * dashMantineFunctions     words of the calendar and the day slider
 *
 * A control says what it does by data-tf-action: theme, language, link, keys, nav, print. The words come
 * from #tf-words (components/browser_words.py), so this file holds none.
 */
(function () {
  "use strict";

  const YEAR = 365 * 24 * 3600;
  const PLAY_STEP_MS = 1200;

  function words() {
    const holder = document.getElementById("tf-words");
    return holder ? holder.dataset : {};
  }

  function readCookie(name) {
    const found = document.cookie.split("; ").find((part) => part.startsWith(name + "="));
    return found ? found.slice(name.length + 1) : "";
  }

  function setCookie(name, value) {
    const secure = window.location.protocol === "https:" ? "; Secure" : "";
    document.cookie = name + "=" + value + "; path=/; max-age=" + YEAR + "; SameSite=Lax" + secure;
    return readCookie(name) === value;
  }

  // One source drives frame, charts, grid and map: the cookie. So a switch loads the page again.
  function setTheme(theme) {
    if (setCookie("tianfu_theme", theme === "dark" ? "dark" : "light")) window.location.reload();
  }

  function setLang(lang) {
    if (setCookie("tianfu_lang", lang === "en" ? "en" : "zh-CN")) window.location.reload();
  }

  function toggleTheme() {
    setTheme(readCookie("tianfu_theme") === "dark" ? "light" : "dark");
  }

  function toggleLang() {
    setLang(readCookie("tianfu_lang") === "en" ? "zh-CN" : "en");
  }

  // First visit: take what the person's system prefers, once. Where cookies are off nothing reloads.
  if (!readCookie("tianfu_theme")) {
    const dark = window.matchMedia("(prefers-color-scheme: dark)").matches;
    if (setCookie("tianfu_theme", dark ? "dark" : "light") && dark) window.location.reload();
  }

  function toast(text) {
    if (!text) return;
    const box = document.createElement("div");
    box.className = "tf-toast";
    box.setAttribute("role", "status");
    box.textContent = text;
    document.body.appendChild(box);
    window.setTimeout(() => box.remove(), 2400);
  }

  // ---- Filters and links ----

  /** Open a page of the board the way a dcc.Link does: without loading the frame again. */
  function navigate(href) {
    if (window.tianfu.applyLink(href)) return;
    window.history.pushState({}, "", href);
    window.dispatchEvent(new CustomEvent("_dashprivate_pushstate"));
    window.scrollTo(0, 0);
  }

  function copyByHand(text) {
    // navigator.clipboard exists only over HTTPS; many an inner network has none.
    const field = document.createElement("textarea");
    field.value = text;
    field.className = "tf-hidden";
    document.body.appendChild(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    return done;
  }

  function copyLink() {
    const url = window.tianfu.shareLink();
    const say = (done) => done && toast(words().copied);
    if (navigator.clipboard && window.isSecureContext) {
      return navigator.clipboard.writeText(url).then(
        () => say(true),
        () => say(copyByHand(url)),
      );
    }
    say(copyByHand(url));
    return Promise.resolve();
  }

  // ---- Ages: times are China Standard Time without a zone ----

  function ageText(seconds) {
    const w = words();
    const minutes = Math.max(0, Math.floor(seconds / 60));
    if (minutes < 120) return (w.minutes || "").replace("{n}", String(minutes));
    if (minutes < 48 * 60) return (w.hours || "").replace("{n}", String(Math.floor(minutes / 60)));
    return (w.days || "").replace("{n}", Math.floor(minutes / 1440).toLocaleString("en-US"));
  }

  function tick() {
    document.querySelectorAll("[data-tf-time]").forEach((node) => {
      const then = Date.parse(node.dataset.tfTime.slice(0, 19) + "+08:00");
      const text = Number.isNaN(then) ? "" : ageText((Date.now() - then) / 1000);
      if (text && node.dataset.tfAge !== text) node.dataset.tfAge = text;
    });
  }

  window.setInterval(tick, 30000);
  // Elements that Dash draws later get their age as well; reading is cheap, one pass per frame at most.
  let pending = false;
  new MutationObserver(() => {
    if (pending) return;
    pending = true;
    window.requestAnimationFrame(() => {
      pending = false;
      tick();
    });
  }).observe(document.documentElement, { childList: true, subtree: true });

  // ---- Day slider ----

  const playing = new Map();

  function sliderOf(id) {
    const box = document.querySelector('[data-tf-days="' + id + '"]');
    const thumb = box && box.querySelector('[role="slider"]');
    if (!thumb) return null;
    return { box, now: Number(thumb.getAttribute("aria-valuenow")), last: Number(thumb.getAttribute("aria-valuemax")) };
  }

  function moveDay(id, step) {
    const slider = sliderOf(id);
    if (!slider) return false;
    const next = Math.min(slider.last, Math.max(0, slider.now + step));
    if (next === slider.now) return false;
    window.dash_clientside.set_props(id, { value: next });
    return next < slider.last;
  }

  function swapPlay(id, isPlaying) {
    const slider = sliderOf(id);
    const button = slider && slider.box.querySelector('[data-tf-step="play"]');
    if (!button) return;
    const label = button.getAttribute("aria-label");
    if ((button.dataset.tfPlaying === "1") === isPlaying) return;
    button.dataset.tfPlaying = isPlaying ? "1" : "";
    button.setAttribute("aria-label", button.dataset.tfOther);
    button.title = button.dataset.tfOther;
    button.dataset.tfOther = label;
    button.firstElementChild.className = "tf-icon tf-icon-" + (isPlaying ? "pause" : "play");
  }

  function stopDays(id) {
    window.clearInterval(playing.get(id));
    playing.delete(id);
    swapPlay(id, false);
  }

  function playDays(id) {
    if (playing.has(id)) return stopDays(id);
    const slider = sliderOf(id);
    if (!slider) return undefined;
    // From the last day playing starts over.
    if (slider.now >= slider.last) window.dash_clientside.set_props(id, { value: 0 });
    swapPlay(id, true);
    playing.set(
      id,
      window.setInterval(() => {
        if (!moveDay(id, 1)) stopDays(id);
      }, PLAY_STEP_MS),
    );
    return undefined;
  }

  // ---- Clicks and keys ----

  function toggleKeys() {
    const list = document.getElementById("tf-keys");
    if (!list || !list.showModal) return;
    if (list.open) list.close();
    else list.showModal();
  }

  function toggleNav() {
    const app = document.querySelector(".tf-app");
    if (!app) return;
    const folded = app.classList.toggle("tf-nav-is-folded");
    setCookie("tianfu_nav", folded ? "folded" : "open");
  }

  function focusArea() {
    const field = document.querySelector(".tf-filterbar .tf-filter input, .tf-filter input");
    if (field) field.focus();
  }

  const ACTIONS = {
    theme: toggleTheme,
    language: toggleLang,
    link: copyLink,
    keys: toggleKeys,
    nav: toggleNav,
    print: () => window.print(),
  };

  function closePanels(except) {
    document.querySelectorAll("details.tf-def[open]").forEach((panel) => {
      if (panel !== except) panel.open = false;
    });
  }

  document.addEventListener("click", (event) => {
    const target = event.target instanceof Element ? event.target : null;
    if (!target) return;
    closePanels(target.closest("details.tf-def"));
    const action = target.closest("[data-tf-action]");
    if (action && ACTIONS[action.dataset.tfAction]) ACTIONS[action.dataset.tfAction]();
    const step = target.closest("[data-tf-step]");
    const days = step && step.closest("[data-tf-days]");
    if (days) {
      const id = days.dataset.tfDays;
      if (step.dataset.tfStep === "play") playDays(id);
      else {
        stopDays(id);
        moveDay(id, step.dataset.tfStep === "next" ? 1 : -1);
      }
    }
  });

  // Alt with a letter: single letters would fire while a person dictates or types.
  const KEYS = { KeyA: focusArea, KeyT: toggleTheme, KeyL: toggleLang, KeyC: copyLink };

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      const open = document.querySelector("details.tf-def[open]");
      if (open) {
        open.open = false;
        open.querySelector("summary").focus();
        event.stopPropagation();
      }
    } else if (event.ctrlKey && event.key === "/") {
      event.preventDefault();
      toggleKeys();
    } else if (event.altKey && !event.ctrlKey && !event.metaKey && KEYS[event.code]) {
      event.preventDefault();
      KEYS[event.code]();
    }
  });

  // Keep an opened definition inside the window; `toggle` does not bubble, so it is caught on the way down.
  document.addEventListener(
    "toggle",
    (event) => {
      const panel = event.target.matches && event.target.matches("details.tf-def[open]");
      if (!panel) return;
      const box = event.target.querySelector(".tf-def-panel");
      box.style.transform = "";
      const place = box.getBoundingClientRect();
      // The navigation lies above the page, so the page's own edge counts.
      const main = event.target.closest(".tf-main");
      const left = (main ? main.getBoundingClientRect().left : 0) + 8;
      const shift = place.left < left ? left - place.left : Math.min(0, window.innerWidth - 8 - place.right);
      if (shift) box.style.transform = "translateX(" + Math.round(shift) + "px)";
    },
    true,
  );

  // ---- Tables ----

  const grid = (window.dashAgGridFunctions = window.dashAgGridFunctions || {});

  /** Compare two values so that missing ones stand last whichever way the column is sorted. */
  grid.tfMissingLast = function (a, b, nodeA, nodeB, descending) {
    const noA = a === null || a === undefined;
    const noB = b === null || b === undefined;
    if (noA || noB) return noA && noB ? 0 : noA === !descending ? 1 : -1;
    return a - b;
  };

  grid.tfOpenRow = function (params) {
    const href = params.data && params.data.__href;
    const event = params.event;
    if (!href || (event && event.defaultPrevented)) return;
    if (String(window.getSelection())) return;
    if (event && (event.ctrlKey || event.metaKey)) window.open(href, "_blank", "noopener");
    else navigate(href);
  };

  grid.tfRowKey = function (params) {
    if (params.event && params.event.key === "Enter") grid.tfOpenRow(params);
  };

  /** Leave out the columns that a phone has no room for; they come back with the room. */
  grid.tfFitColumns = function (params) {
    const show = params.clientWidth >= 480;
    const changed = (params.api.getColumns() || []).filter(
      (column) => (column.getColDef().context || {}).wideOnly && column.isVisible() !== show,
    );
    if (params.clientWidth > 0 && changed.length) {
      params.api.setColumnsVisible(changed, show);
      params.api.sizeColumnsToFit();
    }
  };

  const draw = (window.dashAgGridComponentFunctions = window.dashAgGridComponentFunctions || {});
  const h = (tag, props, ...children) => window.React.createElement(tag, props, ...children);
  const icon = (name) => h("span", { className: "tf-icon tf-icon-" + name, "aria-hidden": "true" });

  draw.TfNumber = function (props) {
    const data = props.data || {};
    const field = props.colDef.field;
    const text = data[field + "__t"];
    const state = data[field + "__s"];
    if (state) return h("span", { className: "tf-grid-missing tf-grid-" + state }, icon(state), text);
    if (!props.bar || props.node.rowPinned) return h("span", null, text);
    const share = Math.max(0, Math.min(1, Number(props.value) / props.most)) * 100;
    return h("span", { className: "tf-grid-bar" }, text, h("i", { style: { width: share + "%" }, "aria-hidden": "true" }));
  };

  draw.TfStatus = function (props) {
    const text = (props.data || {})[props.colDef.field + "__t"];
    if (!text || text === "—") return h("span", null, "");
    const mark = h("span", { className: "tf-mark tf-mark-" + props.value, "aria-hidden": "true" });
    return h("span", { className: "tf-grid-status" }, mark, text);
  };

  draw.TfLink = function (props) {
    const href = (props.data || {}).__href;
    if (!href) return h("span", null, props.value);
    const open = (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      navigate(href);
    };
    // The cell itself takes the focus and Enter; a second stop on the link would double every row.
    return h("a", { href, onClick: open, tabIndex: -1 }, props.value);
  };

  // ---- Calendar and slider words ----

  const mantine = (window.dashMantineFunctions = window.dashMantineFunctions || {});

  mantine.tfDayLabel = function (value, options) {
    return ((options && options.days) || [])[value] || "";
  };

  // The calendar's own language files lie on a public server; the browser knows the same words itself.
  // dash-mantine-components looks for them under this name when a calendar asks for the locale.
  function dayNames(form) {
    const words = new Intl.DateTimeFormat("zh-CN", { weekday: form, timeZone: "UTC" });
    return Array.from({ length: 7 }, (_, i) => words.format(Date.UTC(2023, 0, 1 + i)));
  }

  function monthNames() {
    const words = new Intl.DateTimeFormat("zh-CN", { month: "short", timeZone: "UTC" });
    return Array.from({ length: 12 }, (_, i) => words.format(Date.UTC(2023, i, 1)));
  }

  window["dayjs_locale_zh-cn"] = {
    name: "zh-cn",
    weekdays: dayNames("long"),
    weekdaysShort: dayNames("short"),
    weekdaysMin: dayNames("narrow"),
    months: monthNames(),
    monthsShort: monthNames(),
    weekStart: 1,
    ordinal: (n) => String(n),
  };

  // ---- Names ----

  window.tianfu = Object.assign(window.tianfu || {}, {
    setTheme,
    setLang,
    toggleTheme,
    toggleLang,
    navigate,
    toast,
    ageText,
    copyLink,
    days: { move: moveDay, play: playDays, stop: stopDays },
  });
})();
