// A form that is on its way is not sent again by a second click. The desk would not carry it out twice either;
// but the browser would show the second answer, and a new key's secret is in the first.
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

// Back shows the page as it was left: it can be sent again.
window.addEventListener("pageshow", () => {
    for (const form of document.forms) {
        delete form.dataset.sent;
    }
});
