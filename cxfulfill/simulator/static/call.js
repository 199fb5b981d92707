// One call: what CX makes of it, what is to be said of it, its times, and what was sent and came back.

import {badge, clear, details, duration, el, icon, plural} from "./dom.js";
import {outcome} from "./conversation.js";
import {bodyBlock, inlineValue, valueBlock} from "./json.js";
import {timeline} from "./timeline.js";

function section(title, ...content) {
  return el("section.part", {}, el("h3", {}, title), content);
}

function verdict(call) {
  const hidden = call.event_hidden_if_route_has_target;
  return el(`div.verdict.${call.ok ? "is-good" : "is-bad"}`, {},
    el("p.verdict-head", {}, badge(call.ok ? "good" : "bad", icon(call.ok ? "check" : "alert"), outcome(call)),
      el("span", {}, duration(call.ms)), call.replayed ? badge("neutral", icon("replay"), "replayed") : null),
    el("p", {}, call.sentence),
    call.event ? el("dl.facts", {}, el("div", {}, el("dt", {}, "Event that CX raises"), el("dd", {}, el("code", {}, call.event))),
      el("div", {}, el("dt", {}, "With a transition target on the route"),
        el("dd", {}, hidden ? "the event is hidden: the failure is silent" : "the event is raised all the same"))) : null);
}

function finding({severity, place, problem}) {
  const isError = severity === "error";
  return el("li", {}, badge(isError ? "bad" : "warning", icon("alert"), severity),
    el("span", {}, place ? [el("code", {}, place), " "] : null, problem));
}

function findings(call) {
  const none = call.failure ? "There is no answer to judge." : "Nothing is to be said of the answer.";
  return call.findings.length ? el("ul.findings", {}, call.findings.map(finding)) : el("p.quiet", {}, none);
}

function change({name, before, after, kind}) {
  const old = before === undefined || kind === "set" ? null : [inlineValue(before), " → "];
  return el("li", {}, el("code", {}, name), " ", el("span.quiet", {}, kind), " ", old,
    kind === "deleted" ? el("em", {}, "no value") : inlineValue(after));
}

function changes(call) {
  const form = call.form_changes ?? [];
  const parts = [
    call.changes.length ? el("ul.changes", {}, call.changes.map(change)) : null,
    form.length ? [el("h4", {}, "Form"), valueBlock(form, "Changes of the form")] : null,
    call.page_change ? el("p", {}, "Page: ", call.page_change.from || "none", " → ", call.page_change.to) : null,
    call.reprompt?.length ? el("p", {}, `CX asks again for ${call.reprompt.join(", ")}.`) : null,
  ].filter(Boolean);
  return parts.length ? section("What the answer changes", parts) : null;
}

function headers(fields, label) {
  const names = Object.keys(fields ?? {});
  return details("details.more", plural(names.length, "header"), el("div.scroll", {tabindex: "0", role: "region", "aria-label": label},
    el("table.data.headers", {}, el("caption.visually-hidden", {}, label),
      el("thead.visually-hidden", {}, el("tr", {}, el("th", {scope: "col"}, "Name"), el("th", {scope: "col"}, "Value"))),
      el("tbody", {}, names.map((name) => el("tr", {}, el("th", {scope: "row"}, name), el("td", {}, el("code", {}, fields[name]))))))));
}

function request({method, url, headers: fields, body}) {
  return section("Request", el("p.request-line", {}, el("code", {}, el("strong", {}, method), " ", url)),
    headers(fields, "Request headers"), bodyBlock(body, "Request body"));
}

function answer(call) {
  if (!call.answer || call.status === null) {
    return section("Answer", el("p.quiet", {}, "No answer came."));
  }
  return section("Answer", el("p.request-line", {}, el("code", {}, el("strong", {}, `HTTP ${call.status}`))),
    headers(call.answer.headers, "Answer headers"), bodyBlock(call.answer.body, "Answer body"));
}

export function showCall(place, title, turn, index) {
  const call = turn?.calls[index];
  title.textContent = call ? `Turn ${turn.number}, call ${index + 1}` : "Call";
  if (!call) {
    clear(place, el("p.quiet", {}, "What is sent to the webhook and what comes back will be shown here."));
    return;
  }
  clear(place, verdict(call), section("Findings", findings(call)),
    call.attempts.length ? section("Times", timeline(call.attempts)) : null,
    changes(call), request(call.request), answer(call),
    section("Status that the API reports", valueBlock(call.webhook_status ?? {}, "google.rpc.Status of the call")));
}
