// Puts the page together: one state from the server, shown in three panes.

import {get, post, Problem} from "./api.js";
import {showCall} from "./call.js";
import {Composer, jsonObject} from "./composer.js";
import {Conversation} from "./conversation.js";
import {showSession} from "./session.js";
import {wireToolbar} from "./toolbar.js";

const byId = (id) => document.getElementById(id);
const places = {parameters: byId("session-parameters"), page: byId("session-page"), facts: byId("session-facts")};

const TOLD_MS = 6000;

let state = null;
let busy = false;
let selected = null;

function problem(sentence) {
  byId("problem-text").textContent = sentence;
  byId("problem").hidden = !sentence;
}

let fading = 0;

function told(sentence) {
  clearTimeout(fading);
  byId("status").textContent = sentence;
  fading = setTimeout(() => byId("status").replaceChildren(), TOLD_MS);
}

function setBusy(on) {
  busy = on;
  byId("waiting").hidden = !on;
  byId("log").setAttribute("aria-busy", String(on));
  if (on) {
    byId("log").scrollTop = byId("log").scrollHeight;
  }
  edited();
}

/** Whether something can be sent now: an ended session takes no new turn, but an earlier one can be edited. */
function edited() {
  const ended = Boolean(state?.ended) && composer.editing === null;
  byId("ended").hidden = !ended;
  for (const sender of document.querySelectorAll("[data-sends]")) {
    sender.setAttribute("aria-disabled", String(busy || ended));
  }
}

function select(number, index, open = false) {
  selected = [number, index];
  const turn = state.turns.find((one) => one.number === number);
  showCall(byId("call-content"), byId("call-title"), turn, index);
  conversation.mark(number, index);
  if (open) {
    showPane("call");
    byId("call-pane").scrollTop = 0;
    byId("call-title").focus({preventScroll: false});
  }
}

/** Shows a state, and selects its newest call where something was played. */
function show(next, isNew) {
  state = next;
  byId("app").textContent = next.app;
  byId("way").textContent = next.in_process ? "in this process" : "over HTTP";
  composer.tags(next.tags);
  conversation.show(next.turns);
  showSession(places, next);
  const last = next.turns.at(-1);
  const still = next.turns.find((turn) => turn.number === selected?.[0]);
  if (last && (isNew || !still)) {
    select(last.number, last.calls.length - 1);
  } else if (still) {
    select(...selected);
  } else {
    selected = null;
    showCall(byId("call-content"), byId("call-title"));
  }
  edited();
}

async function act(path, body) {
  const ended = state?.ended && path === "/api/turn";
  if (busy || ended) {
    return false;
  }
  problem("");
  told("");
  setBusy(true);
  try {
    show(await post(path, body), path !== "/api/page");
    return true;
  } catch (error) {
    if (!(error instanceof Problem)) {
      throw error;
    }
    problem(error.message);
    return false;
  } finally {
    setBusy(false);
  }
}

function showPane(name) {
  document.body.dataset.pane = name;
  for (const tab of document.querySelectorAll("[data-shows]")) {
    tab.setAttribute("aria-pressed", String(tab.dataset.shows === name));
  }
}

/** Opened, the fields have what the page and its form are now. */
function wirePage(form) {
  const opener = form.closest("details");
  opener.addEventListener("toggle", () => {
    if (opener.open && state) {
      const {display_name: name, form: fields} = state.page;
      form.elements.display_name.value = name ?? "";
      form.elements.form.value = fields
        ? JSON.stringify(Object.fromEntries(fields.map((field) => [field.name, field.value ?? null])), null, 2) : "";
    }
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      const fields = jsonObject(form.elements.form, "The form");
      await act("/api/page", {display_name: form.elements.display_name.value, form: fields});
    } catch (error) {
      problem(error.message);
    }
  });
}

const actions = {post: act, problem, told, edited, select, edit: (turn) => {
  showPane("conversation");
  composer.edit(turn);
}, send: (input) => composer.click(input)};
const conversation = new Conversation(byId("turns"), byId("log"), actions);
const composer = new Composer(byId("composer"), actions);

for (const tab of document.querySelectorAll("[data-shows]")) {
  tab.addEventListener("click", () => showPane(tab.dataset.shows));
}
byId("problem-close").addEventListener("click", () => problem(""));
wirePage(byId("page-form"));
wireToolbar(actions);
try {
  show(await (await get("/api/state")).json(), true);
} catch (error) {
  problem(error instanceof Problem ? error.message : "The page failed to start.");
}
