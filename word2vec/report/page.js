"use strict";

const ANSWERS = 10;
const COMPLETIONS = 12;
const SPELLINGS = 5;
const FOUND_SCALE = 5; // how far the map zooms in on a word that was sought

const byId = (id) => document.getElementById(id);

/** A button that asks for a word. */
function wordButton(word, ask) {
  const button = document.createElement("button");
  Object.assign(button, { type: "button", className: "word", textContent: word });
  button.addEventListener("click", () => ask(word));
  return button;
}

/** One answer: the word, its cosine as a bar and as a number. */
function answerItem({ word, cosine }, ask) {
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
  item.append(wordButton(word, ask), track, number);
  return item;
}

/** Offers words that begin as the last word in an input does. */
function complete(input, list, words) {
  const before = input.value.replace(/\S*$/, "");
  const options = completions(words, input.value.slice(before.length), COMPLETIONS).map((word) => {
    const option = document.createElement("option");
    option.value = before + word;
    return option;
  });
  list.replaceChildren(...options);
}

/** The box for nearest words. */
function setUpAsking(vectors, map) {
  const input = byId("ask");
  const ask = (word) => {
    input.value = word;
    answer();
  };
  const answer = () => {
    const { plus, minus } = parseQuery(input.value, vectors.index);
    const asked = [...plus, ...minus];
    const unknown = asked.find((word) => !vectors.index.has(word));
    const answers = !asked.length || unknown ? [] : vectors.nearest(plus, minus, ANSWERS);
    byId("answers").replaceChildren(...answers.map((each) => answerItem(each, ask)));
    const spellings = unknown ? vectors.spellings(unknown, SPELLINGS) : [];
    byId("spellings").replaceChildren(...spellings.map((word) => wordButton(word, () => {
      ask(input.value.split(/(\s+)/).map((token) => (token === unknown ? word : token)).join(""));
    })));
    byId("ask-status").textContent = statusOf(input.value.trim(), unknown, spellings, answers);
    map.mark(unknown ? [] : [...asked, ...answers.map(({ word }) => word)]);
  };
  input.addEventListener("input", () => {
    complete(input, byId("ask-words"), vectors.words);
    answer();
  });
  for (const button of document.querySelectorAll("[data-ask]")) {
    button.addEventListener("click", () => ask(button.textContent));
  }
  return ask;
}

function statusOf(asked, unknown, spellings, answers) {
  if (!asked) return "Type a word to see the words that are used like it.";
  if (unknown) return `“${unknown}” is not among the words of this page.${spellings.length ? " Did you mean:" : ""}`;
  return answers.length ? `Nearest to ${asked}:` : "There is no other word.";
}

/** The box that finds words on the map: rings around all that begin as typed, and on Enter a closer look. */
function setUpFinding(map) {
  const input = byId("find");
  const find = () => {
    const text = input.value.trim();
    const { words } = map.data;
    const found = map.index.has(text) ? [text] : completions(words, text, words.length);
    const rows = new Set(found.map((word) => map.index.get(word)));
    pressGroup(null);
    map.mark(found);
    map.show(rows.size ? (row) => rows.has(row) : null);
    byId("find-status").textContent = foundInWords(text, found);
    return found;
  };
  const lookCloser = () => {
    const [first] = find();
    if (first === undefined) return;
    map.show(null); // what lies around it is what a closer look is for
    map.lookAt(first, FOUND_SCALE);
  };
  const goBack = () => {
    input.value = "";
    find();
    map.lookAtAll();
  };
  input.addEventListener("input", () => {
    complete(input, byId("find-words"), map.data.words);
    find();
  });
  input.addEventListener("keydown", ({ key }) => {
    if (key === "Enter") lookCloser();
    if (key === "Escape") goBack();
  });
}

function foundInWords(text, found) {
  if (!text) return "";
  if (!found.length) return `No word on the map begins with “${text}”.`;
  if (found.length === 1) return `${found[0]} is marked; Enter zooms in, Escape goes back.`;
  return `${found.length} words begin with “${text}”; Enter zooms in on ${found[0]}.`;
}

function setUpMapButtons(map) {
  byId("zoom-in").addEventListener("click", () => map.zoom(STEP));
  byId("zoom-out").addEventListener("click", () => map.zoom(1 / STEP));
  byId("zoom-all").addEventListener("click", () => map.lookAtAll());
  for (const button of groupButtons()) {
    button.addEventListener("click", () => {
      const show = button.getAttribute("aria-pressed") === "false";
      const group = Number(button.dataset.group);
      pressGroup(show ? button : null);
      byId("find").value = byId("find-status").textContent = "";
      map.show(show ? (row) => map.data.groups[row] === group : null);
    });
  }
}

function groupButtons() {
  return byId("groups").querySelectorAll("button");
}

/** Show one button of the groups as pressed, or none. */
function pressGroup(pressed) {
  for (const button of groupButtons()) button.setAttribute("aria-pressed", String(button === pressed));
}

/** The curves of training, each under its title; gives a function that draws them all again. */
function setUpCharts(history) {
  if (!history) return () => {};
  const charts = trainingCharts(history).map(({ title, spoken, plot }) => {
    const heading = document.createElement("figcaption");
    heading.textContent = title;
    const element = document.createElement("div");
    element.className = "plot";
    element.setAttribute("role", "img");
    element.setAttribute("aria-label", spoken);
    const figure = document.createElement("figure");
    figure.append(heading, element);
    byId("charts").append(figure);
    return () => plot(element);
  });
  const drawAll = () => charts.forEach((draw) => draw());
  drawAll();
  return drawAll;
}

function main() {
  const data = JSON.parse(byId("data").textContent);
  const drawCharts = setUpCharts(data.history);
  let ask = () => {};
  const map = new WordMap(byId("map"), data.map, (word) => ask(word));
  ask = setUpAsking(new EmbeddedVectors(data.embedded), map);
  setUpFinding(map);
  setUpMapButtons(map);
  ask(document.querySelector("[data-ask]").textContent);
  // the pictures take their colors from the style sheet, which has others in the dark and on paper
  for (const query of ["(prefers-color-scheme: dark)", "print"]) {
    matchMedia(query).addEventListener("change", () => {
      drawCharts();
      map.draw();
    });
  }
}

main();
