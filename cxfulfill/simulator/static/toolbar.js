// What is done with the whole conversation: save, load, export, begin anew; and the colour scheme.

import {get, Problem} from "./api.js";

const MAX_FILE = 900_000;
const SCHEMES = ["system", "light", "dark"];

const byId = (id) => document.getElementById(id);

function download(filename, text) {
  const url = URL.createObjectURL(new Blob([text], {type: "text/plain"}));
  const anchor = document.createElement("a");
  anchor.href = url;
  anchor.download = filename;
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

async function save() {
  const response = await get("/api/conversation");
  download("conversation.jsonl", await response.text());
  return "The conversation is saved as conversation.jsonl.";
}

const exporter = (form) => async () => {
  const {filename, text} = await (await get(`/api/export/${form}`)).json();
  download(filename, text);
  return `The conversation is exported as ${filename}.`;
};

async function load(actions, files) {
  const [file] = files;
  if (!file) {
    return;
  }
  if (file.size > MAX_FILE) {
    actions.problem("The file is too large for a conversation.");
    return;
  }
  if (await actions.post("/api/conversation", {text: await file.text()})) {
    actions.told(`${file.name} is loaded.`);
  }
}

function guarded(actions, action) {
  return async () => {
    try {
      actions.told(await action());
    } catch (error) {
      if (!(error instanceof Problem)) {
        throw error;
      }
      actions.problem(error.message);
    }
  };
}

function wireScheme() {
  const field = byId("scheme");
  const chosen = document.documentElement.dataset.scheme;
  field.value = SCHEMES.includes(chosen) ? chosen : "system";
  field.addEventListener("change", () => {
    if (field.value === "system") {
      delete document.documentElement.dataset.scheme;
      localStorage.removeItem("cxfulfill-scheme");
    } else {
      document.documentElement.dataset.scheme = field.value;
      localStorage.setItem("cxfulfill-scheme", field.value);
    }
  });
}

function wireMenu() {
  const [opener, menu] = [byId("menu-button"), byId("menu")];
  const set = (open) => {
    opener.setAttribute("aria-expanded", String(open));
    menu.classList.toggle("is-open", open);
  };
  opener.addEventListener("click", () => set(opener.getAttribute("aria-expanded") !== "true"));
  menu.addEventListener("click", (event) => event.target.closest("button") && set(false));
  menu.parentElement.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && opener.getAttribute("aria-expanded") === "true") {
      set(false);
      opener.focus();
    }
  });
}

export function wireToolbar(actions) {
  const file = byId("file");
  const dialog = byId("reset-dialog");
  byId("save").addEventListener("click", guarded(actions, save));
  byId("export-pytest").addEventListener("click", guarded(actions, exporter("pytest")));
  byId("export-curl").addEventListener("click", guarded(actions, exporter("curl")));
  byId("load").addEventListener("click", () => file.click());
  file.addEventListener("change", async () => {
    await load(actions, file.files);
    file.value = "";
  });
  byId("reset").addEventListener("click", () => dialog.showModal());
  byId("reset-no").addEventListener("click", () => dialog.close());
  byId("reset-yes").addEventListener("click", async () => {
    dialog.close();
    if (await actions.post("/api/reset", {})) {
      actions.told("A new session has begun.");
    }
  });
  wireScheme();
  wireMenu();
}
