/* Search over questions, sentences and evidence, in both languages, as one types */

const MOST = 50;  // claims that are listed

let searched;

function plain(markup) {
  const entities = {amp: "&", lt: "<", gt: ">", "#34": '"', "#39": "'"};
  return markup.replace(/<[^>]*>/g, " ").replace(/&(#?\w+);/g, (whole, name) => entities[name] ?? whole);
}

function evidenceOf(claim) {
  const hidden = $(":scope > noscript", claim);
  const markup = hidden ? hidden.textContent : $(".body", claim).outerHTML;
  const found = /<div class="evidence"[^]*?(?=<h5>)/.exec(markup);
  return found ? plain(found[0].replace(/<svg[^]*?<\/svg>/g, "")) : "";
}

function index() {
  return claims.map(claim => {
    const question = claim.closest(".question");
    const parts = [$("h4", question).textContent, $(".sentence", claim).textContent, claim.id, evidenceOf(claim)];
    return parts.join("\n").toLowerCase();
  });
}

function search(wanted) {
  const words = wanted.toLowerCase().split(/\s+/).filter(Boolean), field = $("#search");
  if (field.value !== wanted) field.value = wanted;
  if (wanted !== (state.search ?? "")) remember({search: wanted});
  $("#found").hidden = !words.length;
  document.body.classList.toggle("searching", words.length > 0);
  if (!words.length) return;
  searched ??= index();
  const found = [...claims.keys()].filter(claim => words.every(word => searched[claim].includes(word)));
  const inSentence = claim => words.every(word => $(".sentence", claims[claim]).textContent.toLowerCase().includes(word));
  const first = found.filter(inSentence), listed = [...first, ...found.filter(claim => !first.includes(claim))].slice(0, MOST);
  $("#hits").textContent = found.length;
  $("#results").replaceChildren(...listed.map(claim => {
    const question = element("span", {className: "quiet"});
    question.append(...$("h4", claims[claim].closest(".question")).cloneNode(true).childNodes);
    return element("li", {}, pill(letterOf(claim, subject)), element("div", {}, link(claim), question));
  }));
}
