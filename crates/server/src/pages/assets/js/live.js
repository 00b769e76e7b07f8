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
