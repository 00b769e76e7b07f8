// Live: the server says that there is more to read; the page is read again, and what differs is put in place.
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
// One stream for all tabs of a project, because browsers allow six connections to one server. The tab that has the
// lock listens and tells the others; one that nobody looks at lets go of it. Where there are no locks (plain HTTP from
// another machine) each tab listens for itself.
const PACE = 500, MEASURED_EVERY = 5000, AGAIN = 3000;
const place = main && main.dataset.news;
const name = "towpath " + place;
const others = place && navigator.locks && "BroadcastChannel" in window ? new BroadcastChannel(name) : null;
let stream = null, queue = null, release = null, due = null, last = "", measured = 0;
// What was asked to be verified was, as of then: verifying it again costs the whole journal.
const still = new URLSearchParams(location.search).has("verify");
function soon() {
  if (due || still || page.hidden) return;
  due = setTimeout(() => { due = null; read(); }, PACE);
}
function hear(what) {
  if (what.last) last = what.last;
  if (what.is === "news") soon();
  else if (what.is === "measured") {
    if (!page.querySelector("[data-moves]") || Date.now() - measured < MEASURED_EVERY) return;
    measured = Date.now();
    soon();
  } else if (what.is === "lost") stale();
  // What happened between the making of the page and now was heard by nobody.
  else if (what.is === "open") soon();
}
function tell(is) {
  hear({ is });
  if (others) others.postMessage({ is, last });
}
function listen() {
  stream = new EventSource(place + (last ? "?after=" + last : ""));
  for (const kind of ["journal", "resync"]) {
    stream.addEventListener(kind, (event) => { last = event.lastEventId || last; tell("news"); });
  }
  stream.addEventListener("telemetry", () => tell("measured"));
  stream.addEventListener("open", () => tell("open"));
  stream.addEventListener("error", () => {
    tell("lost");
    // One that was refused does not come back by itself.
    if (stream && stream.readyState === EventSource.CLOSED) { stream = null; setTimeout(() => { if (holds()) listen(); }, AGAIN); }
  });
}
const holds = () => !stream && !page.hidden && (release || !others);
function follow() {
  if (!place || page.hidden || stream || queue || release) return;
  if (!others) { listen(); return; }
  queue = new AbortController();
  const held = () => new Promise((done) => { queue = null; release = done; listen(); });
  navigator.locks.request(name, { signal: queue.signal }, held).catch(() => {});
  others.postMessage({ is: "who" });
}
function leave() {
  if (queue) queue.abort();
  if (stream) stream.close();
  if (release) release();
  queue = stream = release = null;
}
if (others) others.addEventListener("message", ({ data }) => {
  if (data.is !== "who") hear(data);
  else if (stream) others.postMessage({ is: stream.readyState === EventSource.OPEN ? "open" : "lost", last });
});
// A page that nobody looks at holds no connection; nor does one that is left and may come back.
page.addEventListener("visibilitychange", () => {
  if (page.hidden) leave(); else { follow(); read(); }
});
addEventListener("pagehide", leave);
addEventListener("pageshow", (event) => { if (event.persisted) { follow(); read(); } });
follow();
