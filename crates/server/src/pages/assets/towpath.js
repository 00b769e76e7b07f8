// Makes pages live, filters and follows keys. Every page reads without it; it never writes HTML as text.
"use strict";
const page = document;
const all = (what, within = page) => [...within.querySelectorAll(what)];
const wanted = new URLSearchParams(location.search);
for (const theme of ["dark", "light"]) if (wanted.has(theme)) page.documentElement.dataset.theme = theme;

// 1 Times: local, with UTC on hover. A page says when it was made, so that a wrong clock here shows no wrong age.
const made = page.querySelector("#made");
const off = made ? Date.parse(made.dateTime) - Date.now() : 0;
const now = () => Date.now() + off;
const two = (number) => String(number).padStart(2, "0");
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

function clock(at, exact) {
  const moment = new Date(at), today = new Date(now());
  const time = two(moment.getHours()) + ":" + two(moment.getMinutes()) + (exact ? ":" + two(moment.getSeconds()) : "");
  if (moment.toDateString() === today.toDateString()) return time;
  const day = moment.getDate() + " " + MONTHS[moment.getMonth()];
  return day + (moment.getFullYear() === today.getFullYear() ? "" : " " + moment.getFullYear()) + ", " + time;
}

function age(seconds) {
  if (seconds < 60) return Math.floor(seconds) + " s";
  if (seconds < 3600) return Math.floor(seconds / 60) + " min";
  if (seconds < 172800) return Math.floor(seconds / 3600) + " h";
  return Math.floor(seconds / 86400) + " d";
}

function left(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 3600) return Math.floor(whole / 60) + ":" + two(whole % 60);
  if (whole < 86400) return Math.floor(whole / 3600) + " h " + Math.floor((whole % 3600) / 60) + " m";
  return Math.floor(whole / 86400) + " d " + Math.floor((whole % 86400) / 3600) + " h";
}

function utc(at) { return new Date(at).toISOString().slice(0, 19).replace("T", " ") + " UTC"; }

function times(within = page) {
  for (const one of all("time[data-as]", within)) {
    const at = Date.parse(one.dateTime);
    if (Number.isNaN(at)) continue;
    const as = one.dataset.as;
    if (as === "age") one.textContent = age((now() - at) / 1000);
    else if (as === "left") one.textContent = left((at - now()) / 1000);
    else one.textContent = clock(at, as === "exact");
    one.title = utc(at);
  }
  for (const one of all("text[data-at]", within)) {
    const at = Date.parse(one.dataset.at);
    if (!Number.isNaN(at)) one.textContent = clock(at, "exact" in one.dataset);
  }
}
times();
setInterval(() => {
  for (const one of all("time[data-as=left], time[data-as=age]")) {
    const at = Date.parse(one.dateTime);
    const text = one.dataset.as === "left" ? left((at - now()) / 1000) : age((now() - at) / 1000);
    if (one.textContent !== text) one.textContent = text;
  }
}, 1000);

// 2 Filter: words and state together; what does not match fades, nothing moves.
const box = () => page.querySelector("#find");
let state = wanted.get("show") || "all";
function filter() {
  const field = box();
  if (!field) return;
  const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const cell of all("[data-s]")) {
    const row = cell.closest("[data-row]");
    const text = ((row ? row.dataset.row : "") + " " + (cell.dataset.t || "") + " " + cell.textContent).toLowerCase();
    const is = state === "all" || cell.dataset.s.split(" ").includes(state);
    cell.classList.toggle("off", !(is && words.every((word) => text.includes(word))));
  }
}
page.addEventListener("input", (event) => { if (event.target.id === "find") filter(); });
page.addEventListener("click", (event) => {
  const link = event.target.closest(".seg a[data-show]");
  if (!link || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  state = link.dataset.show;
  for (const other of all(".seg a[data-show]")) other.removeAttribute("aria-current");
  link.setAttribute("aria-current", "true");
  const address = new URL(location.href);
  if (state === "all") address.searchParams.delete("show"); else address.searchParams.set("show", state);
  history.replaceState(null, "", address);
  filter();
});
filter();

// 3 Keys.
function neighbour(key) {
  const rows = all(".mx tbody tr").map((row) => all(".cell", row)).filter((row) => row.length);
  if (!rows.length) return;
  const at = rows.findIndex((row) => row.includes(page.activeElement));
  const down = at < 0 ? 0 : Math.min(rows.length - 1, Math.max(0, at + (key === "j") - (key === "k")));
  const across = at < 0 ? 0 : rows[at].indexOf(page.activeElement) + (key === "l") - (key === "h");
  rows[down][Math.min(rows[down].length - 1, Math.max(0, across))].focus();
}
function line(key) {
  const lines = all("[data-line]");
  if (!lines.length) return;
  const at = lines.indexOf(page.activeElement);
  lines[Math.min(lines.length - 1, Math.max(0, at < 0 ? 0 : at + (key === "j") - (key === "k")))].focus();
}
page.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.matches("input, textarea, select")) { if (event.key === "Escape") event.target.blur(); return; }
  const keys = page.querySelector("#keys");
  if (event.key === "/" && box()) { event.preventDefault(); box().focus(); }
  else if (event.key === "?" && keys) keys.showModal();
  else if (event.key === "w") { const link = page.querySelector("a[data-key=w]"); if (link) link.click(); }
  else if (event.key === "m") { const link = page.querySelector("a[data-key=m]"); if (link) link.click(); }
  else if (event.key === "Escape") for (const open of all("details[open][data-act]")) open.open = false;
  else if ("hjkl".includes(event.key)) { if (page.querySelector(".mx")) neighbour(event.key); else line(event.key); }
});
// One panel at a time, and its first field has the cursor.
page.addEventListener("toggle", (event) => {
  const panel = event.target;
  if (!panel.matches("details[data-act]") || !panel.open) return;
  for (const other of all("details[open][data-act]")) if (other !== panel) other.open = false;
  const field = panel.querySelector("input:not([type=hidden]), textarea, button");
  if (field) field.focus();
}, true);
page.addEventListener("submit", (event) => {
  for (const button of all("button", event.target)) setTimeout(() => { button.disabled = true; }, 0);
});

