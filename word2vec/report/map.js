"use strict";

const LABEL_FONT = 13; // pixels
const LABEL_GAP = 4; // pixels that stay free around a label
const DOT = 6; // pixels
const RING = 14; // pixels; labels stand above where a ring would be
const MARGIN = 0.05; // of the range of places, left free on each side of the whole map
const MAP_OPTIONS = { displayModeBar: false, doubleClick: false };
const STEP = 1.5; // by which a press of a zoom button changes the scale

/** The map of words: draws itself from what is marked, which group is shown, and which part is in view. */
class WordMap {
  /**
   * @param {HTMLElement} element where to draw
   * @param {{words: string[], x: number[], y: number[], groups: number[]}} data most frequent words first
   * @param {(word: string) => void} chosen called with a word that is clicked
   */
  constructor(element, data, chosen) {
    Object.assign(this, { element, data });
    this.index = new Map(data.words.map((word, row) => [word, row]));
    this.whole = { x: padded(data.x), y: padded(data.y) };
    this.view = this.whole;
    this.marked = []; // rows that get a ring and a label
    this.dimmed = () => false; // of a row: whether it steps back
    this.pen = document.createElement("canvas").getContext("2d"); // measures labels
    this.draw();
    element.on("plotly_click", ({ points }) => chosen(data.words[points[0].customdata[0]]));
    element.on("plotly_relayout", () => this.moved());
    element.on("plotly_doubleclick", () => this.lookAtAll());
    element.addEventListener("keydown", (event) => this.key(event));
    element.addEventListener("mousedown", () => element.focus({ preventScroll: true }), true);
    element.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    new ResizeObserver(() => this.draw()).observe(element);
  }

  /** Put rings around some words; those that are not on the map are passed over. */
  mark(words) {
    this.marked = words.map((word) => this.index.get(word)).filter((row) => row !== undefined);
    this.draw();
  }

  /** Let all words step back but those that a test of their row lets through; null brings all forward. */
  show(test) {
    this.dimmed = test ? (row) => !test(row) : () => false;
    this.draw();
  }

  stepsBack(row) {
    return this.dimmed(row) && !this.marked.includes(row);
  }

  /** Show a place of the map at a scale; 1 is the whole map. */
  look(x, y, scale) {
    const around = (center, [low, high]) => [center - (high - low) / scale / 2, center + (high - low) / scale / 2];
    this.view = { x: around(x, this.whole.x), y: around(y, this.whole.y) };
    this.draw();
  }

  lookAt(word, scale) {
    const row = this.index.get(word);
    this.look(this.data.x[row], this.data.y[row], scale);
  }

  lookAtAll() {
    this.view = this.whole;
    this.draw();
  }

  zoom(factor, [x, y] = [middle(this.view.x), middle(this.view.y)]) {
    const around = (center, range) => range.map((end) => center + (end - center) / factor);
    this.view = { x: around(x, this.view.x), y: around(y, this.view.y) };
    this.draw();
  }

  /** Move the view by parts of its width and height. */
  pan(right, up) {
    const shifted = ([low, high], by) => [low + by * (high - low), high + by * (high - low)];
    this.view = { x: shifted(this.view.x, right), y: shifted(this.view.y, up) };
    this.draw();
  }

  /** After the map was dragged: other words have room for their labels now. */
  moved() {
    const { xaxis, yaxis } = this.element.layout;
    this.view = { x: [...xaxis.range], y: [...yaxis.range] };
    this.draw();
  }

  key(event) {
    const keys = {
      ArrowLeft: () => this.pan(-0.1, 0), ArrowRight: () => this.pan(0.1, 0),
      ArrowUp: () => this.pan(0, 0.1), ArrowDown: () => this.pan(0, -0.1),
      "+": () => this.zoom(STEP), "=": () => this.zoom(STEP), "-": () => this.zoom(1 / STEP), 0: () => this.lookAtAll(),
    };
    if (event.ctrlKey || event.metaKey || event.altKey || !Object.hasOwn(keys, event.key)) return;
    event.preventDefault();
    keys[event.key]();
  }

