// Pico.css without what the console has not: rules for elements that it does not use, and variables, are most of it.
import { readFile } from 'node:fs/promises';

const UNUSED = new RegExp(
    [
        String.raw`data-theme=dark\]($|[^)])|data-theme=light|data-tooltip|role=(group|search|switch|slider)|dir=rtl|aria-busy|aria-controls|aria-hidden|aria-invalid=false`,
        String.raw`type=(range|color|date|datetime-local|month|time|week|radio|reset|file|button)\b|\[multiple\] option|textarea\[aria-invalid|label\[aria-disabled|select:invalid`,
        String.raw`\b(progress|dropdown|nav|hgroup|blockquote|ins|del|mark|abbr|sub|sup|video|audio|iframe|canvas|figure|figcaption|address|fieldset|legend|hr|pre|samp|article)\b`,
        String.raw`summary:focus|:checked:(active|focus)|\b(footer|aside|h[4-6]|tfoot|optgroup|template|area)\b|body>|modal-is|role=button|role=link|\.(outline|secondary|contrast|grid|container|striped)`,
        String.raw`:host\b(?!.*:root)|-ms-|-moz-(focus-inner|focusring|ui-invalid|selection|list-bullet)|webkit-input-placeholder|webkit-file|^\[hidden\]`,
    ].join('|'),
);
// What moves, what is said again by ours, and what only browsers of before the oldest that we serve read.
const DROPPED = /^(transition|-ms-[\w-]+|-o-[\w-]+|-moz-(appearance|tab-size|text-size-adjust|user-select)|text-size-adjust|-webkit-backdrop-filter|backdrop-filter|color-scheme)$/;

// "a,b:is(c,d)" → ["a", "b:is(c,d)"]
function apart(list, by = ',') {
    const found = [];
    let depth = 0;
    let start = 0;

    for (let i = 0; i <= list.length; i++) {
        if ('(['.includes(list[i])) depth++;
        if (')]'.includes(list[i])) depth--;
        if (i === list.length || (list[i] === by && !depth)) {
            found.push(list.slice(start, i));
            start = i + 1;
        }
    }
    return found;
}

// ours: what our tokens say again, for all the page.
function kept(css, ours) {
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
            const inside = kept(body, ours);
            // Our own tokens are the dark ones, too; text does not grow with the window; nothing moves.
            if (inside && !/prefers-color-scheme|min-width|prefers-reduced-motion/.test(head)) out += `${head}{${inside}}`;
            continue;
        }
        const used = apart(head).filter((selector) => !UNUSED.test(selector));
        const root = used.every((selector) => selector.startsWith(':root'));
        const said = apart(body, ';').filter((one) => {
            const name = one.slice(0, one.indexOf(':')).trim();
            return name && !DROPPED.test(name) && !(root && ours.has(name));
        });
        if (used.length && said.length) out += `${used.join(',')}{${said.join(';')}}`;
    }
    return out;
}

const VALUE = '(?:[^;{}"()]|"[^"]*"|\\((?:[^()"]|"[^"]*"|\\([^()]*\\))*\\))*';
const DECLARED = new RegExp(`(--pico-[\\w-]+):(${VALUE});?`, 'g');

// The console's styles without the variables of Pico's: what is said once, for all the page, stands where it is read; what nothing reads is gone.
export function lessVariables(css) {
    const once = new Map();

    for (const [, head, body] of css.matchAll(/([^{}]+)\{([^{}]*)\}/g))
        for (const [, name, value] of body.matchAll(DECLARED)) once.set(name, head.includes(':root') && !once.has(name) ? value : null);
    for (let before = ''; before !== css; ) {
        before = css;
        for (const [name, value] of once) if (value !== null) css = css.replace(new RegExp(`var\\(${name}(?:,${VALUE})?\\)`, 'g'), value);
        css = css.replace(DECLARED, (all, name) => (new RegExp(`var\\(${name}[,)]`).test(css) ? all : '')).replace(/[^{}]+\{\}/g, '');
    }
    return css;
}

export const lessPico = {
    name: 'less Pico',
    setup({ onLoad }) {
        onLoad({ filter: /pico\.classless\.min\.css$/ }, async ({ path }) => {
            const css = (await readFile(path, 'utf8')).replace(/^@charset "[^"]*";/, '').replace(/\/\*.*?\*\//gs, '');
            const ours = new Set((await readFile(new URL('console/tokens.css', import.meta.url), 'utf8')).match(/--pico-[\w-]+(?=:)/g));
            return { contents: kept(css, ours), loader: 'css' };
        });
    },
};
