// The expression box: Enter applies, Escape clears, a caret stands under the wrong character.
export function render({ model, el }) {
  const make = (tag, className, text = "") => {
    const node = document.createElement(tag);
    node.className = className;
    node.textContent = text;
    return node;
  };
  const root = make("div", "box");
  const head = make("div", "head");
  const toggle = make("button", "columns", "columns");
  toggle.title = "Every column with its unit and meaning; a click writes its name";
  head.append(make("span", "name", "Expression"), toggle);
  const field = make("input", "field");
  field.placeholder = model.placeholder;
  field.spellcheck = false;
  field.autocomplete = "off";
  field.setAttribute("aria-label", "Expression");
  const caretLine = make("div", "caret");
  const caret = make("pre", "");
  caretLine.append(caret);
  const error = make("div", "fault");
  error.setAttribute("role", "alert");
  const status = make("div", "status");
  const list = make("div", "list");
  list.hidden = true;
  root.append(head, field, caretLine, error, status, list);
  el.append(root);

  const apply = (text) => model.send_msg({ type: "apply", text });
  const follow = () => { caret.style.transform = `translateX(${-field.scrollLeft}px)`; };
  field.addEventListener("scroll", follow);
  field.addEventListener("input", () => { caretLine.hidden = true; });
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter") apply(field.value);
    if (event.key === "Escape") {
      field.value = "";
      apply("");
    }
  });

  function draw() {
    // What a person types while an answer comes is theirs: only a new text takes its place.
    if (field.value.trim() !== model.text.trim()) field.value = model.text;
    const isWrong = model.error !== "";
    root.classList.toggle("wrong", isWrong);
    error.textContent = model.error;
    status.textContent = model.status;
    status.hidden = isWrong;
    caretLine.hidden = !isWrong || model.caret < 0;
    caret.textContent = " ".repeat(Math.max(0, model.caret)) + "^";
    if (!caretLine.hidden) {
      const width = caret.getBoundingClientRect().width / caret.textContent.length || 6.6;
      field.scrollLeft = Math.max(0, model.caret * width - field.clientWidth / 2);
    }
    follow();
  }

  const search = make("input", "search-columns");
  search.placeholder = "search name or meaning";
  search.setAttribute("aria-label", "Search columns");
  const rows = make("div", "rows");
  list.append(search, rows);
  function listColumns() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const found = model.columns.filter(({ name, unit, meaning }) => {
      const text = `${name} ${unit} ${meaning}`.toLowerCase();
      return words.every((word) => text.includes(word));
    });
    rows.replaceChildren(...found.map((column) => {
      const row = make("button", "column");
      const name = make("b", "", column.name);
      row.append(name, make("div", "", column.meaning + (column.unit ? ` [${column.unit}]` : "")));
      row.onclick = () => {
        const word = column.name.split(" ")[0];
        const [start, end] = [field.selectionStart, field.selectionEnd];
        field.setRangeText(word, start, end, "end");
        field.focus();
      };
      return row;
    }));
    if (found.length === 0) rows.replaceChildren(make("div", "", "no such column"));
  }
  search.addEventListener("input", listColumns);
  toggle.onclick = () => {
    list.hidden = !list.hidden;
    toggle.textContent = list.hidden ? "columns" : "close columns";
    if (!list.hidden) {
      listColumns();
      search.focus();
    }
  };
  model.on("version", draw);
  draw();
}
