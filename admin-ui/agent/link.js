// Links that bring a number: index-agent-dn.html#dial=NUMBER, and tel: links once the agent has had this page open them. The number is filled in
// and never dialled by itself.
const DIAL = /^#dial=(.*)$/;

// The number of an address's fragment, or ''. What it dials, number.js says. Pure.
export function numberOf(hash) {
    const [, text = ''] = DIAL.exec(hash) ?? [];

    try {
        return decodeURIComponent(text);
    } catch {
        return '';
    }
}

// fill(number): now, and whenever the address gets another one; it does not stay there.
export function followLinks(fill) {
    const follow = () => {
        const number = numberOf(location.hash);

        if (!number) return;
        history.replaceState(history.state, '', location.pathname + location.search);
        fill(number);
    };

    window.addEventListener('hashchange', follow);
    follow();
}

// To be called by a click; the browser asks.
export const openPhoneLinks = () => navigator.registerProtocolHandler('tel', `${location.origin}${location.pathname}#dial=%s`);
export const opensPhoneLinks = () => 'registerProtocolHandler' in navigator;
