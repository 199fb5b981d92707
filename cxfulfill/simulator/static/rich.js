// Rich content, as Dialogflow Messenger shows it. Nothing is loaded from elsewhere: pictures are placeholders.

import {badge, button, details, el, icon, link, webUrl} from "./dom.js";
import {valueBlock} from "./json.js";

/** Where a picture would be. */
export function picture(url, text, {small = false} = {}) {
  const label = text || (small ? null : "No description");
  return el(`span.picture${small ? ".small-picture" : ""}`, {},
    icon("image"), label ? el("span.picture-text", {}, label) : null,
    webUrl(url) ? link(url, "Picture", {bare: small}) : el("span.target", {}, url ? String(url) : "no URL"));
}

const hrefOf = (item) => item.anchor?.href ?? item.actionLink ?? item.link;
const pictureOf = (item) => item.image?.rawUrl ?? item.image?.src?.rawUrl;
const eventOf = (item) => item.event?.event ?? item.event?.name;
const lines = (value) => (Array.isArray(value) ? value : [value]).filter((line) => line !== undefined).map(String);

function heading(item) {
  return el("span.item-head", {},
    item.title === undefined ? null : el("span.item-title", {}, String(item.title)),
    item.subtitle === undefined ? null : el("span.item-subtitle", {}, String(item.subtitle)));
}

function media(item) {
  const url = pictureOf(item);
  return url === undefined ? null : picture(url, item.accessibilityText, {small: true});
}

function action(item, content, send) {
  const [href, event] = [hrefOf(item), eventOf(item)];
  if (event !== undefined) {
    return button("button.item-action", {onclick: () => send({kind: "event", value: String(event)})},
      content, badge("neutral", icon("bolt"), `event ${event}`));
  }
  return href === undefined ? content : link(href, content);
}

function info(item, send) {
  return el("div.item.info", {}, media(item), action(item, heading(item), send));
}

function description(item) {
  return el("div.item", {}, heading(item), lines(item.text).map((line) => el("p", {}, line)));
}

function image(item) {
  const url = item.rawUrl ?? pictureOf(item);
  const href = hrefOf(item);
  return el("div.item", {}, picture(url, item.accessibilityText), href === undefined ? null : link(href, "Opens on a click"));
}

function video(item) {
  const href = item.source?.anchor?.href ?? hrefOf(item);
  return el("div.item", {}, el("span.picture", {}, icon("video"),
    el("span.picture-text", {}, item.accessibilityText || "Video without a description"),
    href === undefined ? null : link(href, "Watch"),
    item.source?.type ? el("span.target", {}, `source: ${item.source.type}`) : null));
}

function buttonItem(item, send) {
  const content = el("span.button-text", {}, item.icon?.type ? badge("neutral", `icon ${item.icon.type}`) : null,
    el("span", {}, String(item.text ?? "")));
  if (hrefOf(item) === undefined && eventOf(item) === undefined) {
    return el("div.item", {}, el("span.item-action.inert", {}, content,
      el("span.target", {}, "a click is for scripts of the page")));
  }
  return el("div.item.link-button", {}, action(item, content, send));
}

function accordion(item) {
  return el("div.item", {}, details("details.accordion", el("span.accordion-head", {}, media(item), heading(item)),
    el("div.source", {}, lines(item.text).map((line) => el("p", {}, line)))));
}

function chip(option, send) {
  const text = String(option.text ?? "");
  const href = hrefOf(option);
  const content = [pictureOf(option) ? icon("image") : null, text];
  if (href !== undefined) {
    return webUrl(href) ? el("li", {}, el("span.chip", {}, link(href, content, {bare: true}))) : el("li", {}, link(href, content));
  }
  const event = eventOf(option);
  const input = event === undefined ? {kind: "text", value: text} : {kind: "event", value: String(event)};
  return el("li", {}, button("button.chip", {onclick: () => send(input)}, content));
}

function chips(item, send) {
  return el("ul.chips", {"aria-label": "Suggestions"}, lists(item.options).map((option) => chip(option, send)));
}

function citations(item) {
  return el("div.item", {}, el("p.item-title", {}, "Sources"), el("ol.citations", {}, lists(item.citations).map((one) =>
    el("li", {}, hrefOf(one) === undefined ? heading(one) : link(hrefOf(one), heading(one))))));
}

function filesItem(item) {
  return el("div.item", {}, el("ul.files", {}, lists(item.files).map((file) => {
    const name = el("span", {}, icon("file"), String(file.name ?? "File"));
    return el("li", {}, media(file), hrefOf(file) === undefined ? name : link(hrefOf(file), name));
  })));
}

function html(item) {
  return el("div.item", {}, badge("neutral", "HTML source"),
    el("pre.body", {tabindex: "0", role: "region", "aria-label": "HTML source"}, el("code", {}, String(item.html ?? ""))));
}

function template(item) {
  return el("div.item", {}, badge("neutral", `template ${item.name ?? ""}`),
    item.payload === undefined ? null : valueBlock(item.payload, "Payload of the template"));
}

function unknown(item, problem) {
  const kind = problem ?? (typeof item?.type === "string" ? `unknown kind: ${item.type}` : "item without a type");
  return el("div.item", {}, badge("warning", icon("alert"), kind), valueBlock(item, "Item"));
}

const lists = (value) => (Array.isArray(value) ? value : []).filter((one) => one !== null && typeof one === "object");

const KINDS = {
  info, description, image, video, button: buttonItem, list: info, accordion, chips, match_citations: citations,
  files: filesItem, html, custom_template: template, divider: () => el("hr.divider", {}),
};

/** An item whose members are not what its kind has, so that it cannot be shown, is shown as JSON. */
function itemOf(item, send) {
  try {
    return Object.hasOwn(KINDS, item?.type ?? "") ? KINDS[item.type](item, send) : unknown(item);
  } catch {
    return unknown(item, "cannot be shown");
  }
}

/** The cards of a payload's `richContent`; an item alone, as older bots send it, is a card of its own. */
export function richContent(content, send) {
  if (!Array.isArray(content)) {
    return [valueBlock(content, "Rich content")];
  }
  return content.map((card) => {
    const items = Array.isArray(card) ? card : [card];
    const bare = items.every((item) => item?.type === "chips");
    return el(bare ? "div.card-bare" : "div.card", {}, items.map((item) => itemOf(item, send)));
  });
}
