// Pico.css without what the console has not: rules for elements that it does not use are half of it.
import { readFile } from 'node:fs/promises';

const UNUSED =
    /data-theme=dark\]($|[^)])|data-tooltip|role=(group|search|switch|slider)|type=(range|color|date|datetime-local|month|time|week|radio|reset|file|button)\b|progress|aria-busy|dropdown|\bnav\b|\b(hgroup|blockquote|ins|del|mark|abbr|sub|sup|video|audio|iframe|canvas|figure|figcaption|address|fieldset|legend|hr|pre|samp|article|footer)\b|body>|modal-is|role=button|role=link|\.(outline|secondary|contrast|grid|container)/;

// "a,b:is(c,d)" → ["a", "b:is(c,d)"]
function apart(list) {
    const found = [];
    let depth = 0;
    let start = 0;

    for (let i = 0; i <= list.length; i++) {
        if ('(['.includes(list[i])) depth++;
        if (')]'.includes(list[i])) depth--;
        if (i === list.length || (list[i] === ',' && !depth)) {
            found.push(list.slice(start, i));
            start = i + 1;
        }
    }
    return found;
}

function kept(css) {
    let out = '';

    for (let i = 0; i < css.length; ) {
        const open = css.indexOf('{', i);
        if (open < 0) break;
        let end = open + 1;
        for (let depth = 1; depth; end++) depth += css[end] === '{' ? 1 : css[end] === '}' ? -1 : 0;
        const [head, body] = [css.slice(i, open).trim(), css.slice(open + 1, end - 1)];
        i = end;
        if (head.startsWith('@keyframes')) continue;
        if (head.startsWith('@')) {
            const inside = kept(body);
            // Our own tokens are the dark ones, too; text does not grow with the window; nothing moves.
            if (inside && !/prefers-color-scheme|min-width|prefers-reduced-motion/.test(head)) out += `${head}{${inside}}`;
            continue;
        }
        const used = apart(head).filter((selector) => !UNUSED.test(selector));
        if (used.length) out += `${used.join(',')}{${body}}`;
    }
    return out;
}

export const lessPico = {
    name: 'less Pico',
    setup({ onLoad }) {
        onLoad({ filter: /pico\.classless\.min\.css$/ }, async ({ path }) => {
            const css = (await readFile(path, 'utf8')).replace(/^@charset "[^"]*";/, '').replace(/\/\*.*?\*\//gs, '');
            return { contents: kept(css), loader: 'css' };
        });
    },
};
