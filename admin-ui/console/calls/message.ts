// A SIP message's text in pieces for the eye. Every piece is text: the page shows it as such, whatever a stranger wrote into it.
export type Piece = { kind: 'start' | 'name' | 'value' | 'key' | 'sdp' | 'masked' | 'gap'; text: string };
export type Line = Piece[];

const MASKED = /(\*{3,}|\[(?:masked|redacted)[^\]]*\]|<masked>)/;

const withMasks = (kind: Piece['kind'], text: string): Piece[] =>
    text
        .split(MASKED)
        .filter((part) => part)
        .map((part) => ({ kind: MASKED.test(part) ? 'masked' : kind, text: part }));

export function lines(text: string): Line[] {
    const all: Line[] = [];
    let where: 'start' | 'headers' | 'body' = 'start';

    for (const raw of text.replace(/\r\n?/g, '\n').replace(/\n+$/, '').split('\n')) {
        if (where === 'start') {
            all.push(withMasks('start', raw));
            where = 'headers';
        } else if (where === 'headers' && raw === '') {
            all.push([{ kind: 'gap', text: '' }]);
            where = 'body';
        } else if (where === 'headers') {
            const at = raw.indexOf(':');
            const folded = /^\s/.test(raw);
            all.push(at > 0 && !folded ? [{ kind: 'name', text: raw.slice(0, at + 1) }, ...withMasks('value', raw.slice(at + 1))] : withMasks('value', raw));
        } else {
            const sdp = /^[a-z]=/.test(raw);
            all.push(sdp ? [{ kind: 'key', text: raw.slice(0, 2) }, ...withMasks('sdp', raw.slice(2))] : withMasks('sdp', raw));
        }
    }
    return all;
}

const header = (text: string, name: string, short = name) =>
    new RegExp(`^(?:${name}|${short})[ \\t]*:[ \\t]*(.*)$`, 'im').exec(text.split(/\r?\n\r?\n/)[0])?.[1].trim() ?? '';

// What belongs together: a request and its answers share the leg, the Call-ID and the CSeq; so does an ACK, by number.
export function exchange(leg: string, text = '') {
    const number = /^\d+/.exec(header(text, 'CSeq'))?.[0];
    return number ? `${leg} ${header(text, 'Call-ID', 'i')} ${number}` : '';
}
