// The elements of index.html.

/**
 * @template {keyof import('./types').Elements} K
 * @param {K} id
 * @returns {import('./types').Elements[K]}
 */
export const $ = (id) => /** @type {any} */ (document.getElementById(id));
