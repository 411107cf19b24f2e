/* The matrix: claims by columns. Of its rows only those in sight are in the page, so that fifty thousand cells stay quick. */

const ROW = 26, FREE = 240, LEAST = 288;  // pixels, as the style sheet has them: a row's, what is free beside the matrix, the matrix's at least
const FILTERS = ["question", "verdict", "generation", "backend"];
const matrix = {rows: [], columns: [], at: [0, 0], top: 0, end: 0};

function prepareMatrix() {
  const choices = {
    question: all("details.question").map(question => option(question.id, ...all("h4 > span", question).map(one => one.textContent))),
    verdict: [...["h", "n", "v", "o", "e"].map(letter => option(letter, WORDS[letter])), option("drift", "drift"), option("unlike", "not the same everywhere")],
    generation: [...new Set(columns.map(column => column.generation))].map(name => option(name, name)),
    backend: [...new Set(columns.map(column => column.backend))].map(name => option(name, name)),
  };
  for (const name of FILTERS) {
    const select = $("#only-" + name);
    select.replaceChildren(option("", "all"), ...choices[name]);
    select.value = state[name] ?? "";
    select.addEventListener("change", () => { remember({[name]: select.value}); drawMatrix(); });
  }
  const scroller = $("#scroller");
  scroller.addEventListener("scroll", drawRows, {passive: true});
  addEventListener("resize", () => document.body.dataset.view === "matrix" && drawRows());
  scroller.addEventListener("keydown", move);
  scroller.addEventListener("focusin", event => event.target.dataset.at && describe(event.target.dataset.at.split(",").map(Number)));
  scroller.addEventListener("mouseover", event => event.target.dataset.at && describe(event.target.dataset.at.split(",").map(Number)));
  scroller.addEventListener("click", event => event.target.dataset.at && go(event.target));
  for (const [name, column] of [["from", Math.max(0, columns.findIndex(one => one.generation === "tf.keras" && one.version.startsWith("2.15")))], ["to", data.newest]]) {
    const select = $("#" + name);
    select.replaceChildren(...columns.map(one => element("option", {value: one.key, textContent: one.label})));
    select.value = keyed(state[name]) >= 0 ? state[name] : columns[column].key;
    select.addEventListener("change", () => { remember({[name]: select.value}); compare(); });
  }
}

function matches(claim) {
  const letters = matrix.columns.map(column => data.found[claim][column]), verdict = state.verdict;
  if (state.question && !claims[claim].id.startsWith(state.question + "/")) return false;
  if (verdict === "drift") return letters.some(letter => /[A-Z]/.test(letter));
  if (verdict === "unlike") return new Set(letters.map(letter => letter.toLowerCase()).filter(letter => !"-o".includes(letter))).size > 1;
  return !verdict || letters.some(letter => letter.toLowerCase() === verdict);
}

function drawMatrix() {
  const fits = column => (!state.generation || column.generation === state.generation) && (!state.backend || column.backend === state.backend);
  matrix.columns = [...columns.keys()].filter(column => fits(columns[column]));
  matrix.rows = [...claims.keys()].filter(matches);
  matrix.at = [0, 0];
  $("#shown").replaceChildren(`${matrix.rows.length} `, ...both("claims"), ` × ${matrix.columns.length} `, ...both("columns"));
  const body = element("tbody");
  const table = element("table", {}, element("thead", {}, familyRow(), versionRow()), body);
  table.setAttribute("role", "grid");
  table.setAttribute("aria-label", text("Claims by columns"));
  table.setAttribute("aria-rowcount", matrix.rows.length + 2);
  $("#scroller").scrollTop = 0;
  $("#scroller").replaceChildren(table);
  fillRows(0);
}

function heading(content, scope) {
  const made = element("th", {scope}, content);
  return made;
}

function familyRow() {
  const families = Map.groupBy(matrix.columns, column => columns[column].family);
  const corner = heading(element("span", {}, ...both("Claim")), "col");
  corner.rowSpan = 2;
  return element("tr", {}, corner, ...[...families].map(([family, members]) => {
    const made = heading(element("span", {textContent: family.replace(" on ", " · ")}), "colgroup");
    made.colSpan = members.length;
    return made;
  }));
}

function versionRow() {
  return element("tr", {}, ...matrix.columns.map(column => {
    const made = heading(element("span", {textContent: columns[column].version}), "col");
    made.title = columns[column].name;
    made.className = (edge(column) ? "edge" : "") + (column === subject ? " mine" : "");
    return made;
  }));
}

const edge = column => columns[column].family !== columns[matrix.columns[matrix.columns.indexOf(column) - 1]]?.family;

