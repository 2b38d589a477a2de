// Elements made in script: the room stands in two pages.

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, any>} [props] of the element; attr: its attributes
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function make(tag, { attr = {}, ...props } = {}, ...children) {
    const element = Object.assign(document.createElement(tag), props);

    for (const [name, value] of Object.entries(attr)) element.setAttribute(name, value);
    element.append(...children);
    return element;
}

export function text(element, value) {
    if (element.textContent !== value) element.textContent = value;
}

// Keeps its place.
export const unseen = (element, out) => element.classList.toggle('kept', out);
