// Copy buttons, one language for all samples, and the search. The pages work without scripts.
"use strict";

// --- copy ------------------------------------------------------------------------------------------
for (const frame of document.querySelectorAll(".code")) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.textContent = "Copy";
  button.setAttribute("aria-live", "polite");
  button.addEventListener("click", async () => {
    const text = frame.querySelector("pre").textContent;
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      // Plain HTTP has no clipboard: select the text, so that the reader can copy it.
      getSelection().selectAllChildren(frame.querySelector("code"));
      button.textContent = "Press Ctrl-C";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
  frame.append(button);
}

// --- language --------------------------------------------------------------------------------------
const LANGUAGE = "numberdesk.docs.language";
const remembered = {
  get() { try { return localStorage.getItem(LANGUAGE); } catch { return null; } },
  set(value) { try { localStorage.setItem(LANGUAGE, value); } catch { /* a private window: not remembered */ } },
};

function speak(language) {
  for (const radio of document.querySelectorAll(".samples input")) radio.checked = radio.value === language;
}

if (["curl", "typescript", "python"].includes(remembered.get())) speak(remembered.get());
document.addEventListener("change", (event) => {
  if (!event.target.matches(".samples input")) return;
  // What is above may change its height: the chosen sample stays where it is.
  const before = event.target.getBoundingClientRect().top;
  speak(event.target.value);
  scrollBy({ top: event.target.getBoundingClientRect().top - before, behavior: "instant" });
  remembered.set(event.target.value);
});

// --- menu ------------------------------------------------------------------------------------------
const menu = document.getElementById("menu");
menu.addEventListener("click", (event) => {
  if (event.target.closest("a") && menu.matches(":popover-open")) menu.hidePopover();
});

const linkTo = new Map(
  [...menu.querySelectorAll("a[href*='#']")]
    .filter((link) => document.getElementById(link.hash.slice(1)))
    .map((link) => [link.hash.slice(1), link]),
);
if (/\/docs(\/platform)?\/?$/.test(location.pathname)) {
  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      menu.querySelector('[aria-current="true"]')?.removeAttribute("aria-current");
      const link = linkTo.get(entry.target.id);
      link.setAttribute("aria-current", "true");
      if (menu.scrollHeight > menu.clientHeight) menu.scrollTo({ top: link.offsetTop - menu.clientHeight / 2 });
    }
  }, { rootMargin: "-10% 0px -85% 0px" });
  for (const id of linkTo.keys()) seen.observe(document.getElementById(id));
}

// --- search ----------------------------------------------------------------------------------------
const form = document.querySelector(".search");
const input = document.getElementById("search");
const found = document.getElementById("found");
let index;
let chosen = -1;

async function load() {
  index ??= fetch(form.dataset.index).then((answer) => answer.json());
  return index;
}

// Every word must occur; the title counts most, then what kind of place it is.
function rank(entry, words) {
  let rank = 0;
  for (const word of words) {
    const title = entry.title.toLowerCase();
    if (title.startsWith(word)) rank += 8;
    else if (title.includes(word)) rank += 5;
    else if (entry.kind.toLowerCase().includes(word)) rank += 3;
    else if (entry.words.includes(word)) rank += 1;
    else return 0;
  }
  return rank;
}

function show(entries) {
  chosen = -1;
  input.removeAttribute("aria-activedescendant");
  found.replaceChildren(...entries.map((entry, position) => {
    const item = document.createElement("li");
    const link = document.createElement("a");
    const kind = document.createElement("small");
    item.id = `found-${position}`;
    item.role = "option";
    link.href = entry.href;
    link.tabIndex = -1;
    link.textContent = entry.title;
    kind.textContent = entry.kind;
    link.append(kind);
    item.append(link);
    return item;
  }));
  if (!entries.length) {
    const item = document.createElement("li");
    item.className = "nothing";
    item.textContent = "Nothing found";
    found.append(item);
  }
  open(true);
}

function open(isOpen) {
  found.hidden = !isOpen;
  input.setAttribute("aria-expanded", String(isOpen));
}

async function search() {
  const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length) return open(false);
  const entries = await load();
  const ranked = entries.map((entry) => [rank(entry, words), entry]).filter(([value]) => value);
  show(ranked.sort((a, b) => b[0] - a[0]).slice(0, 12).map(([, entry]) => entry));
}

function choose(step) {
  const options = found.querySelectorAll('[role="option"]');
  if (!options.length || found.hidden) return;
  options[chosen]?.removeAttribute("aria-selected");
  chosen = (chosen + step + options.length) % options.length;
  options[chosen].setAttribute("aria-selected", "true");
  options[chosen].scrollIntoView({ block: "nearest" });
  input.setAttribute("aria-activedescendant", options[chosen].id);
}

input.addEventListener("focus", load);
input.addEventListener("input", search);
input.addEventListener("keydown", (event) => {
  const steps = { ArrowDown: 1, ArrowUp: -1 };
  if (event.key in steps) { event.preventDefault(); choose(chosen < 0 && steps[event.key] < 0 ? 0 : steps[event.key]); }
  if (event.key === "Escape") { open(false); input.blur(); }
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  const links = found.querySelectorAll("a");
  if (found.hidden || !links.length) return;
  links[Math.max(chosen, 0)].click();
});
found.addEventListener("click", () => { open(false); input.blur(); });
document.addEventListener("click", (event) => { if (!form.contains(event.target)) open(false); });
document.addEventListener("keydown", (event) => {
  const writing = event.target.closest?.("input, textarea, select, [contenteditable]");
  if (event.key === "/" && !writing && !event.ctrlKey && !event.metaKey) { event.preventDefault(); input.focus(); }
});
