// The frame around all pages: who is signed in, where one is, what is wrong with the connection.
import { useEffect, useState } from 'preact/hooks';
import { away, expired, may, session } from './core/api';
import { attention, live } from './core/live';
import { here, match } from './core/router';
import { signOut } from './core/session';
import { choose, language, languages, t, tr, tx, when } from './core/words';
import { FirstRun } from './firstrun';
import { atFirstRun } from './firstrun/at';
import { Asking, Dialog } from './parts/dialog';
import { Empty } from './parts/bits';
import { Icon } from './parts/icon';
import { shortcuts, useShortcuts } from './parts/keys';
import { Page } from './parts/page';
import { attempt, Toasts } from './parts/toast';
import { go } from './core/router';
import { places, type Place } from './places';
import { SignIn, SignInAgain } from './signin';

const visible = () => places.filter((p) => !p.role || may(p.role));
const PHONE_PLACES = 4;

function isAt(place: Place): boolean {
    const { path } = here.value;
    return place.views.some((v) => match(v.path, path)) || (place.path !== '/admin/' && path.startsWith(`${place.path}/`));
}

function PlaceLink({ place }: { place: Place }) {
    const urgent = place.name === 'overview' ? attention.value.length : 0;

    return (
        <a class="place" href={place.path} aria-current={isAt(place) ? 'page' : undefined}>
            <Icon name={place.icon} />
            <span>{tr(`shell.place_${place.name}`)}</span>
            {urgent > 0 && (
                <b class="badge" data-level={attention.value.some((a) => a.level === 'bad') ? 'bad' : 'warn'} title={t('shell.needAttention', { n: urgent })}>
                    {urgent}
                    <span class="unseen"> {t('shell.needAttention', { n: urgent })}</span>
                </b>
            )}
        </a>
    );
}

const Language = () => (
    <label class="choice">
        <span class="unseen">{t('shell.language')}</span>
        <select value={language.value} onChange={(event) => choose(event.currentTarget.value)}>
            {Object.entries(languages).map(([code, name]) => (
                <option key={code} value={code} lang={code}>
                    {name}
                </option>
            ))}
        </select>
    </label>
);

function Account() {
    const who = session.value!;

    return (
        <div class="account">
            <p>
                <b>{who.name}</b> <span class="dim">{tr(`state.${who.role}`, {}, who.role)}</span>
            </p>
            <div class="buttons">
                <Language />
                <button type="button" class="plain" onClick={() => attempt(signOut)}>
                    {t('shell.signOut')}
                </button>
            </div>
        </div>
    );
}

function Rail({ onKeys }: { onKeys: () => void }) {
    const [more, setMore] = useState(false);
    const all = visible();
    const { path } = here.value;

    useEffect(() => setMore(false), [path]);
    return (
        <>
            <nav class="rail" aria-label={t('shell.places')}>
                <a class="brand" href="/admin/">
                    <img src="/favicon.svg" alt="" width="26" height="26" />
                    <span>dngate</span>
                </a>
                <div class="host dim" title={session.value!.host}>
                    {session.value!.host}
                </div>
                {all.map((p) => (
                    <PlaceLink key={p.name} place={p} />
                ))}
                <div class="rail-foot">
                    <button type="button" class="plain keys-button" onClick={onKeys}>
                        <kbd>?</kbd> {t('shell.keys')}
                    </button>
                    <Account />
                </div>
            </nav>
            <nav class="bottom" aria-label={t('shell.placesPhone')}>
                {all.slice(0, PHONE_PLACES).map((p) => (
                    <PlaceLink key={p.name} place={p} />
                ))}
                <button type="button" class="place" aria-expanded={more} onClick={() => setMore(true)}>
                    <Icon name="more" />
                    <span>{t('shell.more')}</span>
                </button>
            </nav>
            {more && (
                <Dialog title={t('shell.more')} onClose={() => setMore(false)}>
                    <div class="more">
                        {all.slice(PHONE_PLACES).map((p) => (
                            <PlaceLink key={p.name} place={p} />
                        ))}
                    </div>
                    <Account />
                </Dialog>
            )}
        </>
    );
}

function Keys({ onClose }: { onClose: () => void }) {
    return (
        <Dialog title={t('shell.keys')} onClose={onClose}>
            <table class="keys">
                <tbody>
                    {[...new Map(shortcuts.value.map((s) => [s.keys, s])).values()].map(({ keys, label }) => (
                        <tr key={keys}>
                            <th scope="row">
                                {keys.split(' ').map((k) => (
                                    <kbd key={k}>{k}</kbd>
                                ))}
                            </th>
                            <td>{label}</td>
                        </tr>
                    ))}
                </tbody>
            </table>
        </Dialog>
    );
}

function Banners() {
    return (
        <>
            {session.value?.lab && (
                <p class="banner lab">
                    <b>{t('shell.labTitle')}</b> {t('shell.lab')}
                </p>
            )}
            <div role="alert">
                {away.value > 0 && (
                    <p class="banner bad">
                        <Icon name="warn" /> {t('shell.away', { time: when(away.value) })}
                    </p>
                )}
            </div>
        </>
    );
}

const NotFound = () => (
    <Page title={t('shell.notFound')}>
        <Empty title={t('shell.notFoundHelp')} action={<a href="/admin/">{t('shell.place_overview')}</a>} />
    </Page>
);

function route() {
    for (const place of visible()) {
        for (const view of place.views) {
            const params = match(view.path, here.value.path);
            if (params) return { place, view, params };
        }
    }
    return null;
}

// The window's small picture has a red dot while something needs attention.
function useFavicon(): void {
    const bad = attention.value.some((a) => a.level === 'bad') || (live.status.value && !live.status.value.ready);

    useEffect(() => {
        document.querySelector('link[rel=icon]')!.setAttribute('href', bad ? '/admin/alert.svg' : '/favicon.svg');
    }, [bad]);
}

function Inside() {
    const [keys, setKeys] = useState(false);
    const found = route();

    useFavicon();
    useShortcuts([
        { keys: '?', label: t('shell.keys'), run: () => setKeys(true) },
        ...visible().map((p) => ({ keys: `g ${p.letter}`, label: tx('shell.keyGo', { place: tr(`shell.place_${p.name}`) }).join(''), run: () => go(p.path) })),
    ]);
    const View = found?.view.view ?? NotFound;
    const shown = <View key={`${found?.view.path}`} {...(found?.params ?? {})} />;
    return (
        <>
            {found?.view.bare ? (
                <main class="bare">{shown}</main>
            ) : (
                <div class="frame">
                    <a class="skip" href="#main" onClick={(event) => (event.preventDefault(), document.querySelector<HTMLElement>('main')!.focus())}>
                        {t('shell.skip')}
                    </a>
                    <Rail onKeys={() => setKeys(true)} />
                    <div class="content">
                        <Banners />
                        <main id="main" tabIndex={-1}>
                            {shown}
                        </main>
                    </div>
                </div>
            )}
            {keys && <Keys onClose={() => setKeys(false)} />}
        </>
    );
}

export function App() {

    return (
        <>
            {atFirstRun() ? <FirstRun /> : session.value ? <Inside /> : <SignIn foot={<Language />} />}
            {expired.value && <SignInAgain />}
            <Asking />
            <Toasts />
        </>
    );
}
