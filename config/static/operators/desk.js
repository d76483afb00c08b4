// Fetch the part of the page marked data-poll again every second, until it loses the mark.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
    const part = () => document.querySelector("[data-poll]");

    async function look() {
        const old = part();
        if (!old) {
            return;
        }
        if (!document.hidden) {
            try {
                const answer = await fetch(window.location.href, {credentials: "same-origin"});
                const page = new DOMParser().parseFromString(await answer.text(), "text/html");
                const fresh = answer.ok && page.getElementById(old.id);
                if (fresh) {
                    old.replaceWith(document.adoptNode(fresh));
                }
            } catch (error) {
                // The desk can't be reached. Keep what is shown; the next poll tries again.
            }
        }
        window.setTimeout(look, 1000);
    }

    window.setTimeout(look, 1000);
});
