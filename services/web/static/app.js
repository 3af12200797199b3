/* All behaviour by delegation on the document: what htmx swaps in works without being wired up. */
(() => {
  const one = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const on = (type, handle) => document.addEventListener(type, handle);
  const typing = (target) => target.closest("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]");

  /* toasts */
  function toast(text, bad = false) {
    const shown = document.createElement("div");
    shown.className = bad ? "toast-box bad" : "toast-box";
    shown.textContent = text;
    one("#toasts").append(shown);
    setTimeout(() => shown.remove(), bad ? 9000 : 4000);
  }
  on("duban:toast", (event) => toast(event.detail.text, event.detail.bad));

  /* htmx: the token, addresses without empty filters, what goes wrong */
  on("htmx:configRequest", (event) => {
    const { verb, headers, formData } = event.detail;
    const token = one("meta[name=csrf]");
    if (token && !formData.has("csrf")) headers["X-CSRF-Token"] = token.content;
    if (verb === "get") [...formData.entries()].forEach(([name, value]) => value === "" && formData.delete(name));
  });
  let leaving = false;
  addEventListener("pagehide", () => { leaving = true; });
  addEventListener("pageshow", () => { leaving = false; });
  const unasked = (elt) => leaving || elt.matches("[data-quiet]");
  on("htmx:sendError", ({ detail }) => unasked(detail.elt) || toast("网络不通，请检查网络后重试", true));
  on("htmx:timeout", ({ detail }) => unasked(detail.elt) || toast("等待超时，请稍后重试", true));
  on("htmx:responseError", (event) => {
    const { xhr, elt } = event.detail;
    if (unasked(elt)) return;
    if (xhr.status === 401) return void askToLogIn(event.detail);
    if (!xhr.getResponseHeader("HX-Trigger")) toast(told(xhr), true);
  });
  function told(xhr) {
    try { return JSON.parse(xhr.responseText).zh; } catch { return "请求未能完成，请稍后重试"; }
  }

  /* a session that ended while somebody was typing: log in here, then go on with what was asked */
  let interrupted = null;
  function askToLogIn({ elt, requestConfig }) {
    interrupted = { elt, verb: requestConfig.verb, type: requestConfig.triggeringEvent?.type };
    const login = encodeURIComponent(document.body.dataset.login || "");
    htmx.ajax("get", `/login?login=${login}`, { target: "#log-in-body" }).then(() => open("#log-in"));
  }
  on("duban:loggedin", () => {
    one("#log-in").close();
    const { elt, verb, type } = interrupted || {};
    interrupted = null;
    if (!elt || !elt.isConnected) return;
    if (elt.matches("form") && verb !== "get") elt.requestSubmit();
    else htmx.trigger(elt, elt.matches("form") ? "submit" : type || "click");
  });

  /* dialogs: whatever is swapped into one opens it */
  function open(selector) {
    const box = one(selector);
    if (!box.open) box.showModal();
    const first = one("[autofocus]", box);
    if (first) first.focus();
  }
  on("duban:close", () => all("dialog[open]").forEach((box) => box.close()));
  on("htmx:afterSettle", (event) => {
    const box = event.detail.target.closest("#dialog, #drawer");
    if (box) open(`#${box.id}`);
    enhance(event.detail.target);
  });
  let agreed = null;
  on("htmx:confirm", (event) => {
    if (!event.detail.question) return;
    event.preventDefault();
    agreed = () => event.detail.issueRequest(true);
    one("#confirm-text").textContent = event.detail.question;
    one("#confirm").returnValue = "";
    open("#confirm");
  });
  document.addEventListener("close", (event) => {
    if (event.target.id === "confirm" && event.target.returnValue === "yes" && agreed) agreed();
    if (event.target.id === "confirm") agreed = null;
  }, true);

  /* widgets, started once what they stand in has settled */
  function enhance(root) {
    if (window.TomSelect) all("select[data-searchable]", root).forEach(searchable);
    if (window.flatpickr) all("input[data-date]", root).forEach(calendar);
    all("textarea[data-count]", root).forEach(counted);
    const first = one("[data-focus]", root);
    if (first) first.focus();
    showSelection();
  }
  function searchable(select) {
    if (select.tomselect) return;
    new TomSelect(select, {
      plugins: select.multiple ? ["remove_button"] : [], maxOptions: 500, hideSelected: select.multiple,
      searchField: ["text", "search"], copyClassesToDropdown: false, placeholder: select.dataset.placeholder || "",
      refreshThrottle: 0,  // later it would hang down again over whatever field the hand has moved on to
      render: { no_results: () => '<div class="no-results">没有匹配项</div>' },
    });
    select.setAttribute("aria-hidden", "true");
  }
  function calendar(input) {
    if (input._flatpickr) return;
    flatpickr(input, { locale: "zh", dateFormat: "Y-m-d", allowInput: true, disableMobile: true });
    input.addEventListener("input", () => input._flatpickr.close());  // whoever types a date has no use for the calendar over his form
  }
  function counted(area) {
    if (area.nextElementSibling?.matches(".counter")) return;
    const counter = document.createElement("div");
    counter.className = "counter";
    const show = () => { counter.textContent = `${area.value.length} / ${area.dataset.count}`; };
    area.addEventListener("input", show);
    area.after(counter);
    show();
  }

  /* a search fires when the hand rests, never in the middle of a composition */
  let rest = 0;
  function typed(event) {
    const field = event.target;
    if (!field.matches?.("[data-typed]") || (event.isComposing && event.type === "input")) return;
    clearTimeout(rest);
    rest = setTimeout(() => field.dispatchEvent(new Event("typed", { bubbles: true })), 300);
  }
  on("input", typed);
  on("compositionend", typed);
  on("compositionstart", () => clearTimeout(rest));
  // leaving the search, to press on what it found, asks nothing: a new answer would take the find from under the hand
  document.addEventListener("change", (event) => {
    if (event.target.matches?.("[data-typed]")) event.stopPropagation();
  }, true);

  /* a corrected field is no longer marked as wrong */
  function mended({ target }) {
    if (!target.matches?.("[aria-invalid]")) return;
    target.removeAttribute("aria-invalid");
    target.classList.remove("is-invalid");
    target.tomselect?.wrapper.classList.remove("is-invalid");
    document.getElementById(`${target.id}-e`)?.remove();
  }
  on("input", mended);
  on("change", mended);

  /* choosing several rows */
  function showSelection() {
    const bar = one("[data-bulk]");
    if (!bar) return;
    const boxes = all("[data-pick]"), count = boxes.filter((box) => box.checked).length;
    bar.hidden = count === 0;
    one("[data-selected]", bar).textContent = count;
    const everything = one("[data-pick-all]");
    everything.checked = count > 0 && count === boxes.length;
    everything.indeterminate = count > 0 && count < boxes.length;
  }
  on("change", ({ target }) => {
    if (target.matches("[data-pick-all]")) all("[data-pick]").forEach((box) => { box.checked = target.checked; });
    if (target.matches("[data-pick], [data-pick-all]")) showSelection();
  });

  /* small buttons */
  const buttons = {
    "[data-theme-toggle]": () => {
      const theme = document.documentElement.dataset.bsTheme === "dark" ? "light" : "dark";
      document.documentElement.dataset.bsTheme = theme;
      try { localStorage.setItem("theme", theme); } catch { /* storage is switched off */ }
      document.dispatchEvent(new Event("duban:theme"));
    },
    "[data-side-open]": (button) => side(!one("#side").classList.contains("open"), button),
    "[data-side-close]": () => side(false),
    "[data-dialog]": (button) => open(button.dataset.dialog),
    "[data-close]": (button) => button.closest("dialog").close(),
    "[data-unselect]": () => { all("[data-pick]").forEach((box) => { box.checked = false; }); showSelection(); },
    "[data-print]": () => print(),
    "[data-copy]": (button) => navigator.clipboard.writeText(button.dataset.copy).then(
      () => toast("已复制"), () => toast("复制失败，请手动选择", true)),
  };
  on("click", (event) => {
    for (const [selector, press] of Object.entries(buttons)) {
      const button = event.target.closest(selector);
      if (button) press(button);
    }
    all("details.menu[open]").forEach((menu) => { if (!menu.contains(event.target)) menu.open = false; });
    if (event.target.matches("dialog.box:not(#confirm)")) event.target.close();
  });
  function side(shown) {
    one("#side")?.classList.toggle("open", shown);
    one("[data-side-open]")?.setAttribute("aria-expanded", shown);
  }

  /* the keyboard */
  const keys = {
    "/": () => (one("#f-q") || one("[data-global-search]")).focus(),
    "?": () => open("#keys"),
    j: () => step(1),
    k: () => step(-1),
    x: () => one("[data-pick]", document.activeElement.closest("tr") || document.createElement("i"))?.click(),
  };
  /* below the search box: down into what it found, and back up */
  function walkFound(event) {
    const box = event.target.closest(".search"), by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!box || !by) return;
    const stops = [one("input", box), ...all(".quick a", box)];
    const next = stops[stops.indexOf(event.target) + by];
    if (next) { event.preventDefault(); next.focus(); }
  }
  function step(by) {
    const rows = all("[data-rows] tbody tr, [data-rows] [data-row]");
    if (!rows.length) return;
    const now = rows.findIndex((row) => row.contains(document.activeElement));
    const row = rows[Math.max(0, Math.min(rows.length - 1, now + by))];
    one("a", row).focus();
    row.scrollIntoView({ block: "nearest" });
  }
  on("keydown", (event) => {
    if (event.isComposing) return;
    walkFound(event);
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      const form = event.target.closest("form[data-submit]");
      if (form) event.preventDefault();
      if (form && !one("[type=submit]", form)?.disabled) form.requestSubmit();  // a file on its way up holds the form back
      return;
    }
    if (event.key === "Escape") {
      side(false);
      all("details.menu[open]").forEach((menu) => { menu.open = false; });
      if ((typing(event.target) && !event.target.closest("dialog")) || event.target.closest(".quick")) event.target.blur();
      return;
    }
    if (event.ctrlKey || event.altKey || event.metaKey || typing(event.target) || one("dialog[open]")) return;
    const press = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (press) { event.preventDefault(); press(); }
  });

  enhance(document);
})();
