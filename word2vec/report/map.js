"use strict";

const LABEL_FONT = 13; // pixels
const LABEL_GAP = 4; // pixels of free space around a label
const DOT = 6; // pixels
const RING = 14; // pixels; labels are drawn above the ring
const MARGIN = 0.05; // free space on each side of the map, as a fraction of the range of positions
const MAP_OPTIONS = { displayModeBar: false, doubleClick: false };
const STEP = 1.5; // zoom factor of a button press

/** The map of words. Its state is the marked words, the dimmed words and the view. */
class WordMap {
  /**
   * @param {HTMLElement} element the element to draw in
   * @param {{words: string[], x: number[], y: number[], clusters: number[]}} data the words, most frequent first
   * @param {(word: string) => void} onChoose called with the word that is clicked
   */
  constructor(element, data, onChoose) {
    Object.assign(this, { element, data });
    this.index = new Map(data.words.map((word, row) => [word, row]));
    this.whole = { x: padded(data.x), y: padded(data.y) };
    this.view = this.whole;
    this.marked = []; // rows with a ring and a label
    this.dimmed = () => false; // whether a row is drawn faintly
    this.pen = document.createElement("canvas").getContext("2d"); // measures the width of labels
    this.draw();
    element.on("plotly_click", ({ points }) => onChoose(data.words[points[0].customdata[0]]));
    element.on("plotly_relayout", () => this.moved());
    element.on("plotly_doubleclick", () => this.reset());
    element.addEventListener("keydown", (event) => this.key(event));
    element.addEventListener("mousedown", () => element.focus({ preventScroll: true }), true);
    element.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    new ResizeObserver(() => this.draw()).observe(element);
  }

  /** Marks words with rings; words that are not on the map are ignored. */
  mark(words) {
    this.marked = words.map((word) => this.index.get(word)).filter((row) => row !== undefined);
    this.draw();
  }

  /** Dims all rows except those that pass a test; null shows all rows. */
  highlight(test) {
    this.dimmed = test ? (row) => !test(row) : () => false;
    this.draw();
  }

  isDimmed(row) {
    return this.dimmed(row) && !this.marked.includes(row);
  }

  /** Centers the view on a position; scale 1 is the whole map. */
  zoomTo(x, y, scale) {
    const around = (center, [low, high]) => [center - (high - low) / scale / 2, center + (high - low) / scale / 2];
    this.view = { x: around(x, this.whole.x), y: around(y, this.whole.y) };
    this.draw();
  }

  zoomToWord(word, scale) {
    const row = this.index.get(word);
    this.zoomTo(this.data.x[row], this.data.y[row], scale);
  }

  reset() {
    this.view = this.whole;
    this.draw();
  }

  zoom(factor, [x, y] = [middle(this.view.x), middle(this.view.y)]) {
    const around = (center, range) => range.map((end) => center + (end - center) / factor);
    this.view = { x: around(x, this.view.x), y: around(y, this.view.y) };
    this.draw();
  }

  /** Moves the view by fractions of its width and height. */
  pan(right, up) {
    const shifted = ([low, high], by) => [low + by * (high - low), high + by * (high - low)];
    this.view = { x: shifted(this.view.x, right), y: shifted(this.view.y, up) };
    this.draw();
  }

  /** Redraws after dragging, because other labels fit now. */
  moved() {
    const { xaxis, yaxis } = this.element.layout;
    this.view = { x: [...xaxis.range], y: [...yaxis.range] };
    this.draw();
  }

  key(event) {
    const keys = {
      ArrowLeft: () => this.pan(-0.1, 0), ArrowRight: () => this.pan(0.1, 0),
      ArrowUp: () => this.pan(0, 0.1), ArrowDown: () => this.pan(0, -0.1),
      "+": () => this.zoom(STEP), "=": () => this.zoom(STEP), "-": () => this.zoom(1 / STEP), 0: () => this.reset(),
    };
    if (event.ctrlKey || event.metaKey || event.altKey || !Object.hasOwn(keys, event.key)) return;
    event.preventDefault();
    keys[event.key]();
  }

  /** Zooms at the pointer, but only after the map was clicked; until then the wheel scrolls the page. */
  wheel(event) {
    if (document.activeElement !== this.element && !event.ctrlKey) return;
    event.preventDefault();
    const box = this.element.getBoundingClientRect();
    const at = ([low, high], fraction) => low + fraction * (high - low);
    const across = (event.clientX - box.left) / box.width;
    const up = 1 - (event.clientY - box.top) / box.height;
    this.zoom(Math.exp(-event.deltaY / 400), [at(this.view.x, across), at(this.view.y, up)]);
  }

  draw() {
    const colors = Array.from({ length: 10 }, (_, cluster) => style(`cluster-${cluster}`));
    const rows = [...this.data.words.keys()];
    const points = {
      ...this.trace(rows), mode: "markers",
      marker: {
        size: DOT, color: this.data.clusters.map((cluster) => colors[cluster]),
        opacity: rows.map((row) => (this.isDimmed(row) ? 0.12 : 0.75)), line: { width: 0 },
      },
    };
    const rings = {
      ...this.trace(this.marked), mode: "markers",
      marker: { size: RING, color: "rgba(0,0,0,0)", line: { color: style("ink"), width: 2 } },
    };
    const labels = {
      ...this.trace(this.labeled()), mode: "markers+text", hoverinfo: "skip", hovertemplate: undefined,
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
    // subtle: on a touch screen, dragging the unzoomed map scrolls the page; once zoomed in, it pans the map
    const scrolls = matchMedia("(pointer: coarse)").matches && this.view === this.whole;
    return {
      ...baseLayout(), width, height, margin: { l: 0, r: 0, t: 0, b: 0 }, hovermode: "closest",
      dragmode: scrolls ? false : "pan",
      xaxis: { ...axis, range: [...this.view.x] }, yaxis: { ...axis, range: [...this.view.y] },
    };
  }

  /** Returns the rows with labels: marked rows first, then the most frequent words whose labels still fit. */
  labeled() {
    const { width, height } = this.element.getBoundingClientRect();
    const place = (value, [low, high], size) => ((value - low) / (high - low)) * size;
    const taken = new Boxes(width, height);
    this.pen.font = `${LABEL_FONT}px ${style("font")}`;
    const marked = new Set(this.marked);
    const inOrder = [...this.marked, ...this.data.words.keys()];
    return inOrder.filter((row, at) => {
      if (this.isDimmed(row) || (at >= this.marked.length && marked.has(row))) return false;
      const x = place(this.data.x[row], this.view.x, width);
      const y = height - place(this.data.y[row], this.view.y, height);
      const half = this.pen.measureText(this.data.words[row]).width / 2 + LABEL_GAP;
      return taken.add({ left: x - half, right: x + half, top: y - RING / 2 - 1.5 * LABEL_FONT, bottom: y - RING / 2 });
    });
  }
}

/** Non-overlapping rectangles inside a frame. */
class Boxes {
  constructor(width, height) {
    Object.assign(this, { width, height, boxes: [] });
  }

  /** Adds a box if it lies inside the frame and overlaps no other box; returns whether it was added. */
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

/** Returns the range of values with a margin on both sides. */
function padded(values) {
  const low = Math.min(...values);
  const high = Math.max(...values);
  const room = (high - low) * MARGIN || 1;
  return [low - room, high + room];
}

function middle([low, high]) {
  return (low + high) / 2;
}
