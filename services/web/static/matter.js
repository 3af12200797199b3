/* Forms made from a schema: pickers that ask the server, rows added and dropped, files dropped. */
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const on = (type, handle) => document.addEventListener(type, handle);

  const turns = new WeakMap();
  function picker(select) {
    if (select.tomselect || !window.TomSelect) return;
    const line = (item, escape) => `<div>${escape(item.text)}${item.note ? `<span class="pick-note">${escape(item.note)}</span>` : ""}</div>`;
    const grouped = (found) => [...new Set(found.map((item) => item.group))].filter(Boolean).map((group) => ({ group }));
    new TomSelect(select, {
      valueField: "value", labelField: "text", searchField: [], score: () => () => 1, maxOptions: 200, preload: "focus",
      optgroupField: "group", optgroupValueField: "group", optgroupLabelField: "group", lockOptgroupOrder: true,
      plugins: select.multiple ? ["remove_button"] : [], hideSelected: select.multiple, placeholder: select.dataset.placeholder,
      copyClassesToDropdown: false, loadThrottle: 200, refreshThrottle: 0,
      load(_, show) {
        const query = this.inputValue();  // letters may have come before the list hung down, and opening it asks for nothing
        const turn = turns.set(select, (turns.get(select) || 0) + 1).get(select);
        this.clearOptions();
        this.clearOptionGroups();
        fetch(`${select.dataset.pickFrom}?q=${encodeURIComponent(query)}`, { headers: { "HX-Request": "true" } })
          .then((answer) => (answer.ok ? answer.json() : []))
          .then((found) => (turn === turns.get(select) ? show(found, grouped(found)) : show([])), () => show());  // an answer overtaken by a later one says nothing
      },
      render: { option: line, item: line, no_results: () => '<div class="no-results">没有匹配项</div>', loading: () => '<div class="no-results">正在查找…</div>' },
    });
    select.setAttribute("aria-hidden", "true");
  }
  const enhance = (root) => all("select[data-pick-from]", root).forEach(picker);
  on("htmx:afterSettle", (event) => enhance(event.detail.target));
  on("DOMContentLoaded", () => enhance(document));

  function addRow(button) {
    const set = button.closest("[data-rows-of]");
    const place = set.querySelector("[data-rows-in]");
    const next = Math.max(-1, ...all("[data-row-of]", place).map((row) => Number(row.dataset.n ?? all("[name]", row)[0].name.split(".").at(-2)))) + 1;
    const holder = document.createElement("div");
    holder.innerHTML = set.querySelector("template").innerHTML.replaceAll("__n__", next);
    const row = holder.firstElementChild;
    row.dataset.n = next;
    place.append(row);
    htmx.process(row);
    htmx.trigger(row, "htmx:afterSettle", { target: row });  // widgets of app.js start on it
    row.querySelector("input, select, textarea")?.focus();
  }
  const changed = (elt) => elt.dispatchEvent(new Event("change", { bubbles: true }));
  on("click", ({ target }) => {
    const add = target.closest("[data-add-row]"), row = target.closest("[data-drop-row]"), file = target.closest("[data-drop-file]");
    if (add) addRow(add);
    if (row || file) {
      const form = target.closest("form");
      (row ? row.closest("[data-row-of]") : file.closest("li")).remove();
      changed(form);
    }
  });
  // what would be refused is not sent at all; the other files chosen with it are
  document.addEventListener("change", (event) => {
    const input = event.target;
    if (!input.matches?.("[data-upload]")) return;
    const fits = (file) => file.size <= Number(input.dataset.upload) * 1024 * 1024;
    const chosen = [...input.files], kept = new DataTransfer();
    if (chosen.every(fits)) return;
    chosen.filter((file) => !fits(file)).forEach((file) => document.dispatchEvent(new CustomEvent("duban:toast", {
      detail: { text: `“${file.name}”超过 ${input.dataset.upload} MB，请压缩或分开后再上传`, bad: true } })));
    chosen.filter(fits).forEach((file) => kept.items.add(file));
    input.files = kept.files;
    if (!kept.files.length) event.stopPropagation();
  }, true);
  on("htmx:afterRequest", ({ detail }) => {
    if (!detail.elt.matches?.("[data-upload]") || detail.xhr.status === 401) return;  // after logging in again they go up
    detail.elt.value = "";
    changed(detail.elt.form);
  });
  // what was shown once does not stay in the page behind a closed dialog
  document.addEventListener("close", (event) => { if (event.target.id === "dialog") document.querySelector("#dialog-body").replaceChildren(); }, true);
})();
