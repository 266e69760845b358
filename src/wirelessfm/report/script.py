"""Script of the page, which is readable without: sorting, filters, and means and marks among the lines shown."""

from __future__ import annotations

from wirelessfm.report.markup import Html

SCRIPT = Html("""
"use strict";
const all = (selector, root) => Array.from((root || document).querySelectorAll(selector));
const field = name => document.getElementById("filter-" + name);
const chosen = name => { const select = field(name); return select ? select.value : ""; };
const value = cell => cell.dataset.value === undefined ? NaN : Number(cell.dataset.value);
const shownRows = table => all("tbody tr", table).filter(row => !row.hidden);
const mean = values => values.reduce((sum, v) => sum + v, 0) / values.length;

function sortBy(th, ascending) {
  const table = th.closest("table"), column = th.cellIndex, isText = th.dataset.better === "text";
  const key = row => row.cells[column].dataset.value;
  const rows = all("tbody tr", table).sort((a, b) => {
    const x = key(a), y = key(b), xMissing = !x || x === "nan", yMissing = !y || y === "nan";
    if (xMissing || yMissing) return xMissing - yMissing;
    const order = isText ? x.localeCompare(y) : Number(x) - Number(y);
    return ascending ? order : -order;
  });
  table.tBodies[0].append(...rows);
  all("thead th", table).forEach(other => other.removeAttribute("aria-sort"));
  th.setAttribute("aria-sort", ascending ? "ascending" : "descending");
}

for (const th of all("table.sortable thead th[data-better]")) {
  const button = document.createElement("button");
  button.type = "button";
  button.append(...th.childNodes);
  th.append(button);
  const bestFirst = th.dataset.better !== "high";
  button.addEventListener("click", () => {
    const current = th.getAttribute("aria-sort");
    sortBy(th, current ? current !== "ascending" : bestFirst);
  });
}

function matches(data) {
  const same = name => !(name in data) || chosen(name) === "" || data[name] === chosen(name);
  const budget = same("budget") || data.budget === "0";
  const head = same("head") || data.head === "none";
  const flagged = !(field("flagged") && field("flagged").checked && data.flagged === "yes");
  return same("task") && same("case") && budget && head && same("kind") && same("size") && flagged;
}

// The same definition as in the static table, among the rows shown.
function rankTasks(table) {
  const columns = all("th.task-column", table), rows = shownRows(table);
  const scores = row => columns.map(th => value(row.cells[th.cellIndex]));
  const competing = rows.filter(row => row.dataset.bound === "no");
  const count = row => scores(row).filter(Number.isFinite).length;
  let listed = [], most = -1;
  for (const least of Array.from(new Set(competing.map(count))).filter(n => n > 0).sort((a, b) => a - b)) {
    const some = competing.filter(row => count(row) >= least);
    const common = columns.filter((_, i) => some.every(row => Number.isFinite(scores(row)[i]))).length;
    if (some.length * common > most) [listed, most] = [some, some.length * common];
  }
  const standings = new Map(rows.map(row => [row, { ranks: [], points: [] }]));
  let shared = 0;
  for (const th of columns) {
    const sign = th.dataset.better === "low" ? -1 : 1, gain = row => sign * value(row.cells[th.cellIndex]);
    const tested = competing.filter(row => Number.isFinite(gain(row))), gains = tested.map(gain);
    const low = Math.min(...gains), span = Math.max(...gains) - low;
    const isShared = listed.length > 0 && listed.every(row => tested.includes(row));
    shared += isShared;
    th.classList.toggle("not-shared", !isShared);
    for (const row of rows) {
      const cell = row.cells[th.cellIndex], mark = cell.querySelector(".rank"), takesPart = tested.includes(row);
      const better = gains.filter(g => g > gain(row)).length, equal = gains.filter(g => g === gain(row)).length;
      const rank = better + (equal + 1) / 2;
      if (mark) mark.textContent = takesPart ? " (" + rank + ")" : "";
      cell.classList.toggle("best-overall", takesPart && better === 0);
      if (takesPart && isShared && listed.includes(row)) {
        standings.get(row).ranks.push(rank);
        standings.get(row).points.push(span > 0 ? (gain(row) - low) / span : 1);
      }
    }
  }
  for (const row of rows) {
    const { ranks, points } = standings.get(row), isRanked = ranks.length > 0;
    const write = (name, number, text) => {
      const cell = row.querySelector(name);
      cell.textContent = isRanked ? text : "–";
      if (isRanked) cell.dataset.value = number; else delete cell.dataset.value;
    };
    write(".mean-rank", mean(ranks), mean(ranks).toFixed(1));
    write(".mean-score", mean(points), (100 * mean(points)).toFixed(1));
    row.classList.toggle("unlisted", !listed.includes(row));
  }
  table.closest("details").querySelector(".shared").textContent = shared
    ? "Means over " + shared + " of " + columns.length + " tasks: those that all " + listed.length +
      " ranked systems share."
    : "No task is shared by all ranked systems: there is no mean. Filters can leave systems that share tasks.";
  sortBy(table.querySelector("thead th:nth-child(3)"), true);
  shownRows(table).forEach((row, i) => {
    const place = row.querySelector(".place");
    place.dataset.value = i + 1;
    place.textContent = standings.get(row).ranks.length ? i + 1 : "–";
  });
}

function markBest(table) {
  all(".best-overall, .best-learned", table).forEach(c => c.classList.remove("best-overall", "best-learned"));
  const heads = all("thead th[data-budget]", table), rows = shownRows(table).filter(r => r.dataset.bound === "no");
  const free = heads.find(th => th.dataset.budget === "0");
  for (const th of heads) {
    const sign = th.dataset.better === "low" ? 1 : -1;
    const cells = rows.map(row => row.cells[th.cellIndex]).filter(cell => Number.isFinite(value(cell)));
    cells.sort((a, b) => sign * (value(a) - value(b)));
    const learned = cells.find(cell => cell.parentNode.dataset.learned === "yes");
    if (learned && !learned.classList.contains("substitute")) learned.classList.add("best-learned");
    const best = cells[0];
    if (!best || (th === free && heads.length > 1)) continue;
    const isFree = best.classList.contains("substitute");
    (isFree ? best.parentNode.cells[free.cellIndex] : best).classList.add("best-overall");
  }
  const ordering = heads.find(th => th.dataset.budget === chosen("budget"));
  if (ordering) sortBy(ordering, ordering.dataset.better === "low");
  const place = row => row.querySelector(".place");
  const key = row => ordering ? value(row.cells[ordering.cellIndex]) : value(place(row));
  const ranked = shownRows(table).filter(row => rows.includes(row) && Number.isFinite(key(row)));
  if (!ordering) ranked.sort((a, b) => key(a) - key(b));
  rows.forEach(row => { place(row).textContent = "–"; });
  ranked.forEach((row, i) => { place(row).textContent = i + 1; });
}

function apply() {
  all("[data-task], [data-case], [data-budget], [data-kind]").forEach(e => { e.hidden = !matches(e.dataset); });
  all("table.leaderboard").forEach(rankTasks);
  all("table.ranking").forEach(markBest);
  all("details.board").forEach(board => { if (board.dataset.budget === chosen("budget")) board.open = true; });
  const names = rows => new Set(rows.map(row => row.querySelector("th").dataset.value)).size;
  const lines = all("table.ranking tbody tr");
  document.getElementById("shown").textContent =
    names(lines.filter(row => !row.hidden)) + " of " + names(lines) + " lines shown";
}

all("#controls select, #controls input").forEach(input => input.addEventListener("change", apply));
document.getElementById("controls").hidden = false;
""")
