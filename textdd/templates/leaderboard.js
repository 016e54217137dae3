"use strict";
const body = document.querySelector("#board tbody");
const rows = [...body.rows];
const chosen = [...document.querySelectorAll("select")];

function show() {
  for (const row of rows)
    row.hidden = chosen.some((one) => one.value && row.dataset[one.name] !== one.value);
  document.getElementById("count").textContent = rows.filter((row) => !row.hidden).length;
}

function sort(heading) {
  const numeric = heading.classList.contains("number");
  // The first click shows the greatest number or the first word; the next one turns that round.
  const [first, second] = numeric ? ["descending", "ascending"] : ["ascending", "descending"];
  const order = heading.getAttribute("aria-sort") === first ? second : first;
  for (const other of heading.parentNode.cells) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", order);
  const sign = order === "ascending" ? 1 : -1;
  const value = (row) => row.cells[heading.cellIndex].dataset.value;
  rows.sort((a, b) => {
    const [x, y] = [value(a), value(b)];
    if (x === "" || y === "") return (x === "") - (y === "");  // what is not known comes last either way
    return sign * (numeric ? x - y : x.localeCompare(y));
  });
  body.append(...rows);
}

for (const one of chosen) one.addEventListener("change", show);
for (const button of document.querySelectorAll("#board th button"))
  button.addEventListener("click", () => sort(button.parentNode));
for (const link of document.querySelectorAll("#board td a"))
  link.addEventListener("click", () => { document.querySelector(link.hash).open = true; });
show();
