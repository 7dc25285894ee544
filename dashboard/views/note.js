// The analysis note: text and buttons; a piece keeps its node while it is the same kind of piece.
export function render({ model, el }) {
  const make = (tag, className, text = "") => {
    const node = document.createElement(tag);
    node.className = className;
    node.textContent = text;
    return node;
  };
  const box = make("details", "note");
  box.open = true;
  const paragraph = make("p", "text");
  const twin = make("button", "twin");
  twin.title = "Lay its decoded spectrum over this one, on the bins of the model";
  twin.onclick = () => model.send_msg({ type: "twin" });
  const meaning = make("div", "meaning");
  meaning.setAttribute("role", "status");
  box.append(make("summary", "", "Why is it strange to the model?"), paragraph, twin, meaning);
  el.append(box);

  const TITLES = {
    wavelength: "Zoom the spectrum there",
    object: "Put this object into focus",
    column: "What this means",
    term: "What this means",
  };
  // The spectrum stands above the note, in a column that scrolls.
  function showTop() {
    let node = el;
    while (node && !(node.scrollTop > 0)) node = node.parentNode ?? node.host;
    node?.scrollTo({ top: 0, behavior: "smooth" });
  }
  function follow(target) {
    if (target.startsWith("wavelength:")) showTop();
    model.send_msg({ type: "link", target });
  }
  // No button: its text would not flow with the paragraph.
  function makePiece(isLink) {
    const node = make(isLink ? "a" : "span", isLink ? "link" : "");
    if (!isLink) return node;
    node.tabIndex = 0;
    node.setAttribute("role", "button");
    node.onclick = () => follow(node.dataset.target);
    node.onkeydown = (event) => { if (event.key === "Enter") follow(node.dataset.target); };
    return node;
  }

  function drawPiece({ text, target }, at) {
    const tag = target ? "A" : "SPAN";
    let node = paragraph.childNodes[at];
    if (!node || node.tagName !== tag) {
      const fresh = makePiece(Boolean(target));
      if (node) node.replaceWith(fresh);
      else paragraph.append(fresh);
      node = fresh;
    }
    if (node.textContent !== text) node.textContent = text;
    node.dataset.target = target;
    node.title = TITLES[target.split(":")[0]] ?? "";
  }

  function draw() {
    // While a note is awaited the last one stays as it is, unseen: nothing on the page moves.
    box.style.visibility = model.is_waiting ? "hidden" : "visible";
    if (model.is_waiting) return;
    box.hidden = model.segments.length === 0;
    model.segments.forEach(drawPiece);
    while (paragraph.childNodes.length > model.segments.length) paragraph.lastChild.remove();
  }
  function drawTwin() {
    if (model.is_waiting) return;
    twin.hidden = model.twin === "";
    twin.textContent = model.twin;
    twin.classList.toggle("on", model.shows_twin);
    twin.setAttribute("aria-pressed", model.shows_twin);
  }
  function drawMeaning() {
    if (model.is_waiting) return;
    const [name, text] = model.meaning;
    meaning.hidden = !name;
    meaning.replaceChildren(make("b", "", name ?? ""), document.createTextNode(` ${text ?? ""}`));
  }
  function drawAll() {
    draw();
    drawTwin();
    drawMeaning();
  }
  model.on("segments", draw);
  model.on("meaning", drawMeaning);
  for (const name of ["twin", "shows_twin"]) model.on(name, drawTwin);
  model.on("is_waiting", drawAll);
  drawAll();
}
