// When the socket is lost: wait until a process of the server answers, then load the page again.
// Any process has the filters, the selection and the undo list of the session.
const SESSION = "bokeh-session-id";
const sleep = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

async function comeBack(id) {
  for (let wait = 300; ; wait = Math.min(2 * wait, 10000)) {
    await sleep(wait);
    try {
      const answer = await fetch(`health?session=${encodeURIComponent(id)}`);
      if (!answer.ok) continue;
      const place = new URL(window.location.href);
      if ((await answer.json()).session) place.searchParams.set(SESSION, id);
      window.location.replace(place);
      return;
    } catch {
      continue;
    }
  }
}

export function render({ model, view }) {
  // A session belongs to one page: its id must not be copied with the address.
  const place = new URL(window.location.href);
  if (place.searchParams.has(SESSION)) {
    place.searchParams.delete(SESSION);
    window.history.replaceState(null, "", place);
  }
  let isLeaving = false;
  window.addEventListener("beforeunload", () => { isLeaving = true; });
  window.addEventListener("focus", () => { isLeaving = false; });
  view.model.document.on_event("connection_lost", () => {
    if (!isLeaving && model.session_id) comeBack(model.session_id);
  });
}
