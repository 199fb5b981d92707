// The messages of an answer, a function a kind.

import {badge, button, details, el, hidden, icon, link} from "./dom.js";
import {valueBlock} from "./json.js";
import {markdown} from "./markdown.js";
import {richContent} from "./rich.js";

function text(message) {
  const variants = message.markdown;
  if (!variants) {
    return [valueBlock(message, "Message")];
  }
  if (!variants.length) {
    return [el("p.quiet", {}, "A text without a variant: nothing is said.")];
  }
  const shown = el("div", {}, markdown(variants[0]));
  const bubble = el("div.bubble", {}, shown);
  return variants.length === 1 ? [bubble] : [bubble, stepper(variants, shown)];
}

/** CX picks one of the variants; here the first is shown, and the others can be looked at. */
function stepper(variants, shown) {
  let index = 0;
  const place = el("span", {"aria-live": "polite"}, `variant 1 of ${variants.length}`);
  const step = (by) => () => {
    index = (index + by + variants.length) % variants.length;
    shown.replaceChildren(markdown(variants[index]));
    place.textContent = `variant ${index + 1} of ${variants.length}`;
  };
  return el("div.stepper", {role: "group", "aria-label": "Variants of the text"},
    button("button.step", {onclick: step(-1), "aria-label": "Previous variant"}, "‹"),
    place,
    button("button.step", {onclick: step(1), "aria-label": "Next variant"}, "›"),
    el("span.quiet", {}, "CX picks one"));
}

/** SSML with its tags told apart from what is said. */
function ssml(source) {
  const parts = source.split(/(<[^<>]*>)/).filter(Boolean);
  return el("pre.body.ssml", {tabindex: "0", role: "region", "aria-label": "SSML source"}, el("code", {},
    parts.map((part) => (part.startsWith("<") && part.endsWith(">") ? el("span.ssml-tag", {}, part) : part))));
}

const NAMED = {amp: "&", lt: "<", gt: ">", quot: '"', apos: "'"};

/** What is said of SSML: words on both sides of a pause or paragraph stay apart, and others as they are. */
function words(source) {
  return source.replace(/<\/?(?:break|p|s|audio|media|par|seq)\b[^<>]*>/g, " ").replace(/<[^<>]*>/g, "")
    .replace(/&(?:(amp|lt|gt|quot|apos)|#(\d{1,6})|#x([\da-f]{1,5}));/gi, (_, name, decimal, hexadecimal) => (
      name ? NAMED[name.toLowerCase()] : String.fromCodePoint(decimal ? Number(decimal) : parseInt(hexadecimal, 16))))
    .replace(/\s+/g, " ").trim();
}

function spoken({text: said, ssml: source}) {
  const isMarkup = source !== undefined;
  const content = isMarkup
    ? [el("p", {}, words(String(source))),
      details("details.more", "SSML source", ssml(String(source)))]
    : el("p", {}, String(said ?? ""));
  return [el("div.bubble.spoken", {}, badge("neutral", icon("sound"), isMarkup ? "spoken, SSML" : "spoken"), content)];
}

function signal(symbol, title, ...content) {
  return [el("div.signal", {}, el("p.signal-title", {}, icon(symbol), el("span", {}, title)), content)];
}

function metadata(value, label) {
  const data = value?.metadata;
  return data && Object.keys(data).length ? valueBlock(data, label) : null;
}

function payload(value, send) {
  if (value && typeof value === "object" && "richContent" in value) {
    const {richContent: cards, ...others} = value;
    const rest = Object.keys(others).length ? signal("info", "More of the payload", valueBlock(others, "Payload")) : [];
    return [...richContent(cards, send), ...rest];
  }
  return signal("info", "Custom payload", valueBlock(value, "Payload"));
}

function segment(part) {
  return el("li", {}, part.uri === undefined ? "audio, within the message" : link(part.uri, "Audio"));
}

const KINDS = {
  text: (value, send, message) => text(message),
  payload,
  outputAudioText: spoken,
  playAudio: (value) => signal("sound", "Plays a recording", link(value.audioUri, "Audio")),
  mixedAudio: (value) => signal("sound", "Mixed audio", el("ul", {}, (value.segments ?? []).map(segment))),
  telephonyTransferCall: (value) => signal("phone", `Transfers the call to ${value.phoneNumber ?? "nobody"}`),
  liveAgentHandoff: (value) => signal("phone", "Hands over to a person", metadata(value, "Metadata of the hand-over")),
  conversationSuccess: (value) => signal("check", "Conversation succeeded", metadata(value, "Metadata of the success")),
  endInteraction: () => signal("cross", "The interaction ends"),
  knowledgeInfoCard: (value) => signal("info", "Knowledge card",
    Object.keys(value ?? {}).length ? valueBlock(value, "Knowledge card") : null),
  toolCall: (value) => signal("bolt", "Calls a tool", valueBlock(value, "Tool call")),
};

function raw(problem, message) {
  return signal("alert", problem, valueBlock(message, "Message"));
}

/** A message of a wrong form, which CX would refuse, is shown as JSON. */
function shown(kind, message, send) {
  try {
    return KINDS[kind](message[kind] ?? {}, send, message);
  } catch {
    return raw("A message that cannot be shown", message);
  }
}

/** The elements of a message. `send` plays a turn with an input, for what can be clicked. */
export function messageView(message, send) {
  const kind = Object.keys(KINDS).find((name) => message !== null && typeof message === "object" && name in message);
  const labels = [];
  if (typeof message?.channel === "string" && message.channel) {
    labels.push(badge("neutral", `only on channel ${message.channel}`));
  }
  if (typeof message?.responseType === "string") {
    labels.push(badge("neutral", message.responseType.toLowerCase().replaceAll("_", " ")));
  }
  const content = kind ? shown(kind, message, send) : raw("A message without a kind", message);
  return el("div.message", {}, hidden("Agent: "), labels.length ? el("p.labels", {}, labels) : null, content);
}