  /** Zoom where the pointer is, but only once the map was clicked: the wheel belongs to the page until then. */
  wheel(event) {
    if (document.activeElement !== this.element && !event.ctrlKey) return;
    event.preventDefault();
    const box = this.element.getBoundingClientRect();
    const at = ([low, high], share) => low + share * (high - low);
    const across = (event.clientX - box.left) / box.width;
    const up = 1 - (event.clientY - box.top) / box.height;
    this.zoom(Math.exp(-event.deltaY / 400), [at(this.view.x, across), at(this.view.y, up)]);
  }

  draw() {
    const colors = Array.from({ length: 10 }, (_, group) => style(`group-${group}`));
    const rows = [...this.data.words.keys()];
    const points = {
      ...this.trace(rows), mode: "markers",
      marker: {
        size: DOT, color: this.data.groups.map((group) => colors[group]),
        opacity: rows.map((row) => (this.stepsBack(row) ? 0.12 : 0.75)), line: { width: 0 },
      },
    };
    const rings = {
      ...this.trace(this.marked), mode: "markers",
      marker: { size: RING, color: "rgba(0,0,0,0)", line: { color: style("ink"), width: 2 } },
    };
    const labels = {
      ...this.trace(this.labelled()), mode: "markers+text", hoverinfo: "skip", hovertemplate: undefined,
      marker: { size: RING, opacity: 0 }, textposition: "top center", textfont: { size: LABEL_FONT, color: style("ink") },
    };
    Plotly.react(this.element, [points, rings, labels], this.layout(), MAP_OPTIONS);
  }

  trace(rows) {
    const { words, x, y } = this.data;
    return {
      x: rows.map((row) => x[row]), y: rows.map((row) => y[row]), text: rows.map((row) => plainText(words[row])),
      customdata: rows.map((row) => [row, plainText(words[row])]),
      hovertemplate: "%{customdata[1]}<extra></extra>", cliponaxis: true,
    };
  }

  layout() {
    const { width, height } = this.element.getBoundingClientRect();
    const axis = { visible: false, fixedrange: false };
    // subtle: a finger on the whole map has to scroll the page; once zoomed in, it moves the map
    const scrolls = matchMedia("(pointer: coarse)").matches && this.view === this.whole;
    return {
      ...baseLayout(), width, height, margin: { l: 0, r: 0, t: 0, b: 0 }, hovermode: "closest",
      dragmode: scrolls ? false : "pan",
      xaxis: { ...axis, range: [...this.view.x] }, yaxis: { ...axis, range: [...this.view.y] },
    };
  }

  /** The rows whose labels are shown: the marked first, then the most frequent words that still find room. */
  labelled() {
    const { width, height } = this.element.getBoundingClientRect();
    const place = (value, [low, high], size) => ((value - low) / (high - low)) * size;
    const taken = new Boxes(width, height);
    this.pen.font = `${LABEL_FONT}px ${style("font")}`;
    const marked = new Set(this.marked);
    const inOrder = [...this.marked, ...this.data.words.keys()];
    return inOrder.filter((row, at) => {
      if (this.stepsBack(row) || (at >= this.marked.length && marked.has(row))) return false;
      const x = place(this.data.x[row], this.view.x, width);
      const y = height - place(this.data.y[row], this.view.y, height);
      const half = this.pen.measureText(this.data.words[row]).width / 2 + LABEL_GAP;
      return taken.add({ left: x - half, right: x + half, top: y - RING / 2 - 1.5 * LABEL_FONT, bottom: y - RING / 2 });
    });
  }
}

/** Rectangles that do not overlap, inside a frame. */
class Boxes {
  constructor(width, height) {
    Object.assign(this, { width, height, boxes: [] });
  }

  /** Add a box if it lies in the frame and on no other; says whether it was added. */
  add(box) {
    if (box.left < 0 || box.right > this.width || box.top < 0 || box.bottom > this.height) return false;
    const free = this.boxes.every(
      (other) =>
        box.left > other.right || box.right < other.left || box.top > other.bottom || box.bottom < other.top,
    );
    if (free) this.boxes.push(box);
    return free;
  }
}

/** From the smallest to the largest value, and a little further. */
function padded(values) {
  const low = Math.min(...values);
  const high = Math.max(...values);
  const room = (high - low) * MARGIN || 1;
  return [low - room, high + room];
}

function middle([low, high]) {
  return (low + high) / 2;
}
