// The times of a call as a picture: a row an attempt, a bar a stage; and the same as a table.

import {details, duration, el, hidden, plural, svg} from "./dom.js";

const STAGES = [["queue", "queue_ms"], ["auth", "auth_ms"], ["store", "store_ms"], ["handler", "handler_ms"]];
const ROW = 62;
const BAR = 18;
const TOP = 22;

/** The parts of an attempt's time, in the order in which they pass. */
function partsOf(attempt) {
  const {record} = attempt;
  if (!record) {
    return [[attempt.failure ? "failed" : "unknown", attempt.ms]];
  }
  const parts = STAGES.map(([name, member]) => [name, record[member] ?? 0]).filter(([, ms]) => ms > 0);
  const rest = attempt.ms - parts.reduce((sum, [, ms]) => sum + ms, 0);
  return rest > 0 ? [...parts, ["rest", rest]] : parts;
}

function step(span) {
  const rough = span / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough);
}

const percent = (part, whole) => `${((part / whole) * 100).toFixed(3)}%`;
const label = (attempt) => attempt.failure || String(attempt.status ?? "no answer");

function axis(span, height) {
  const size = step(span);
  const marks = [];
  for (let at = 0; at <= span * 1.0001; at += size) {
    const end = at + size > span * 1.0001 && at / span > 0.9;
    marks.push(svg("line", {class: "grid", x1: percent(at, span), x2: percent(at, span), y1: 0, y2: height - 18}),
      svg("text", {class: "tick", x: percent(at, span), y: height - 4, "text-anchor": at === 0 ? "start" : end ? "end" : "middle"},
        duration(at)));
  }
  return marks;
}

function bars(attempt, span, y) {
  let start = attempt.offset_ms;
  return partsOf(attempt).map(([name, ms]) => {
    const bar = svg("rect", {
      class: `bar stage-${name}`,
      x: percent(start, span), width: percent(ms, span), y, height: BAR, rx: 2,
    }, svg("title", {}, `${name}: ${duration(ms)}`));
    start += ms;
    return bar;
  });
}

function sizes(record) {
  return record ? `${record.bytes_in} B in, ${record.bytes_out} B out, ${record.outcome}` : "";
}

function row(attempt, index, span) {
  const y = index * ROW;
  return svg("g", {},
    svg("text", {class: "row-title", x: 0, y: y + 14},
      `Attempt ${index + 1}: ${label(attempt)}, ${duration(attempt.ms)}${attempt.replayed ? ", replayed" : ""}`),
    bars(attempt, span, y + TOP),
    svg("text", {class: "row-note", x: 0, y: y + TOP + BAR + 14}, sizes(attempt.record)));
}

function legend(attempts) {
  const names = new Set(attempts.flatMap(partsOf).map(([name]) => name));
  const words = {unknown: "whole call", failed: "no answer", rest: "rest: connection and framework"};
  return el("ul.legend", {"aria-hidden": "true"}, [...names].map((name) =>
    el("li", {}, el(`span.swatch.stage-${name}`), words[name] ?? name)));
}

function table(attempts) {
  const titles = ["Attempt", "Begins", "Result", "Whole", "Queue", "Auth", "Store", "Handler", "In", "Out", "Outcome"];
  const cells = (attempt, index) => {
    const {record} = attempt;
    const stages = STAGES.map(([, member]) => (record ? duration(record[member] ?? 0) : "–"));
    return [index + 1, duration(attempt.offset_ms), label(attempt), duration(attempt.ms), ...stages,
      record ? `${record.bytes_in} B` : "–", record ? `${record.bytes_out} B` : "–",
      record ? `${record.outcome}${record.reason && record.reason !== "ok" ? `, ${record.reason}` : ""}` : "–"];
  };
  return el("div.scroll", {tabindex: "0", role: "region", "aria-label": "Times as a table"}, el("table.data.times", {},
    el("caption.visually-hidden", {}, "Times of the attempts"),
    el("thead", {}, el("tr", {}, titles.map((title) => el("th", {scope: "col"}, title)))),
    el("tbody", {}, attempts.map((attempt, index) => el("tr", {}, cells(attempt, index).map((cell) => el("td", {}, String(cell))))))));
}

export function timeline(attempts) {
  const span = Math.max(0.001, ...attempts.map((attempt) => attempt.offset_ms + attempt.ms));
  const height = attempts.length * ROW + 20;
  const told = `${plural(attempts.length, "attempt")} in ${duration(span)}; the table below has the numbers.`;
  return el("div.timeline", {},
    svg("svg", {class: "chart", width: "100%", height, role: "img", "aria-label": `Time line: ${told}`},
      axis(span, height), attempts.map((attempt, index) => row(attempt, index, span))),
    legend(attempts),
    details("details.more", el("span", {}, "Times as a table", hidden(" of all attempts")), table(attempts)));
}
