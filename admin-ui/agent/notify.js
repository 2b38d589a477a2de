// Draws attention when the page is not looked at: a browser notification and the tab's title.
const title = document.title;

export function askToNotify() {
    if ('Notification' in window && Notification.permission === 'default') Notification.requestPermission().catch(() => {});
}

let shown = null;

export function notifyCall(text) {
    document.title = `${text} – ${title}`;
    if (!('Notification' in window) || Notification.permission !== 'granted' || document.hasFocus()) return;
    try {
        shown = new Notification('Incoming call', { body: text, tag: 'dngate-call', requireInteraction: true, icon: '/favicon.svg' });
        shown.onclick = () => window.focus();
    } catch {
        // Some mobile browsers have the class, but not the constructor.
    }
}

export function notifyDone() {
    document.title = title;
    shown?.close();
    shown = null;
}
