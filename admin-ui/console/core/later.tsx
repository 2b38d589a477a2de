// A view that is fetched when it is first shown: view: later(() => import('./calls').then((m) => m.CallsPage)). A page of before an upgrade asks for files that are
// no more: it is loaded anew, once.
import { signal } from '@preact/signals';
import { h, type ComponentType } from 'preact';
import { Problem, away } from './api';
import { learn, t } from './words';
import { Failed } from '../parts/bits';

const RELOADED = 'dngate.console.reloaded';

export function later<P extends object>(load: () => Promise<ComponentType<P>>): ComponentType<P> {
    const got = signal<ComponentType<P> | null>(null);
    const failed = signal(false);
    let asked = false;
    const fetchIt = async () => {
        asked = true;
        failed.value = false;
        try {
            [got.value] = await Promise.all([load(), learn()]);
            sessionStorage.removeItem(RELOADED);
        } catch (error) {
            asked = false;
            if (away.peek() || sessionStorage.getItem(RELOADED)) failed.value = true;
            else {
                sessionStorage.setItem(RELOADED, '1');
                location.reload();
            }
            console.error(error);
        }
    };

    return (props: P) => {
        if (got.value) return h(got.value, props);
        if (failed.value) return <Failed error={new Problem(0, t('shell.noAnswer'))} retry={fetchIt} />;
        if (!asked) void fetchIt();
        return <div class="page-wait" />;
    };
}
