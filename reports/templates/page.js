"use strict";
// Without this script the page has every answer, for the newest Keras. With it, for the reader's own; and search, matrix and
// comparison. All that is to be remembered stands in the address: ?on= &language= &theme= &search= …, and #question/claim.

const $ = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const data = JSON.parse($("#data").textContent);
const claims = all("details.claim");
const columns = data.columns.map(([name, distribution, version, backend, generation, family]) => (
  {name, distribution, version, backend, generation, family}));
const SIGNS = {h: "✔", n: "✘", v: "≈", o: "○", e: "!", x: "–"};
const WORDS = {h: "holds", n: "does not hold", v: "varies", o: "not checked", e: "error", x: "not run"};

/* The address */

const state = Object.fromEntries(new URLSearchParams(location.search));

function remember(changes) {
  Object.assign(state, changes);
  const kept = Object.entries(state).filter(([, value]) => value);
  const query = new URLSearchParams(kept).toString();
  history.replaceState(null, "", `${location.pathname}${query && "?" + query}${location.hash}`);
}

/* Making elements: whatever a results file says becomes text, never markup */

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

function both(english) {
  return [element("span", {textContent: english}), element("span", {lang: "zh", textContent: data.chinese[english]})];
}

const inChinese = () => document.documentElement.lang !== "en";
const text = english => inChinese() ? data.chinese[english] : english;

const letterOf = (claim, column) => {
  const letter = data.found[claim][column].toLowerCase();
  return letter === "-" ? "x" : letter;
};
const drifted = (claim, column) => /[A-Z]/.test(data.found[claim][column]);

function pill(letter, count = "") {
  return element("b", {className: `pill ${letter}`}, `${SIGNS[letter]} ${count} `, ...both(WORDS[letter]));
}

const wording = claim => $(".sentence", claims[claim]).cloneNode(true).childNodes;
const link = claim => element("a", {href: "#" + claims[claim].id}, ...wording(claim));

/* Languages and themes */

function speak(language) {
  document.documentElement.lang = language === "zh" ? "zh-Hans" : "en";
  $(language === "zh" ? "#chinese" : "#english").checked = true;
  for (const one of all("[data-chinese]")) {
    const part = "placeholder" in one ? "placeholder" : one.ariaLabel ? "ariaLabel" : "textContent";
    one.dataset.english ??= one[part];
    one[part] = one.dataset[language === "zh" ? "chinese" : "english"];
  }
}

function option(value, english, chinese = data.chinese[english]) {
  const made = element("option", {value, textContent: inChinese() && chinese ? chinese : english});
  if (chinese) Object.assign(made.dataset, {english, chinese});
  return made;
}

/* My Keras is … */

columns.forEach((column, n) => {
  const like = other => ["distribution", "version", "backend"].every(key => other[key] === column[key]);
  const twin = columns.filter(like).indexOf(column);
  column.label = `${column.distribution} ${column.version}` + (column.distribution === "tf.keras" ? "" : ` · ${column.backend}`);
  if (twin > 0) column.label += ` · ${column.name.split(", ").slice(1).join(", ")}`;
  column.key = [column.distribution, column.version, column.backend, ...(twin > 0 ? [twin + 1] : [])].join("-");
  column.engine = column.backend + (twin > 0 ? `, ${column.name.split(", ").slice(1).join(", ")}` : "");
});
const keyed = key => columns.findIndex(column => column.key === key);
let subject = data.newest;

function fill(select, values, chosen) {
  select.replaceChildren(...values.map(value => element("option", {value, textContent: value, selected: value === chosen})));
}

function offer() {
  const mine = columns[subject], distinct = list => [...new Set(list)];
  const same = columns.filter(column => column.distribution === mine.distribution);
  fill($("#distribution"), distinct(columns.map(column => column.distribution)).sort(), mine.distribution);
  fill($("#version"), distinct(same.map(column => column.version)).sort(newestFirst), mine.version);
  fill($("#backend"), same.filter(column => column.version === mine.version).map(column => column.engine), mine.engine);
}