function drawRows() {
  const scroller = $("#scroller"), first = Math.floor(scroller.scrollTop / ROW), last = first + Math.ceil((scroller.clientHeight - $("thead", scroller).offsetHeight) / ROW);
  if (first < matrix.top || Math.min(last, matrix.rows.length) > matrix.end) fillRows(first);
}

/* As many rows as have room, and under the headings a few more; measuring what is in sight would lay out the page twice. */
function fillRows(first) {
  const seen = Math.ceil(Math.max(innerHeight - FREE, LEAST) / ROW), top = Math.max(0, Math.min(first - 1, matrix.rows.length - seen));
  Object.assign(matrix, {top, end: Math.min(top + seen, matrix.rows.length)});
  const rows = matrix.rows.slice(top, top + seen), held = document.activeElement?.dataset?.at;
  const space = height => {
    const made = element("tr", {className: "space", ariaHidden: "true"}, element("td", {colSpan: matrix.columns.length + 1}));
    made.firstChild.style.height = `${height}px`;
    return made;
  };
  const above = top * ROW, below = (matrix.rows.length - top - rows.length) * ROW;
  $("#scroller tbody").replaceChildren(
    ...(above ? [space(above)] : []), ...rows.map((claim, n) => row(claim, top + n)), ...(below > 0 ? [space(below)] : []));
  if (held) at(held.split(",").map(Number))?.focus({preventScroll: true});
}

function row(claim, n) {
  const made = element("tr", {}, heading(link(claim), "row"));
  made.setAttribute("aria-rowindex", n + 3);
  matrix.columns.forEach((column, m) => {
    const letter = letterOf(claim, column);
    const cell = element("td", {className: letter + (edge(column) ? " edge" : "") + (drifted(claim, column) ? " drift" : ""), textContent: SIGNS[letter]});
    cell.dataset.at = `${n},${m}`;
    cell.tabIndex = n === matrix.at[0] && m === matrix.at[1] ? 0 : -1;
    cell.setAttribute("aria-label", `${text(WORDS[letter])}, ${columns[column].label}`);
    made.append(cell);
  });
  return made;
}

const at = ([n, m]) => $(`#scroller [data-at="${n},${m}"]`);

function describe([n, m]) {
  const claim = matrix.rows[n], column = matrix.columns[m];
  const recorded = drifted(claim, column) ? [" ", element("b", {className: "mark"}, ...both("drift"))] : [];
  $("#cell").replaceChildren(pill(letterOf(claim, column)), ...recorded, ` ${columns[column].label}: `, link(claim));
}

const STEPS = {ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1], PageUp: [-15, 0], PageDown: [15, 0], Home: [0, -1000], End: [0, 1000]};

function move(event) {
  const place = event.target.dataset.at;
  if (!place) return;
  if (event.key === "Enter") go(event.target);
  if (!STEPS[event.key]) return;
  event.preventDefault();
  const [n, m] = place.split(",").map(Number), [down, right] = STEPS[event.key];
  const within = (value, length) => Math.max(0, Math.min(value, length - 1));
  matrix.at = [within(n + down, matrix.rows.length), within(m + right, matrix.columns.length)];
  const scroller = $("#scroller"), head = $("thead", scroller).offsetHeight, y = matrix.at[0] * ROW;
  if (y < scroller.scrollTop) scroller.scrollTop = y;
  if (y + ROW > scroller.scrollTop + scroller.clientHeight - head) scroller.scrollTop = y + ROW + head - scroller.clientHeight;
  drawRows();
  event.target.tabIndex = -1;
  const cell = at(matrix.at);
  cell.tabIndex = 0;
  cell.focus({preventScroll: true});
  cell.scrollIntoView({inline: "nearest", block: "nearest"});
}

function go(cell) {
  location.hash = claims[matrix.rows[Number(cell.dataset.at.split(",")[0])]].id;
}

/* Two columns side by side: what is different alone */

function compare() {
  const [from, to] = ["from", "to"].map(name => keyed($("#" + name).value));
  const unlike = [...claims.keys()].filter(claim => letterOf(claim, from) !== letterOf(claim, to));
  $("#differing").replaceChildren(`${unlike.length} / ${claims.length} `, ...both("claims differ"));
  const questions = Map.groupBy(unlike, claim => claims[claim].closest(".question"));
  $("#differences").replaceChildren(...[...questions].map(([question, list]) => {
    const title = element("h3");
    title.append(...$("h4", question).cloneNode(true).childNodes);
    return element("section", {}, title, element("ul", {className: "pairs"}, ...list.map(claim => element("li", {},
      element("span", {className: "pair"}, pill(letterOf(claim, from)), element("span", {ariaHidden: "true", textContent: "→"}), pill(letterOf(claim, to))),
      link(claim)))));
  }));
}

start();
