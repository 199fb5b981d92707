// The page's side of its API. The token stands in the URL's fragment, which a browser sends to nobody.

const KEPT = "cxfulfill-token";

function token() {
  const given = location.hash.slice(1);
  if (given) {
    sessionStorage.setItem(KEPT, given);
    history.replaceState(null, "", location.pathname);
  }
  return sessionStorage.getItem(KEPT) ?? "";
}

const authorization = `Bearer ${token()}`;

export class Problem extends Error {}

async function ask(path, options) {
  let response;
  try {
    response = await fetch(path, {cache: "no-store", credentials: "omit", redirect: "error", ...options});
  } catch {
    throw new Problem("The console does not answer. Is its command still running?");
  }
  if (response.ok) {
    return response;
  }
  const told = await response.json().catch(() => ({}));
  throw new Problem(told.problem ?? `The console answered with ${response.status}.`);
}

export async function get(path) {
  return ask(path, {headers: {Authorization: authorization}});
}

export async function post(path, body) {
  const headers = {
    Authorization: authorization,
    "Content-Type": "application/json",
    "X-Cxfulfill-Console": "1",
  };
  const response = await ask(path, {method: "POST", headers, body: JSON.stringify(body)});
  return (await response.json()).state;
}
