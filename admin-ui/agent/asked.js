// What the gateway asks of a call by INFO in its dialog (appliance/call/callevent.h): {do, by}, or null when it is none of that. Pure.
const TYPE = /^application\/dngate-call\+json\b/i;
const DOES = new Set(['answer', 'hold', 'retrieve', 'beep', 'dtmf']);
const BY = new Set(['desktop', 'header', 'dn']);

/** @returns {import('./types').Asked | null} */
export function readAsked(type, body) {
    try {
        const asked = TYPE.test(type ?? '') ? JSON.parse(body) : null;
        if (!(asked instanceof Object) || !DOES.has(asked.do)) return null;
        return { do: asked.do, by: BY.has(asked.by) ? asked.by : '', digits: typeof asked.digits === 'string' ? asked.digits : '' };
    } catch {
        return null;
    }
}
