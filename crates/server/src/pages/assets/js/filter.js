// Filter: words and state together; what does not match fades, nothing moves.
const box = () => page.querySelector("#find");
let state = wanted.get("show") || "all";
function filter() {
  const field = box();
  if (!field) return;
  const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const cell of all("a.cell, tr[data-row][data-s]")) {
    const row = cell.closest("[data-row]");
    const text = ((row ? row.dataset.row : "") + " " + (cell.dataset.t || "") + " " + cell.textContent).toLowerCase();
    const is = state === "all" || (cell.dataset.s || "").split(" ").includes(state);
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
