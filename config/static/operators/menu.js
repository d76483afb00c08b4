// The menu of a phone closes by Escape, as other menus do.
"use strict";

document.addEventListener("keydown", (event) => {
    const menu = document.querySelector(".desk-phone-menu[open]");
    if (event.key === "Escape" && menu) {
        menu.open = false;
        menu.querySelector("summary").focus();
    }
});
