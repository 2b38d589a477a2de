// What must hold of every page in every state: axe-core finds nothing, and nothing is cut off, however small the window and however large and wide
// the letters are.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { looks, setLook } from './looks.mjs';

const axe = createRequire(new URL('../../../admin-ui/package.json', import.meta.url))('axe-core').source;

// With what is experimental: it holds labels against names (WCAG 2.5.3).
const ALL = { rules: { 'label-content-name-mismatch': { enabled: true } } };
const SIZES = { runOnly: ['scrollable-region-focusable', 'target-size'] }; // what hangs on the size of things

const findings = (page, options) =>
    page.evaluate(async (how) => {
        const { violations } = await window.axe.run(document, how);
        return violations.flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 120)} ${failureSummary}`));
    }, options);

// What sticks out of what holds it, unless that can be scrolled: by name.
const cutOff = (page) =>
    page.evaluate(() => {
        const name = (e) => e.id || `${e.tagName} ${e.textContent.trim()}`;
        const shortened = ({ webkitLineClamp, textOverflow }) => webkitLineClamp !== 'none' || textOverflow === 'ellipsis';
        const sticksOut = (e, holder) => {
            const [inner, outer] = [e.getBoundingClientRect(), holder.getBoundingClientRect()];
            return inner.left < outer.left - 1 || inner.right > outer.right + 1 || inner.top < outer.top - 1 || inner.bottom > outer.bottom + 1;
        };
        const unseenHead = (e) => e.closest('thead') && getComputedStyle(e.closest('thead')).clipPath !== 'none';
        const wide = document.documentElement.scrollWidth - innerWidth;
        const found = wide > 0 ? [`the page is ${wide} px wider than the window`] : [];

        for (const e of document.querySelectorAll('body *')) {
            if (!e.checkVisibility({ visibilityProperty: true }) || e.closest('.unseen, svg, select, .plot > *') || unseenHead(e)) continue;
            if (e.matches('button, label, h1, h2, p, span, small') && e.clientWidth && e.scrollWidth > e.clientWidth + 1 && !shortened(getComputedStyle(e)))
                found.push(`${name(e)} is ${e.scrollWidth - e.clientWidth} px wider than its box`);
            const holder = e.parentElement.closest('.card, .entry, .bar, button, dialog, #call-notes, #missed-list');
            const scroller = e.parentElement.closest('.events, .scroll, .dialog-body, .table-box, .message pre'); // within it, perhaps
            if (holder && !(scroller && holder.contains(scroller) && scroller !== holder) && !/auto|scroll/.test(getComputedStyle(holder).overflowY) && sticksOut(e, holder)) found.push(`${name(e)} sticks out of ${name(holder)}`);
        }
        return found;
    });

export async function keepsNobodyOut(page) {
    await page.evaluate(axe);
    for (const colorScheme of ['light', 'dark']) {
        await page.emulateMedia({ colorScheme });
        assert.deepEqual(await findings(page, ALL), [], colorScheme);
    }
    for (const [name, look] of Object.entries(looks)) {
        await setLook(page, look);
        assert.deepEqual(await cutOff(page), [], name);
        assert.deepEqual(await findings(page, SIZES), [], name);
    }
}
