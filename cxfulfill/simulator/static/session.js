// The session: its parameters with what the last answer changed, its page and form.

import {badge, clear, el, hidden, icon} from "./dom.js";
import {valueTree} from "./json.js";

const MARKS = {
  set: ["added", "good", "new"],
  changed: ["changed", "warning", "changed"],
  deleted: ["removed", "bad", "deleted"],
};

function lastChanges(turns) {
  const calls = turns.at(-1)?.calls ?? [];
  return new Map(calls.flatMap((call) => call.changes).map((change) => [change.name, change]));
}

function mark(change) {
  if (!change) {
    return hidden("unchanged");
  }
  const [symbol, kind, word] = MARKS[change.kind] ?? MARKS.changed;
  return badge(kind, icon(symbol), word);
}

function before(change) {
  return change && change.kind !== "set" && change.before !== undefined
    ? el("div.before", {}, el("span.quiet", {}, "was"), " ", valueTree(change.before)) : null;
}

function parameterRow(name, value, change) {
  const gone = change?.kind === "deleted";
  return el(`tr${change ? `.is-${change.kind}` : ""}`, {},
    el("th", {scope: "row"}, el(gone ? "del" : "span", {}, name), el("span.marks", {}, mark(change))),
    el("td", {}, gone ? el("span.quiet", {}, "no longer set") : valueTree(value), before(change)));
}

function parameters(state) {
  const changes = lastChanges(state.turns);
  const values = state.session.parameters;
  const gone = [...changes.values()].filter((change) => change.kind === "deleted" && !(change.name in values));
  const names = Object.keys(values);
  if (!names.length && !gone.length) {
    return el("p.quiet", {}, "The session has no parameters.");
  }
  return el("table.data.named", {},
    el("caption.visually-hidden", {}, "Session parameters, and what the last answer changed"),
    el("thead", {}, el("tr", {}, ["Name", "Value"].map((title) => el("th", {scope: "col"}, title)))),
    el("tbody", {}, names.map((name) => parameterRow(name, values[name], changes.get(name))),
      gone.map((change) => parameterRow(change.name, null, change))));
}

function formRow(field, asked, changed) {
  const kind = {FILLED: "good", INVALID: "bad"}[field.state] ?? "neutral";
  return el("tr", {},
    el("th", {scope: "row"}, field.name, field.required ? el("span.quiet", {}, " required") : null,
      el("span.marks", {}, badge(kind, (field.state ?? "").toLowerCase()),
        changed ? badge("warning", icon("changed"), "changed") : null,
        asked ? badge("warning", icon("replay"), "asked again") : null)),
    el("td", {}, field.value === null || field.value === undefined ? el("span.quiet", {}, "no value") : valueTree(field.value)));
}

function form(fields, turns) {
  const calls = turns.at(-1)?.calls ?? [];
  const asked = new Set(calls.flatMap((call) => call.reprompt ?? []));
  const changed = new Set(calls.flatMap((call) => call.form_changes ?? []).map((change) => change.name));
  return el("table.data.named", {},
    el("caption.visually-hidden", {}, "Form of the page"),
    el("thead", {}, el("tr", {}, ["Parameter", "Value"].map((title) => el("th", {scope: "col"}, title)))),
    el("tbody", {}, fields.map((field) => formRow(field, asked.has(field.name), changed.has(field.name)))));
}

function facts(...pairs) {
  return el("dl.facts", {}, pairs.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))));
}

export function showSession(places, state) {
  clear(places.parameters, parameters(state));
  clear(places.page,
    facts(["Page", state.page.display_name || "(no name)"], ["Page name", el("code", {}, state.page.name || "none")]),
    state.page.form?.length ? form(state.page.form, state.turns) : el("p.quiet", {}, "The page has no form."));
  clear(places.facts, facts(["Session", el("code", {}, state.session.name)], ["Language", state.session.language || "not set"]));
}
