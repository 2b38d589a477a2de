// Every view is an address: path, filters, sort order, the row that is open. Plain links (<a href="/admin/…">) are enough: a click on one is taken
// here. What changes within a view (a filter that is typed) replaces the address, what opens another view adds one, so that Back does what one means.
import { computed, signal } from '@preact/signals';

export const here = signal({ path: location.pathname, search: location.search });
export const query = computed(() => new URLSearchParams(here.value.search));

const look = () => (here.value = { path: location.pathname, search: location.search });

export function go(url: string, { replace = false } = {}): void {
    if (url === location.pathname + location.search) return;
    history[replace ? 'replaceState' : 'pushState'](null, '', url);
    look();
    if (!replace) scrollTo(0, 0);
}

// The address of this view with other parameters; those that are null or "" go.
export function withQuery(changes: Record<string, string | number | null | undefined>): string {
    const next = new URLSearchParams(here.value.search);

    for (const [name, value] of Object.entries(changes)) {
        if (value === null || value === undefined || value === '') next.delete(name);
        else next.set(name, String(value));
    }
    const text = next.toString();
    return here.value.path + (text ? `?${text}` : '');
}

export const setQuery = (changes: Record<string, string | number | null | undefined>, { add = false } = {}) => go(withQuery(changes), { replace: !add });

// { dn: '5001' } of /admin/agents/:dn, null when it does not fit.
export function match(pattern: string, path: string): Record<string, string> | null {
    const [want, have] = [pattern, path].map((p) => p.replace(/\/+$/, '').split('/')) as [string[], string[]];
    const params: Record<string, string> = {};

    if (want.length !== have.length) return null;
    for (let i = 0; i < want.length; i++) {
        if (want[i]!.startsWith(':')) {
            try {
                params[want[i]!.slice(1)] = decodeURIComponent(have[i]!);
            } catch {
                return null;
            }
        } else if (want[i] !== have[i]) return null;
    }
    return params;
}

export function startRouter(): void {
    addEventListener('popstate', look);
    addEventListener('click', (event) => {
        const link = (event.target as Element | null)?.closest?.('a');

        if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
        if (link.target || link.hasAttribute('download') || link.origin !== location.origin || !link.pathname.startsWith('/admin/')) return;
        event.preventDefault();
        go(link.pathname + link.search);
    });
}