function newestFirst(one, other) {
  return other.localeCompare(one, "en", {numeric: true});
}

function choose(changed) {
  const wanted = {distribution: $("#distribution").value, version: $("#version").value, engine: $("#backend").value};
  const keys = {distribution: ["distribution"], version: ["distribution", "version"], backend: ["distribution", "version", "engine"]};
  const fitting = columns.filter(column => keys[changed].every(key => column[key] === wanted[key]));
  const score = column => ["version", "engine"].filter(key => column[key] === wanted[key]).length;
  fitting.sort((one, other) => score(other) - score(one) || newestFirst(one.version, other.version));
  answer(columns.indexOf(fitting[0]));
  remember({on: subject === data.newest ? "" : columns[subject].key});
}

/* What is true there */

function instead(claim, column) {
  if (!"nv".includes(letterOf(claim, column))) return undefined;
  const others = data.instead[claim] ?? [];
  return others.find(other => letterOf(other, column) === "h") ?? others[0];
}

function tell(claim, before) {
  const shown = claims[claim], letter = letterOf(claim, subject), other = instead(claim, subject);
  if (letter === letterOf(claim, before) && other === instead(claim, before)) return;
  $("summary > .pill", shown).replaceWith(pill(letter));
  $("summary .instead", shown)?.remove();
  if (other !== undefined) {
    $("summary .said", shown).append(element("span", {className: "instead"}, ...both("Instead:"), " ", ...wording(other)));
  }
}

function countsOf(list) {
  const counts = {};
  for (const claim of list) counts[letterOf(claim, subject)] = (counts[letterOf(claim, subject)] ?? 0) + 1;
  return Object.keys(WORDS).filter(letter => counts[letter]).map(letter => [letter, counts[letter]]);
}

function shortAnswer(rows) {
  const chosen = new Set();
  for (const row of rows) {
    const claim = row.find(one => letterOf(one, subject) === "h" && !chosen.has(one));
    if (claim !== undefined && chosen.size < 4) chosen.add(claim);
  }
  return [...chosen];
}

const numbered = new Map(claims.map((claim, n) => [claim.id, n]));

function answer(column) {
  const before = subject;
  subject = column;
  offer();
  claims.forEach((_, claim) => tell(claim, before));
  $("#counts").replaceChildren(...countsOf(claims.keys()).map(([letter, count]) => pill(letter, count)));
  for (const question of all("details.question")) {
    const own = all("details.claim", question).map(claim => numbered.get(claim.id));
    $(".counts", question).replaceChildren(...countsOf(own).map(([letter, count]) => {
      const made = element("b", {className: `pill ${letter}`}, `${SIGNS[letter]} ${count}`);
      made.append(element("span", {className: "unseen"}, " ", ...both(WORDS[letter])));
      return made;
    }));
  }
  for (const topic of all("[data-topic]")) {
    const sentences = shortAnswer(data.answers[topic.dataset.topic] ?? []);
    $(".short", topic).replaceChildren(...sentences.map(claim => element("li", {}, link(claim))));
    for (const one of all(".example-link", topic)) {
      one.classList.toggle("off", letterOf(numbered.get($("a", one).hash.slice(1)), subject) !== "h");
    }
  }
}

/* A claim that is opened */

function unfold(shown) {
  const hidden = $(":scope > noscript", shown);
  if (!hidden) return;
  // The page's own markup, written when it was built, in which all that results files say is escaped.
  hidden.outerHTML = hidden.textContent;
  const body = $(".body", shown), claim = numbered.get(shown.id), where = $(".found", body);
  for (const word of all("i:not(pre i)", body)) word.replaceWith(...both(word.textContent));
  for (const row of all("a[href^='#row-']", body)) row.after(" ", $(row.hash.replaceAll(".", "\\.") + " > span:last-of-type").cloneNode(true));
  for (const other of all("a:empty", body)) other.replaceWith(link(numbered.get(other.hash.slice(1))));
  for (const wide of all("pre", body)) wide.tabIndex = 0;
  body.lastElementChild.append(" · ", element("a", {href: "#" + shown.id}, ...both("permanent link")));
  if (where) where.after(bar(claim));
  const example = $(".example", body);
  if (example) example.before(copier(claim));
}

