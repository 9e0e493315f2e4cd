/* Filters of a page in the browser: one store, mirrored in the URL without a navigation.
 *
 * dcc.Location is not told of these changes, because the router would draw the whole page again. So
 * links to the page on screen, and the back button, are handled here as well: they set the store.
 * Everything is checked again on the server; nothing here is trusted.
 */
(function () {
  "use strict";

  const HIDDEN = new Set(["root", "pinned", "touched"]);
  const POLL_MS = 5000;
  let latest = null;

  function pageElement() {
    return document.querySelector("[data-tf-page]");
  }

  function storeId() {
    const page = pageElement();
    return page ? `${page.dataset.tfPage}-filters` : null;
  }

  function defaults() {
    const page = pageElement();
    return page ? JSON.parse(page.dataset.tfDefaults) : {};
  }

  function dayBefore(day) {
    const moment = new Date(`${day}T00:00:00Z`);
    moment.setUTCDate(moment.getUTCDate() - 1);
    return moment.toISOString().slice(0, 10);
  }

  function merged(data, change) {
    const next = { ...data, ...change };
    const followed = data.compare === dayBefore(data.date) && !("compare" in change);
    if (followed || next.compare >= next.date) {
      next.compare = dayBefore(next.date);
    }
    return next;
  }

  function toSearch(data) {
    const words = new URLSearchParams();
    Object.entries(data).forEach(([name, value]) => {
      if (value && !HIDDEN.has(name) && (name !== "snapshot" || data.pinned)) {
        words.set(name, value);
      }
    });
    if (data.pinned) {
      words.set("pinned", "1");
    }
    return `?${words}`;
  }

  function fromSearch(search) {
    const known = defaults();
    const next = { ...known };
    new URLSearchParams(search).forEach((value, name) => {
      if (name in known && name !== "root") {
        next[name] = value;
      }
    });
    return next;
  }

  function push(data) {
    const search = toSearch(data);
    if (search !== window.location.search) {
      window.history.pushState(null, "", window.location.pathname + search);
    }
  }

  function same(a, b) {
    return JSON.stringify(a) === JSON.stringify(b);
  }

  function setStore(data) {
    const id = storeId();
    if (id && !same(data, latest)) {
      latest = data;
      window.dash_clientside.set_props(id, { data });
    }
  }

  function changed(data, change) {
    const next = merged(data, change);
    if (same(next, data)) {
      return window.dash_clientside.no_update;
    }
    latest = next;
    push(next);
    return next;
  }

  function wordOf(id) {
    return id.slice(id.indexOf("-") + 1);
  }

  /* One level up from a code: county to city, city to province; never above the widest area of the scope. */
  function above(code, root) {
    if (code === root) {
      return code;
    }
    const city = `${code.slice(0, 4)}00`;
    return code === city ? `${code.slice(0, 2)}0000` : city;
  }

  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.tianfu = Object.assign(window.dash_clientside.tianfu || {}, {
    /* A widget `<page>-<word>` changed: set that word. */
    filter_word(value, data) {
      const id = window.dash_clientside.callback_context.triggered_id;
      if (!id || value === null || value === undefined || !data) {
        return window.dash_clientside.no_update;
      }
      return changed(data, { [wordOf(id)]: String(value) });
    },
    /* The store changed: let the widget `<page>-<word>` show it. */
    show_word(data, value) {
      const id = window.dash_clientside.callback_context.outputs_list.id;
      const wanted = data && data[wordOf(id)];
      return wanted && wanted !== value ? wanted : window.dash_clientside.no_update;
    },
    /* The day slider holds an index into its list of days. */
    filter_day(index, data, days) {
      if (index === null || index === undefined || !data || !days[index]) {
        return window.dash_clientside.no_update;
      }
      return changed(data, { date: days[index] });
    },
    show_day(data, days, index) {
      const wanted = data ? days.indexOf(data.date) : -1;
      return wanted >= 0 && wanted !== index ? wanted : window.dash_clientside.no_update;
    },
    /* A click on the map drills, Escape goes one level up. */
    filter_map(click, data) {
      if (!click || !data) {
        return window.dash_clientside.no_update;
      }
      return changed(data, { area: click.up ? above(data.area, data.root) : click.code });
    },
    mark_page(pathname) {
      document.querySelectorAll(".tf-nav-item").forEach((link) => {
        if (new URL(link.href).pathname === pathname) {
          link.setAttribute("aria-current", "page");
        } else {
          link.removeAttribute("aria-current");
        }
      });
      latest = null;
      return pathname;
    },
  });

  /* Set the filters of the page on screen from a query string; false where the link is for another page. */
  function applyLink(href) {
    const url = new URL(href, window.location.href);
    if (url.origin !== window.location.origin || url.pathname !== window.location.pathname || !pageElement()) {
      return false;
    }
    const next = fromSearch(url.search);
    push(next);
    setStore(next);
    return true;
  }

  /* Set words of the page on screen, as a widget would, and draw every card again, also without a change. */
  function setWords(change) {
    const data = merged(latest || fromSearch(window.location.search), change);
    push(data);
    setStore({ ...data, touched: String(Date.now()) });
  }

  /* A link that shows somebody else exactly this: same filters, same snapshot. */
  function shareLink() {
    const data = latest || fromSearch(window.location.search);
    return pageElement()
      ? window.location.origin + window.location.pathname + toSearch({ ...data, pinned: "1" })
      : window.location.href;
  }

  window.tianfu = Object.assign(window.tianfu || {}, { applyLink, setWords, shareLink });

  /* Links to the page on screen change its filters; any other link is the router's. */
  document.addEventListener(
    "click",
    (event) => {
      const link = event.target.closest && event.target.closest("a[href]");
      if (!link || event.button || event.metaKey || event.ctrlKey || event.shiftKey || link.target) {
        return;
      }
      if (!link.hash && applyLink(link.href)) {
        event.preventDefault();
        event.stopPropagation();
      }
    },
    true,
  );

  window.addEventListener("popstate", () => {
    if (pageElement()) {
      setStore(fromSearch(window.location.search));
    }
  });

  /* The version in force and its verdict change without a snapshot. */
  function showPolicy(body) {
    const version = document.getElementById("shell-version");
    const verdict = body.policy && body.policy.verdict;
    if (!version || !verdict) {
      return;
    }
    const text = version.dataset.tfWords.replace("#", String(body.policy_version));
    if (version.textContent !== text) {
      version.textContent = text;
    }
    document.querySelectorAll("#shell-verdict > [data-tf-verdict]").forEach((badge) => {
      badge.hidden = badge.dataset.tfVerdict !== verdict;
    });
  }

  /* A newer snapshot is offered, never forced: the filters stand in the URL and survive the reload. */
  async function poll() {
    const frame = document.querySelector("[data-tf-snapshot]");
    const offer = document.getElementById("shell-offer");
    if (!frame || !offer || document.hidden) {
      return;
    }
    try {
      const answer = await fetch("/healthz", { credentials: "same-origin" });
      const body = await answer.json();
      showPolicy(body);
      if (body.snapshot_id && body.snapshot_id !== frame.dataset.tfSnapshot && offer.hidden) {
        const button = document.createElement("button");
        button.type = "button";
        button.className = "tf-button tf-button-primary";
        button.textContent = frame.dataset.tfOfferButton;
        button.addEventListener("click", () => window.location.reload());
        offer.replaceChildren(frame.dataset.tfOfferText, " ", button);
        offer.hidden = false;
      }
    } catch {
      /* The next poll tries again; the page says how old its data are by itself. */
    }
  }

  window.setInterval(poll, POLL_MS);

  /* Dash is silent about a refused callback: when the session ended, go and say so. */
  const plainFetch = window.fetch;
  window.fetch = async (...given) => {
    const answer = await plainFetch(...given);
    if (answer.status === 401) {
      const next = encodeURIComponent(window.location.pathname + window.location.search);
      window.location.assign(`/sign-in?ended=1&next=${next}`);
    }
    return answer;
  };
})();