// 4 Live: the server says that there is more to read; the page is read again, and what differs is put in place.
const sign = page.querySelector("#live");
const main = page.querySelector("main");
let reading = false, again = false;
function stale() {
  if (!sign || sign.classList.contains("stale")) return;
  sign.classList.add("stale");
  sign.querySelector(".word").textContent = "stale since";
}
function isBusy(region) {
  const active = page.activeElement;
  const types = active && region.contains(active) && active.matches("input, textarea, select, form *");
  return types || region.querySelector("details[open][data-act]");
}
function replace(old, fresh) {
  const open = new Set(all("details[open][id]", old).map((one) => one.id));
  const focus = page.activeElement && old.contains(page.activeElement) ? page.activeElement.id || page.activeElement.getAttribute("href") : null;
  old.replaceChildren(...[...fresh.childNodes].map((node) => page.importNode(node, true)));
  for (const name of ["class", "hidden"]) {
    if (fresh.hasAttribute(name)) old.setAttribute(name, fresh.getAttribute(name)); else old.removeAttribute(name);
  }
  for (const one of all("details[id]", old)) if (open.has(one.id)) one.open = true;
  times(old);
  if (focus) {
    const found = all("a, button, summary, input", old).find((one) => one.id === focus || one.getAttribute("href") === focus);
    if (found) found.focus({ preventScroll: true });
  }
}
// Somebody is writing a word about a plan that has changed meanwhile: it is not theirs to send any more.
function warn(region, next) {
  for (const form of all("form", region)) {
    const old = form.querySelector("input[name=plan]"), seen = form.querySelector("input[name=seen]");
    const path = new URL(form.action).pathname;
    const fresh = all("form", next).find((one) => one.getAttribute("action") === path);
    const same = (field, name) => !field || (fresh && fresh.querySelector("input[name=" + name + "]").value === field.value);
    if (same(old, "plan") && same(seen, "seen")) continue;
    for (const button of all("button", form)) button.disabled = true;
    if (form.querySelector(".stale")) continue;
    const note = page.createElement("p");
    note.className = "stale";
    note.textContent = "It has changed while you looked. Close this, read what changed, then decide.";
    form.append(note);
  }
}
async function read() {
  if (reading) { again = true; return; }
  reading = true;
  try {
    const answer = await fetch(location.href, { headers: { accept: "text/html" }, redirect: "error" });
    if (!answer.ok) throw new Error(String(answer.status));
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const region of all("[data-live]")) {
      const next = fresh.getElementById(region.id);
      if (next && isBusy(region)) warn(region, next);
      else if (next && next.outerHTML !== region.dataset.was) {
        replace(region, next);
        region.dataset.was = next.outerHTML;
      }
    }
    const at = fresh.getElementById("made");
    if (at && made) { made.dateTime = at.dateTime; made.textContent = clock(Date.parse(at.dateTime), true); }
    if (sign) { sign.classList.remove("stale"); sign.querySelector(".word").textContent = "live"; }
    filter();
  } catch (_) { stale(); }
  reading = false;
  if (again) { again = false; setTimeout(read, 500); }
}
let stream = null;
function follow() {
  if (stream || page.hidden || !main || !main.dataset.news) return;
  stream = new EventSource(main.dataset.news);
  stream.addEventListener("news", read);
  stream.addEventListener("tick", () => { if (page.querySelector("[data-moves]")) read(); });
  stream.addEventListener("error", stale);
  stream.addEventListener("open", () => { if (sign && sign.classList.contains("stale")) read(); });
}
// A page that nobody looks at holds no connection: browsers allow six of them.
page.addEventListener("visibilitychange", () => {
  if (page.hidden && stream) { stream.close(); stream = null; }
  else if (!page.hidden) { follow(); read(); }
});
if (main && main.dataset.news) follow();
