// Times: local, with UTC on hover. A page says when it was made, so that a wrong clock here shows no wrong age.
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
