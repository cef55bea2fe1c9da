"use strict";

/** A color or font of the style sheet, as it is now: light, dark or printed. */
function style(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

/** The layout that all pictures share. */
function baseLayout() {
  const axis = {
    gridcolor: style("line"), linecolor: style("line"), zeroline: false, fixedrange: true,
    tickfont: { color: style("muted") }, title: { font: { color: style("muted") } },
  };
  return {
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", showlegend: false,
    font: { family: style("font"), size: 13, color: style("ink") },
    hoverlabel: { bgcolor: style("ink"), bordercolor: style("ink"), font: { color: style("card"), size: 14 } },
    margin: { l: 56, r: 16, t: 18, b: 44 }, xaxis: axis, yaxis: axis,
  };
}

/** Plotly reads some markup in texts; a word must be shown as it is. */
function plainText(word) {
  return word.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

const CHART_OPTIONS = { displayModeBar: false, responsive: true };

/** The curves of training. Each is a title, what a screen reader says of it, and a function that draws it. */
function trainingCharts(history) {
  const ends = history.epochs.map((epoch) => epoch.seconds.at(-1));
  const charts = [{ title: "Loss", spoken: lossInWords(history), plot: (at) => drawLoss(at, history, ends) }];
  if (history.speed.seconds.length) {
    charts.push({ title: "Words a second", spoken: speedInWords(history), plot: (at) => drawSpeed(at, history, ends) });
  }
  if (history.similarity.length) {
    charts.push({
      title: "Similarity after each epoch", spoken: similarityInWords(history),
      plot: (at) => drawSimilarity(at, history),
    });
  }
  return charts;
}

function lossInWords(history) {
  const losses = history.epochs.map((epoch) => epoch.loss.at(-1).toFixed(3));
  return `The loss at the end of each epoch: ${losses.join(", ")}.`;
}

function speedInWords(history) {
  const words = history.speed.words;
  return `Between ${Math.min(...words).toLocaleString("en")} and ${Math.max(...words).toLocaleString("en")} words a second.`;
}

function similarityInWords(history) {
  const sets = history.similarity.map(
    ({ name, values }) => `${name}: ${values.map((value) => value?.toFixed(3) ?? "not defined").join(", ")}`,
  );
  return `Spearman's correlation after each epoch. ${sets.join(". ")}.`;
}

function drawLoss(element, history, ends) {
  const traces = history.epochs.map((epoch) => ({
    x: epoch.seconds, y: epoch.loss, mode: epoch.loss.length > 1 ? "lines" : "markers",
    line: { color: style("accent"), width: 2.5 }, marker: { color: style("accent"), size: 8 },
    hovertemplate: `epoch ${epoch.epoch}<br>%{x:.1f} s<br>loss %{y:.4f}<extra></extra>`,
  }));
  Plotly.react(element, traces, timeLayout(ends), CHART_OPTIONS);
}

function drawSpeed(element, history, ends) {
  const { seconds, words } = history.speed;
  const trace = {
    x: seconds, y: words, mode: words.length > 1 ? "lines" : "markers", line: { color: style("accent"), width: 2.5 },
    marker: { color: style("accent"), size: 8 }, hovertemplate: "%{x:.1f} s<br>%{y:,.0f} words/s<extra></extra>",
  };
  const layout = timeLayout(ends);
  layout.yaxis = { ...layout.yaxis, rangemode: "tozero" };
  Plotly.react(element, [trace], layout, CHART_OPTIONS);
}

function drawSimilarity(element, history) {
  const traces = history.similarity.map(({ name, epochs, values }, i) => ({
    x: epochs, y: values, mode: "lines+markers+text", marker: { color: style(`group-${i % 10}`), size: 8 },
    line: { color: style(`group-${i % 10}`), width: 2.5 }, cliponaxis: false,
    text: values.map((_, at) => (at === values.length - 1 ? plainText(name) : "")),
    textposition: values.length > 1 ? "top left" : "top center", textfont: { color: style("ink") },
    hovertemplate: "%{fullData.name}<br>epoch %{x}: %{y:.3f}<extra></extra>", name: plainText(name),
  }));
  const layout = baseLayout();
  layout.xaxis = { ...layout.xaxis, title: { ...layout.xaxis.title, text: "epoch" }, dtick: epochTick(history) };
  layout.yaxis = { ...layout.yaxis, rangemode: "tozero" };
  Plotly.react(element, traces, layout, CHART_OPTIONS);
}

/** Whole epochs between two marks, so that there are about ten. */
function epochTick(history) {
  return Math.max(1, Math.ceil(history.epochs.at(-1).epoch / 10));
}

function timeLayout(ends) {
  const layout = baseLayout();
  layout.xaxis = { ...layout.xaxis, title: { ...layout.xaxis.title, text: "seconds" }, rangemode: "tozero" };
  layout.shapes = ends.map((end) => ({
    type: "line", x0: end, x1: end, y0: 0, y1: 1, yref: "paper", layer: "below",
    line: { color: style("muted"), width: 1, dash: "dot" },
  }));
  return layout;
}