function bar(claim) {
  const families = Map.groupBy(columns.keys(), column => columns[column].family);
  const row = ([family, members]) => element("li", {}, element("span", {className: "family"}, family.replace(" on ", " · ")),
    element("ol", {}, ...members.map(column => cellOf(claim, column))));
  return element("ul", {className: "bars"}, ...[...families].map(row));
}

function cellOf(claim, column) {
  const letter = letterOf(claim, column);
  const made = element("li", {className: letter + (drifted(claim, column) ? " drift" : "") + (column === subject ? " mine" : "")});
  const word = element("span", {className: "unseen"}, ...both(WORDS[letter]));
  made.append(element("span", {}, SIGNS[letter], word), element("small", {textContent: columns[column].version}));
  return made;
}

const IMPORTS = {"tf.keras": "from tensorflow import keras", tf_keras: "import tf_keras as keras", keras: "import keras"};

function program(claim) {
  unfold(claims[claim]);
  const source = $(".example", claims[claim]).textContent, name = /def (test_\w+)\(keras\)/.exec(source)?.[1];
  return source + (name ? `\n\n\n${IMPORTS[columns[subject].distribution] ?? IMPORTS.keras}\n\n${name}(keras)\n` : "\n");
}

function copier(claim) {
  const button = element("button", {type: "button", className: "copy"}, ...both("Copy the example"));
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(program(claim));
    button.replaceChildren(...both("Copied"));
  });
  return button;
}

/* Permanent links, and what the address shows */

function show() {
  const name = decodeURIComponent(location.hash.slice(1)), view = ["matrix", "compare"].includes(name) ? name : "answers";
  document.body.dataset.view = view;
  if (view === "matrix") drawMatrix();
  if (view === "compare") compare();
  const target = view === "answers" && name ? document.getElementById(name) : null;
  for (let one = target; one; one = one.parentElement) if (one.localName === "details") one.open = true;
  if (target?.matches(".claim")) unfold(target);
  if (target) requestAnimationFrame(() => target.scrollIntoView());
  else scrollTo(0, 0);
}

function start() {
  addEventListener("toggle", event => event.target.matches?.(".claim[open]") && unfold(event.target), true);
  addEventListener("hashchange", show);
  // A link to where the page is already does not change the address.
  addEventListener("click", event => {
    const followed = event.target.closest?.("a");
    if (followed?.hash) { search(""); if (followed.hash === location.hash) show(); }
  });
  addEventListener("change", event => {
    const {name, id, value} = event.target;
    if (name === "language") { speak(value); remember({language: value}); if (state.search) search(state.search); show(); }
    if (name === "theme") remember({theme: value === "auto" ? "" : value});
    if (["distribution", "version", "backend"].includes(id)) choose(id);
  });
  addEventListener("submit", event => event.preventDefault());
  $("#search").addEventListener("input", event => search(event.target.value));
  const known = ["light", "dark"].includes(state.theme) ? state.theme : "auto";
  $("#" + known).checked = true;
  for (const example of all(".example-link")) {
    const claim = numbered.get($("a", example).hash.slice(1));
    if ($(":scope > noscript", claims[claim])?.textContent.includes('class="proof example"')) example.append(" ", copier(claim));
  }
  if (columns.length > 1) {
    const asked = keyed(state.on);
    if (asked >= 0 && asked !== data.newest) answer(asked);
    else offer();
    prepareMatrix();
  }
  speak(state.language ?? (navigator.language.startsWith("zh") ? "zh" : "en"));
  if (state.search) search(state.search);
  show();
}
