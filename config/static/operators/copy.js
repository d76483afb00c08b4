// Buttons that copy: a secret, the recovery codes, an id. Without this script the text can be selected.
"use strict";

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const REQUEST = /^[0-9A-HJKMNP-TV-Z]{26}$/;

async function copyText(text) {
    if (navigator.clipboard && window.isSecureContext) {
        return navigator.clipboard.writeText(text);
    }
    // Plain HTTP has no clipboard API.
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "visually-hidden";
    document.body.append(area);
    area.select();
    const copied = document.execCommand("copy");
    area.remove();
    if (!copied) {
        throw new Error("the browser refused");
    }
}

function textOf(source) {
    if ("value" in source) {
        return source.value;
    }
    const lines = [...source.querySelectorAll("li")].map((line) => line.textContent.trim());
    return lines.length ? lines.join("\n") : source.textContent.trim();
}

function addCopyButton(source, what) {
    const button = document.createElement("button");
    const said = document.createElement("span");
    button.type = "button";
    button.className = "button desk-copy";
    button.textContent = "Copy";
    button.setAttribute("aria-label", `Copy ${what}`);
    said.className = "desk-copied";
    said.setAttribute("role", "status");
    button.addEventListener("click", async () => {
        try {
            await copyText(textOf(source));
            said.textContent = "Copied.";
        } catch (error) {
            said.textContent = "Select the text and copy it.";
        }
        window.setTimeout(() => { said.textContent = ""; }, 4000);
    });
    source.after(button, said);
}

// A customer's key is not offered what only the platform may have.
function offerScopes() {
    const platform = [...document.querySelectorAll("input[data-platform]")];
    const owner = document.getElementById("id_organization");
    if (!platform.length || !owner || !window.django || !window.django.jQuery) {
        return;
    }
    const values = platform.map((box) => box.value);
    const offer = () => {
        const ofCustomer = owner.value !== "";
        for (const box of platform) {
            box.checked = box.checked && !ofCustomer;
            box.parentElement.parentElement.parentElement.hidden = ofCustomer; // its group
        }
        for (const button of document.querySelectorAll("[data-scopes]")) {
            button.hidden = ofCustomer && button.dataset.scopes.split(" ").some((one) => values.includes(one));
        }
    };
    django.jQuery(owner).on("change", offer);
    if (owner.value !== "" && !platform.some((box) => box.checked)) {
        offer();
    }
}

document.addEventListener("DOMContentLoaded", () => {
    for (const source of document.querySelectorAll("[data-copy]")) {
        addCopyButton(source, source.dataset.copy);
    }
    for (const source of document.querySelectorAll(".form-row .readonly")) {
        const text = source.textContent.trim();
        if (UUID.test(text) || REQUEST.test(text)) {
            const label = source.parentElement.querySelector("label");
            addCopyButton(source, label ? label.textContent.replace(":", "").trim() : text);
        }
    }
    // Presets tick boxes; what is ticked stays visible and can be changed.
    for (const button of document.querySelectorAll("[data-scopes]")) {
        button.hidden = false;
        button.addEventListener("click", () => {
            const scopes = button.dataset.scopes.split(" ");
            for (const box of document.querySelectorAll("input[name=scopes]")) {
                box.checked = scopes.includes(box.value);
            }
        });
    }
    offerScopes();
});

// Names for the admin's own widgets. jQuery makes the choosers some time after DOMContentLoaded, in
// the order in which its functions were registered: this one is behind theirs.
function nameChoosers() {
    for (const list of document.querySelectorAll("select.admin-autocomplete")) {
        const name = list.labels && list.labels[0] ? list.labels[0].textContent.replace(":", "").trim() : "Choose";
        const shown = list.parentElement.querySelectorAll(".select2-selection, .select2-selection__rendered");
        shown.forEach((one) => one.setAttribute("aria-label", name));
        django.jQuery(list).on("select2:open", () => {
            for (const field of document.querySelectorAll(".select2-search__field")) {
                field.setAttribute("aria-label", name);
            }
        });
    }
}
if (window.django && window.django.jQuery) {
    django.jQuery(nameChoosers);
}
window.addEventListener("load", () => {
    document.querySelectorAll(".help-tooltip[aria-label]").forEach((one) => one.setAttribute("role", "img"));
});
