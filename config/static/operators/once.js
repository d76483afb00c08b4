// Do not send a form again on a second click. The server would not carry it out twice, but the
// browser would show the second response, and the secret of a new key is in the first.
"use strict";

document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post") {
        return;
    }
    if (form.dataset.sent) {
        event.preventDefault();
        return;
    }
    form.dataset.sent = "yes";
});

// After Back the page is as it was left, and its form can be sent again.
window.addEventListener("pageshow", () => {
    for (const form of document.forms) {
        delete form.dataset.sent;
    }
});
