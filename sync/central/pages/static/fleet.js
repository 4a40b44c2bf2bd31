// Keeps the part of a page that changes up to date. Without it the page is loaded again every few seconds instead.
"use strict";

const EVERY_MS = 5000;
const live = document.getElementById("live");
const status = document.getElementById("status");

function say(words) {
  if (status.textContent !== words) status.textContent = words;
}

// Where the keyboard is must not change under somebody's hands.
function focused() {
  const at = document.activeElement;
  return at && live.contains(at) ? { href: at.getAttribute("href"), wide: at.classList.contains("wide") } : null;
}

function refocus(before) {
  if (!before) return;
  const same = before.wide
    ? live.querySelector(".wide")
    : [...live.querySelectorAll("a")].find((each) => each.getAttribute("href") === before.href);
  if (same) same.focus({ preventScroll: true });
}

async function look() {
  try {
    const answer = await fetch(live.dataset.fragment + location.search, {
      headers: { "x-live": "1" }, redirect: "error", signal: AbortSignal.timeout(EVERY_MS),
    });
    if (answer.status === 401) {
      say("You are signed out. Load the page again to sign in.");
      return;
    }
    if (!answer.ok) throw new Error(String(answer.status));
    const next = await answer.text();
    const before = focused();
    const left = live.querySelector(".wide")?.scrollLeft ?? 0;
    live.innerHTML = next;
    const wide = live.querySelector(".wide");
    if (wide) wide.scrollLeft = left;
    refocus(before);
    say("");
  } catch {
    say("Central does not answer. What stands here is what was known before.");
  }
}

async function goOn() {
  if (!document.hidden && getSelection().isCollapsed) await look();
  setTimeout(goOn, EVERY_MS);
}

if (live) setTimeout(goOn, EVERY_MS);
