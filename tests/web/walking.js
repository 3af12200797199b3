/* What a walk asks of a page: an expression that tests/web/test_every_page_in_browser.py evaluates in it. */
({
  /* all that is read or read aloud, and apart from it the texts of codes */
  texts() {
    const names = ["placeholder", "aria-label", "title", "alt"];
    const spoken = [...document.querySelectorAll(names.map((name) => `[${name}]`))]
      .filter((e) => e.checkVisibility()).flatMap((e) => names.map((name) => e.getAttribute(name)));
    const codes = [...document.querySelectorAll(".code, code, kbd, pre, [data-code]")].map((e) => e.innerText);
    return [[document.body.innerText, document.title, ...spoken.filter(Boolean)].join("\n"), codes.join("\n")];
  },

  /* buttons that nothing answers: no request, no form, no attribute that a script of ours knows; links to nowhere */
  async dead() {
    const ours = [...document.scripts].filter((s) => s.src && !s.src.includes("/vendor/"));
    const sources = await Promise.all(ours.map((s) => fetch(s.src).then((answer) => answer.text())));
    const known = [...new Set(sources.join().match(/\[data-[a-z-]+/g))].map((start) => `${start}]`);
    const sends = (form) => form?.matches("[hx-post], [hx-get], [method=dialog], [action]");
    const answered = (b) => b.matches("[hx-get], [hx-post], [hx-put], [hx-delete]") || known.some((k) => b.matches(k))
      || (b.type === "submit" && sends(b.form)) || b.closest(".ts-wrapper, .flatpickr-calendar");
    const leads = (href) => href && !/^#$|^javascript:/.test(href) && (href[0] !== "#" || document.querySelector(href));
    const buttons = [...document.querySelectorAll("button")].filter((b) => !answered(b));
    const links = [...document.querySelectorAll("a")].filter((a) => !leads(a.getAttribute("href")));
    return [...buttons, ...links].map((e) => e.outerHTML.slice(0, 200));
  },

  /* where the page leads, closed menus included, and what parts of pages it asks for */
  asked() {
    const menus = [...document.querySelectorAll("details:not([open])")];
    menus.forEach((menu) => { menu.open = true; });
    const all = (selector, kind, name) => [...document.querySelectorAll(selector)]
      .filter((e) => kind === "part" || e.checkVisibility()).map((e) => [kind, e.getAttribute(name)]);
    const found = [
      ...all("a[href]", "link", "href"), ...all("form[action]:not([method=post])", "link", "action"),
      ...all("[hx-get]:not([hx-include]):not(form)", "part", "hx-get"), ...all("[data-pick-from]", "part", "data-pick-from"),
    ];
    menus.forEach((menu) => { menu.open = false; });
    return found;
  },

  /* what has the focus, and whether that can be seen */
  focus() {
    const e = document.activeElement;
    if (!e || e === document.body) return ["", true];
    const around = [e, e.nextElementSibling, ...["label", ".ts-control", ".search", ".with-icon"].map((s) => e.closest(s))];
    const shows = (x) => getComputedStyle(x).outlineStyle !== "none" || getComputedStyle(x).boxShadow !== "none";
    return [e.outerHTML.slice(0, 120), around.filter(Boolean).some(shows)];
  },
})
