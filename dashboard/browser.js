// What the page needs from the browser itself: the palette at its root, and the keyboard.
const TYPING = new Set(["INPUT", "TEXTAREA", "SELECT"]);

function isTyping(event) {
  const target = event.composedPath()[0];
  const isChoice = target.type === "radio" || target.type === "checkbox";
  return (TYPING.has(target.tagName) && !isChoice) || target.isContentEditable;
}

function nameOf(event) {
  const control = event.ctrlKey || event.metaKey ? "ctrl+" : "";
  const shift = event.shiftKey && event.key.length > 1 ? "shift+" : "";
  const key = control && event.shiftKey ? `shift+${event.key}` : event.key;
  return control + shift + key.toLowerCase();
}

// Bokeh looks every visual property up in the style sheets, 1,500 times a click; no sheet has any.
function answerBokeh() {
  try {
    const { VisualProperties } = Bokeh.require("core/visuals/visual");
    VisualProperties.prototype._get_css_value = () => "";
  } catch {
    // Another Bokeh has it elsewhere, and paints as it always did.
  }
}

// Figures clear all but half of their outermost pixels: another theme would shine through there.
function wipe() {
  for (const { canvas_view } of Bokeh.index.all_views()) {
    for (const layer of canvas_view ? [canvas_view.primary, canvas_view.overlays] : []) {
      layer.ctx.save();
      layer.ctx.resetTransform();
      layer.ctx.clearRect(0, 0, layer.canvas.width, layer.canvas.height);
      layer.ctx.restore();
    }
  }
}

export function render({ model, el }) {
  const style = document.createElement("style");
  document.head.appendChild(style);
  const paint = () => { style.textContent = model.css; };
  model.on("css", () => { paint(); wipe(); });
  paint();
  answerBokeh();

  const listen = (event) => {
    if (event.altKey || isTyping(event)) return;
    const name = nameOf(event);
    if (!model.keys.includes(name)) return;
    event.preventDefault();
    if (name === "/") {
      find(document, ".search input")?.focus();
      return;
    }
    if (name === "?") {
      const list = find(document, "details.keys");
      if (list) list.open = !list.open;
      return;
    }
    const menu = name === "escape" && find(document, "details[open] > .menu");
    if (menu) {
      menu.parentElement.open = false;
      return;
    }
    model.send_msg({ type: "key", name });
  };
  document.addEventListener("keydown", listen);
  model.on("remove", () => {
    document.removeEventListener("keydown", listen);
    style.remove();
  });
}

// What is looked for stands inside shadow roots, where querySelector does not look.
function find(root, selector) {
  const found = root.querySelector(selector);
  if (found) return found;
  for (const node of root.querySelectorAll("*")) {
    const inner = node.shadowRoot && find(node.shadowRoot, selector);
    if (inner) return inner;
  }
  return null;
}
