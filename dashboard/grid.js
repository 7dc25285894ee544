// One page of objects as text cells. Sorting and paging happen on the server.
export function render({ model, el }) {
  const root = document.createElement("div");
  root.className = "table";
  el.appendChild(root);

  // What is pressed says what it asks for. A page may come between press and release: its nodes are
  // new then, so that the browser makes no click, but what they ask for is the same.
  const asks = (node, message) => (node.dataset.message = JSON.stringify(message));
  const asked = (event) => {
    const node = event.target.closest("[data-message]");
    return node && !node.disabled ? node.dataset.message : null;
  };
  const send = (message) => message && model.send_msg(JSON.parse(message));
  let pressed = null;
  root.addEventListener("pointerdown", (event) => {
    pressed = event.button === 0 ? asked(event) : null;
  });
  root.addEventListener("pointerup", (event) => {
    if (pressed === asked(event)) send(pressed);
    pressed = null;
  });
  root.addEventListener("click", (event) => {
    if (event.detail === 0) send(asked(event)); // from the keyboard
  });
  root.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.target.tagName === "TR") send(asked(event));
  });

  const cell = (tag, text, className) => {
    const node = document.createElement(tag);
    node.textContent = text;
    if (className) node.className = className;
    return node;
  };

  function header() {
    const row = document.createElement("tr");
    for (const column of model.columns) {
      const sorted = column.name === model.sort_by;
      const mark = sorted ? (model.is_descending ? " ↓" : " ↑") : "";
      const head = document.createElement("th");
      head.setAttribute("aria-sort", sorted ? (model.is_descending ? "descending" : "ascending") : "none");
      const button = cell("button", column.label + mark, sorted ? "sorted" : "");
      button.dataset.column = column.name;
      button.title = column.meaning;
      asks(button, { type: "sort", column: column.name });
      head.appendChild(button);
      head.className = column.align;
      row.appendChild(head);
    }
    const head = document.createElement("thead");
    head.appendChild(row);
    return head;
  }

  function body() {
    const node = document.createElement("tbody");
    for (const record of model.records) {
      const row = document.createElement("tr");
      row.dataset.row = record.row;
      row.tabIndex = 0;
      if (record.row === model.focus) row.className = "focus";
      asks(row, { type: "focus", row: record.row });
      model.columns.forEach((column, i) => {
        const node = cell("td", record.cells[i], column.align);
        node.dataset.column = column.name;
        row.appendChild(node);
      });
      node.appendChild(row);
    }
    return node;
  }

  function footer() {
    const node = document.createElement("div");
    node.className = "pager";
    const step = (label, by, enabled) => {
      const button = cell("button", label);
      button.disabled = !enabled;
      button.setAttribute("aria-label", by < 0 ? "previous page" : "next page");
      asks(button, { type: "page", by });
      node.appendChild(button);
    };
    if (model.n_pages > 1) {
      step("‹", -1, model.page > 0);
      step("›", 1, model.page < model.n_pages - 1);
    }
    node.appendChild(cell("span", model.caption, "caption"));
    return node;
  }

  function draw() {
    const table = document.createElement("table");
    table.append(header(), body());
    const scroll = document.createElement("div");
    scroll.className = "scroll";
    scroll.appendChild(table);
    const previous = root.querySelector(".scroll");
    const left = previous ? previous.scrollLeft : 0;
    root.replaceChildren(footer(), scroll);
    scroll.scrollLeft = left;
  }

  model.on("version", draw);
  model.on("focus", () => {
    for (const row of root.querySelectorAll("tbody tr")) {
      const isFocus = Number(row.dataset.row) === model.focus;
      row.className = isFocus ? "focus" : "";
      if (isFocus) row.scrollIntoView({ block: "nearest" });
    }
  });
  draw();
}
