// The conversation: what the user said, and what the agent made of it.

import {badge, button, clear, details, duration, el, hidden, icon, plural} from "./dom.js";
import {valueBlock} from "./json.js";
import {messageView} from "./messages.js";

const MOST_MESSAGES = 200;
const KINDS = {
  text: "text", transcript: "speech", dtmf: "digits", event: "event", intent: "intent", none: "no input",
};

/** What came back, in a word: the status or why there is none. */
export function outcome(call) {
  return call.failure || String(call.status ?? "no answer");
}

function said(turn) {
  const {kind, value} = turn.input;
  const words = kind === "none" ? el("em", {}, "no input") : value;
  return el("div.bubble.mine", {}, hidden("You: "), kind === "text" || kind === "none" ? null : badge("on-mine", KINDS[kind]),
    el("span", {}, words));
}

function turnHead(turn, actions) {
  const parameters = Object.keys(turn.parameters ?? {});
  return el("div.turn-head", {},
    said(turn),
    el("div.turn-meta", {},
      el("span", {}, "tag ", el("code", {}, turn.tag || "(none)")),
      button("button.button.small.quiet-button", {onclick: () => actions.edit(turn), "aria-label": `Edit turn ${turn.number} and send it again`},
        icon("edit"), "Edit")),
    parameters.length
      ? details("details.more", `sets ${plural(parameters.length, "parameter")}`, valueBlock(turn.parameters, "Parameters set before the call"))
      : null);
}

function trouble(call) {
  return call.ok ? null : el("div.trouble", {},
    el("p.trouble-title", {}, icon("alert"), el("strong", {}, call.event || "Call failed")),
    el("p", {}, call.sentence),
    call.event_hidden_if_route_has_target
      ? el("p.quiet", {}, "Silent where the route that called has a transition target.")
      : null);
}

function moved(call) {
  const change = call.page_change;
  return change ? el("p.moved", {}, icon("page"), el("span", {}, hidden("Page changes "), change.from || "no page", " → ", change.to)) : null;
}

function again(call) {
  const names = call.reprompt ?? [];
  return names.length ? el("p.moved", {}, icon("replay"), el("span", {}, "CX asks again for ", names.join(", "))) : null;
}

function strip(turn, index, actions) {
  const call = turn.calls[index];
  const errors = call.findings.filter((finding) => finding.severity === "error").length;
  return button("button.strip", {
    "data-call": `${turn.number}.${index}`,
    "aria-pressed": "false",
    onclick: () => actions.select(turn.number, index, true),
  },
  hidden(`Look at turn ${turn.number}, call ${index + 1}: `),
  badge(call.ok ? "good" : "bad", icon(call.ok ? "check" : "alert"), outcome(call)),
  el("span", {}, duration(call.ms)),
  call.attempts.length > 1 ? el("span", {}, plural(call.attempts.length, "delivery", "deliveries")) : null,
  call.replayed ? badge("neutral", icon("replay"), "replayed") : null,
  call.findings.length ? badge(errors ? "bad" : "warning", icon("alert"), plural(call.findings.length, "finding")) : null);
}

function messages(call, actions) {
  const more = call.messages.length - MOST_MESSAGES;
  return [
    call.messages.slice(0, MOST_MESSAGES).map((message) => messageView(message, actions.send)),
    more > 0 ? el("p.quiet", {}, `And ${plural(more, "message")} more, which the answer's body has.`) : null,
  ];
}

function callView(turn, index, actions) {
  const call = turn.calls[index];
  return [
    messages(call, actions),
    call.ok && !call.messages.length ? el("p.quiet.silent", {}, "The agent says nothing.") : null,
    trouble(call), moved(call), again(call), strip(turn, index, actions),
  ];
}

function turnView(turn, actions) {
  return el("article.turn", {"aria-label": `Turn ${turn.number}`},
    turnHead(turn, actions),
    el("div.answers", {}, turn.calls.map((_, index) => callView(turn, index, actions))));
}

const welcome = () => el("div.welcome", {},
  el("p.welcome-title", {}, "No turns yet"),
  el("p", {}, "Write below what a user would say, choose the tag that your webhook is called with, and send. ",
    "What it answers is shown as Dialogflow CX and Messenger would take it."));

/** Keeps the log in step with the turns: what did not change stays, so that only what is new is read out. */
export class Conversation {
  constructor(log, scroller, actions) {
    this.log = log;
    this.scroller = scroller;
    this.actions = actions;
    this.shown = [];
  }

  show(turns) {
    const texts = turns.map((turn) => JSON.stringify(turn));
    const same = texts.findIndex((text, index) => this.shown[index]?.text !== text);
    const kept = same < 0 ? texts.length : same;
    if (!turns.length) {
      this.shown = [];
      clear(this.log, welcome());
      return;
    }
    if (!this.shown.length) {
      clear(this.log);
    }
    this.shown.splice(kept).forEach(({element}) => element.remove());
    for (let index = kept; index < turns.length; index += 1) {
      const element = turnView(turns[index], this.actions);
      this.shown.push({text: texts[index], element});
      this.log.append(element);
    }
    if (kept < turns.length) {
      this.scrollTo(this.shown.at(-1).element);
    }
  }

  scrollTo(element) {
    const {scroller} = this;
    const isLong = element.offsetHeight > scroller.clientHeight;
    scroller.scrollTop = isLong ? element.offsetTop - scroller.offsetTop - 12 : scroller.scrollHeight;
  }

  mark(number, index) {
    for (const strip of this.log.querySelectorAll("[data-call]")) {
      strip.setAttribute("aria-pressed", String(strip.dataset.call === `${number}.${index}`));
    }
  }
}
