// Makes pages live, filters and follows keys. Every page reads without it; it never writes HTML as text.
"use strict";
const page = document;
const all = (what, within = page) => [...within.querySelectorAll(what)];
const wanted = new URLSearchParams(location.search);
for (const theme of ["dark", "light"]) if (wanted.has(theme)) page.documentElement.dataset.theme = theme;
