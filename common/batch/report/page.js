"use strict";
// Tables that can be searched, sorted and turned over. Without this script they are whole.
const LENGTH = 25;

function made(name, text) {
  const element = document.createElement(name);
  if (text !== undefined) element.textContent = text;
  return element;
}

function value(row, column) {
  const text = row.cells[column].textContent.trim();
  const number = Number(text.replaceAll(",", "").replace("\u2212", "-"));
  return { text, number: text === "" || Number.isNaN(number) ? null : number };
}

function compare(one, other, column, sign) {
  const [a, b] = [value(one, column), value(other, column)];
  const missing = (a.text === "N/A") - (b.text === "N/A");
  if (missing) return missing; // what was not measured comes last, either way
  if (a.number !== null && b.number !== null) return sign * (a.number - b.number);
  return sign * a.text.localeCompare(b.text, "en", { numeric: true });
}

function equip(table) {
  const body = table.tBodies[0], all = Array.from(body.rows);
  const search = made("input"), back = made("button", "back"), on = made("button", "next"), said = made("span");
  let rows = all, shown = all, page = 0;

  function show() {
    const pages = Math.max(Math.ceil(shown.length / LENGTH), 1);
    page = Math.min(Math.max(page, 0), pages - 1);
    body.replaceChildren(...shown.slice(page * LENGTH, (page + 1) * LENGTH));
    back.hidden = on.hidden = pages === 1;
    back.disabled = page === 0;
    on.disabled = page === pages - 1;
    const found = shown.length < all.length ? `${shown.length} of ${all.length}` : `${all.length}`;
    said.textContent = `${found} ${table.dataset.label}` + (pages > 1 ? `, page ${page + 1} of ${pages}` : "");
  }

  function find() {
    const wanted = search.value.toLowerCase();
    shown = rows.filter((row) => row.textContent.toLowerCase().includes(wanted));
    page = 0;
    show();
  }

  Array.from(table.tHead.rows[0].cells).forEach((head, column, heads) => {
    const button = made("button", head.textContent);
    button.type = "button";
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      heads.forEach((each) => each.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      rows = rows.slice().sort((one, other) => compare(one, other, column, down ? -1 : 1));
      find();
    });
    head.replaceChildren(button);
  });
  search.type = "search";
  search.placeholder = `search ${table.dataset.label}`;
  search.setAttribute("aria-label", search.placeholder);
  search.addEventListener("input", find);
  for (const [button, step] of [[back, -1], [on, 1]]) {
    button.type = "button";
    button.addEventListener("click", () => { page += step; show(); });
  }
  const tools = made("div");
  tools.className = "tools";
  tools.append(search, back, on, said);
  table.parentElement.before(tools);
  show();
}

document.querySelectorAll("table.paged").forEach(equip);
