/* The seat planner (dashboard/views/seatplan.py): what a person types against a backlog and a date.
 *
 * Each person works one shift a day, so a day's work of one is pace x 24 / shifts.
 */
(function () {
  "use strict";

  const DAY_MS = 24 * 3600 * 1000;
  const NONE = "—";
  const EPSILON = 1e-9;

  function number(value) {
    // An emptied field is no zero: nothing is reckoned from it.
    if (value === "" || value === null || value === undefined) return null;
    const found = typeof value === "string" ? Number(value.replace(/,/g, "")) : value;
    return typeof found === "number" && Number.isFinite(found) ? found : null;
  }

  function grouped(value) {
    return value.toLocaleString("en-US", { maximumFractionDigits: 1 });
  }

  function upwards(value) {
    return Math.max(0, Math.ceil(value - EPSILON));
  }

  function dayOf(text) {
    return Date.parse(String(text).slice(0, 10) + "T00:00:00Z");
  }

  function seatPlan(waiting, batch, inflow, people, pace, shifts, until, boxId) {
    const box = document.getElementById(boxId);
    const given = [waiting, batch, inflow, people, pace, shifts].map(number);
    if (!box || given.some((value) => value === null || value < 0) || !given[5]) return [NONE, NONE, NONE, NONE, NONE];
    const left = Math.max(0, given[0] - given[1]);
    const each = (given[4] * 24) / given[5];
    const capacity = given[3] * each;
    const net = capacity - given[2];
    const start = dayOf(box.dataset.day);
    let clear = box.dataset.never;
    let done = NONE;
    if (left === 0 || net > EPSILON) {
      const days = left === 0 ? 0 : left / net;
      clear = box.dataset.days.replace("{n}", grouped(Math.round(days * 10) / 10));
      const moment = start + upwards(days) * DAY_MS;
      done = moment < 8.64e15 ? new Date(moment).toISOString().slice(0, 10).replace(/^\+0*/, "") : NONE;
    }
    const span = Math.round((dayOf(until) - start) / DAY_MS);
    const needed = span > 0 && each > 0 ? upwards((left / span + given[2]) / each) : null;
    return [
      grouped(Math.round(capacity)),
      clear,
      done,
      needed === null ? NONE : grouped(needed),
      grouped(upwards(given[3] / given[5])),
    ];
  }

  function seatExample(clicks, buttonId) {
    const button = document.getElementById(buttonId);
    if (!clicks || !button) return Array(6).fill(window.dash_clientside.no_update);
    return [Number(button.dataset.cases), 0, 0, Number(button.dataset.people), 10, 3];
  }

  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.tianfu = Object.assign(window.dash_clientside.tianfu || {}, {
    seat_plan: seatPlan,
    seat_example: seatExample,
  });
})();
