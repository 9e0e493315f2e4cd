/* The page of the feeds: an administrator serves another snapshot. Asks first, posts, says what came of it. */
(function () {
  "use strict";

  let asked = "";

  function csrf() {
    const found = document.cookie.split("; ").find((part) => part.startsWith("_csrf_token="));
    return found ? decodeURIComponent(found.slice("_csrf_token=".length)) : "";
  }

  function part(name) {
    return document.getElementById(name);
  }

  async function serve() {
    const yes = document.querySelector("[data-tf-serve-yes]");
    yes.disabled = true;
    let said = "";
    let done = false;
    try {
      const answer = await fetch("/snapshots/serve", {
        method: "POST",
        credentials: "same-origin",
        headers: { "Content-Type": "application/json", "X-CSRFToken": csrf(), Accept: "application/json" },
        body: JSON.stringify({ snapshot: asked }),
      });
      const body = await answer.json();
      done = answer.ok;
      said = body.said || [body.error, body.todo].filter(Boolean).join(" ");
    } catch (error) {
      said = String(error.message || error);
    }
    part("feeds-serve-said").textContent = said;
    if (done) window.setTimeout(() => window.location.assign("/feeds"), 900);
    else yes.disabled = false;
  }

  document.addEventListener("click", (event) => {
    const target = event.target instanceof Element ? event.target : null;
    const opens = target && target.closest("[data-tf-serve]");
    if (opens) {
      asked = opens.dataset.tfServe;
      part("feeds-serve-id").textContent = asked;
      part("feeds-serve-said").textContent = "";
      document.querySelector("[data-tf-serve-yes]").disabled = false;
      part("feeds-serve").showModal();
    } else if (target && target.closest("[data-tf-serve-no]")) {
      part("feeds-serve").close();
    } else if (target && target.closest("[data-tf-serve-yes]")) {
      serve();
    }
  });
})();
