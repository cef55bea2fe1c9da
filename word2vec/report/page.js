"use strict";

const ANSWERS = 10;
const COMPLETIONS = 12;
const SPELLINGS = 5;
const FOUND_SCALE = 5; // zoom on a word that was found

const byId = (id) => document.getElementById(id);

/** Creates a button that looks up a word. */
function wordButton(word, lookUp) {
  const button = document.createElement("button");
  Object.assign(button, { type: "button", className: "word", textContent: word });
  button.addEventListener("click", () => lookUp(word));
  return button;
}

/** Creates a list item for a result: the word and its cosine, as a bar and as a number. */
function answerItem({ word, cosine }, lookUp) {
  const bar = document.createElement("span");
  bar.className = "cosine-bar";
  bar.style.width = `${Math.max(0, 100 * cosine)}%`;
  const track = document.createElement("span");
  track.className = "cosine-track";
  track.setAttribute("aria-hidden", "true");
  track.append(bar);
  const number = document.createElement("span");
  number.className = "cosine";
  number.textContent = cosine.toFixed(3);
  const item = document.createElement("li");
  item.append(wordButton(word, lookUp), track, number);
  return item;
}

/** Offers completions of the last word of an input. */
function complete(input, list, words) {
  const before = input.value.replace(/\S*$/, "");
  const options = completions(words, input.value.slice(before.length), COMPLETIONS).map((word) => {
    const option = document.createElement("option");
    option.value = before + word;
    return option;
  });
  list.replaceChildren(...options);
}

/** Sets up the search box for nearest words; returns a function that looks up a word. */
function setUpSearch(vectors, map) {
  const input = byId("query");
  const lookUp = (word) => {
    input.value = word;
    answer();
  };
  const answer = () => {
    const { plus, minus } = parseQuery(input.value, vectors.index);
    const queried = [...plus, ...minus];
    const unknown = queried.find((word) => !vectors.index.has(word));
    const answers = !queried.length || unknown ? [] : vectors.nearest(plus, minus, ANSWERS);
    byId("answers").replaceChildren(...answers.map((each) => answerItem(each, lookUp)));
    const spellings = unknown ? vectors.spellings(unknown, SPELLINGS) : [];
    byId("spellings").replaceChildren(...spellings.map((word) => wordButton(word, () => {
      lookUp(input.value.split(/(\s+)/).map((token) => (token === unknown ? word : token)).join(""));
    })));
    byId("query-status").textContent = statusOf(input.value.trim(), unknown, spellings, answers);
    map.mark(unknown ? [] : [...queried, ...answers.map(({ word }) => word)]);
  };
  input.addEventListener("input", () => {
    complete(input, byId("query-words"), vectors.words);
    answer();
  });
  for (const button of document.querySelectorAll("[data-query]")) {
    button.addEventListener("click", () => lookUp(button.textContent));
  }
  return lookUp;
}

function statusOf(queried, unknown, spellings, answers) {
  if (!queried) return "Type a word to see its nearest words.";
  if (unknown) return `“${unknown}” is not in the vocabulary of this page.${spellings.length ? " Did you mean:" : ""}`;
  return answers.length ? `Nearest to ${queried}:` : "There are no other words.";
}

/** Sets up the box that finds words on the map: marks all words with the typed prefix; Enter zooms in. */
function setUpFind(map) {
  const input = byId("find");
  const find = () => {
    const text = input.value.trim();
    const { words } = map.data;
    const found = map.index.has(text) ? [text] : completions(words, text, words.length);
    const rows = new Set(found.map((word) => map.index.get(word)));
    pressCluster(null);
    map.mark(found);
    map.highlight(rows.size ? (row) => rows.has(row) : null);
    byId("find-status").textContent = describeFound(text, found);
    return found;
  };
  const zoomIn = () => {
    const [first] = find();
    if (first === undefined) return;
    map.highlight(null); // a zoom is meant to show the neighborhood
    map.zoomToWord(first, FOUND_SCALE);
  };
  const reset = () => {
    input.value = "";
    find();
    map.reset();
  };
  input.addEventListener("input", () => {
    complete(input, byId("find-words"), map.data.words);
    find();
  });
  input.addEventListener("keydown", ({ key }) => {
    if (key === "Enter") zoomIn();
    if (key === "Escape") reset();
  });
}

function describeFound(text, found) {
  if (!text) return "";
  if (!found.length) return `No word on the map starts with “${text}”.`;
  if (found.length === 1) return `${found[0]} is marked; press Enter to zoom in, Escape to go back.`;
  return `${found.length} words start with “${text}”; press Enter to zoom in on ${found[0]}.`;
}

function setUpMapButtons(map) {
  byId("zoom-in").addEventListener("click", () => map.zoom(STEP));
  byId("zoom-out").addEventListener("click", () => map.zoom(1 / STEP));
  byId("zoom-all").addEventListener("click", () => map.reset());
  for (const button of clusterButtons()) {
    button.addEventListener("click", () => {
      const select = button.getAttribute("aria-pressed") === "false";
      const cluster = Number(button.dataset.cluster);
      pressCluster(select ? button : null);
      byId("find").value = byId("find-status").textContent = "";
      map.highlight(select ? (row) => map.data.clusters[row] === cluster : null);
    });
  }
}

function clusterButtons() {
  return byId("clusters").querySelectorAll("button");
}

/** Shows one cluster button as pressed, or none. */
function pressCluster(pressed) {
  for (const button of clusterButtons()) button.setAttribute("aria-pressed", String(button === pressed));
}

/** Adds the training charts to the page; returns a function that redraws them. */
function setUpCharts(history) {
  if (!history) return () => {};
  const charts = trainingCharts(history).map(({ title, description, draw }) => {
    const heading = document.createElement("figcaption");
    heading.textContent = title;
    const element = document.createElement("div");
    element.className = "plot";
    element.setAttribute("role", "img");
    element.setAttribute("aria-label", description);
    const figure = document.createElement("figure");
    figure.append(heading, element);
    byId("charts").append(figure);
    return () => draw(element);
  });
  const drawAll = () => charts.forEach((drawChart) => drawChart());
  drawAll();
  return drawAll;
}

function main() {
  const data = JSON.parse(byId("data").textContent);
  const drawCharts = setUpCharts(data.history);
  let lookUp = () => {};
  const map = new WordMap(byId("map"), data.map, (word) => lookUp(word));
  lookUp = setUpSearch(new EmbeddedVectors(data.embedded), map);
  setUpFind(map);
  setUpMapButtons(map);
  lookUp(document.querySelector("[data-query]").textContent);
  // plots take their colors from the style sheet, which differ in dark mode and in print
  for (const query of ["(prefers-color-scheme: dark)", "print"]) {
    matchMedia(query).addEventListener("change", () => {
      drawCharts();
      map.draw();
    });
  }
}

main();
