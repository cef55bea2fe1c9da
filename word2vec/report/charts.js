"use strict";

/** Returns the current value of a color or font of the style sheet (light, dark or print). */
function style(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

/** Returns the layout shared by all plots. */
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

/** Escapes a word, because Plotly interprets some markup in texts. */
function plainText(word) {
  return word.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

const CHART_OPTIONS = { displayModeBar: false, responsive: true };

/** Returns the training charts: each has a title, a description for screen readers and a function that draws it. */
function trainingCharts(history) {
  const ends = history.epochs.map((epoch) => epoch.seconds.at(-1));
  const charts = [
    { title: "Loss", description: describeLoss(history), draw: (element) => drawLoss(element, history, ends) },
  ];
  if (history.speed.seconds.length) {
    charts.push({
      title: "Words per second", description: describeSpeed(history),
      draw: (element) => drawSpeed(element, history, ends),
    });
  }
  if (history.similarity.length) {
    charts.push({
      title: "Word similarity after each epoch", description: describeSimilarity(history),
      draw: (element) => drawSimilarity(element, history),
    });
  }
  return charts;
}

function describeLoss(history) {
  const training = history.epochs.map((epoch) => epoch.loss.at(-1).toFixed(3));
  const text = `Training loss at the end of each epoch: ${training.join(", ")}.`;
  const validation = validated(history).map((epoch) => epoch.validation.toFixed(3));
  return validation.length ? `Validation loss after each epoch: ${validation.join(", ")}. ${text}` : text;
}

/** Returns the epochs that have a validation loss. */
function validated(history) {
  return history.epochs.filter((epoch) => epoch.validation !== null);
}

function describeSpeed(history) {
  const words = history.speed.words;
  const [low, high] = [Math.min(...words), Math.max(...words)].map((speed) => speed.toLocaleString("en"));
  return `Between ${low} and ${high} words per second.`;
}

function describeSimilarity(history) {
  const sets = history.similarity.map(
    ({ name, values }) => `${name}: ${values.map((value) => value?.toFixed(3) ?? "undefined").join(", ")}`,
  );
  return `Spearman correlation after each epoch. ${sets.join(". ")}.`;
}

function drawLoss(element, history, ends) {
  const traces = history.epochs.map((epoch) => ({
    x: epoch.seconds, y: epoch.loss, mode: epoch.loss.length > 1 ? "lines" : "markers",
    line: { color: style("muted"), width: 1.5 }, marker: { color: style("muted"), size: 8 },
    hovertemplate: `epoch ${epoch.epoch}<br>%{x:.1f} s<br>training loss %{y:.4f}<extra></extra>`,
  }));
  const epochs = validated(history);
  traces.push({
    x: epochs.map((epoch) => epoch.seconds.at(-1)), y: epochs.map((epoch) => epoch.validation),
    mode: epochs.length > 1 ? "lines+markers" : "markers", customdata: epochs.map((epoch) => epoch.epoch),
    line: { color: style("accent"), width: 2.5 }, marker: { color: style("accent"), size: 8 },
    hovertemplate: "after epoch %{customdata}<br>validation loss %{y:.4f}<extra></extra>",
  });
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
    x: epochs, y: values, mode: "lines+markers+text", marker: { color: style(`cluster-${i % 10}`), size: 8 },
    line: { color: style(`cluster-${i % 10}`), width: 2.5 }, cliponaxis: false,
    text: values.map((_, at) => (at === values.length - 1 ? plainText(name) : "")),
    textposition: values.length > 1 ? "top left" : "top center", textfont: { color: style("ink") },
    hovertemplate: "%{fullData.name}<br>epoch %{x}: %{y:.3f}<extra></extra>", name: plainText(name),
  }));
  const layout = baseLayout();
  layout.xaxis = { ...layout.xaxis, title: { ...layout.xaxis.title, text: "epoch" }, dtick: epochTick(history) };
  layout.yaxis = { ...layout.yaxis, rangemode: "tozero" };
  Plotly.react(element, traces, layout, CHART_OPTIONS);
}

/** Returns the number of epochs between two ticks, for about ten ticks. */
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
