// Who calls and which number was called, from an INVITE: pure. The header fields are read here and not by JsSIP, which knows no tel: URI.
import { unescaped } from './uri.js';

const DIRECTIONS = /[\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]/g; // they would turn around what stands beside the name
const CONTROLS = /[\u0000-\u001f\u007f-\u009f]/g;

const tidy = (text) => text.replace(DIRECTIONS, '').replace(CONTROLS, ' ').trim();

// The first name-addr of a header field (RFC 3261 25.1): {name, user, host}. PAI may have a sip: and a tel: one (RFC 3325 9.1).
export function nameAddr(value) {
    const match = /^\s*(?:"((?:[^"\\]|\\.)*)"|([^"<,]*))\s*<\s*(sips?|tel):([^>]*)>/i.exec(value) ?? /^()()\s*(sips?|tel):([^\s,;]*)/i.exec(value);

    if (!match) return null;
    const [, quoted, token, scheme, rest] = match;
    const [user, host] = scheme.toLowerCase() === 'tel' ? [rest, ''] : rest.includes('@') ? rest.split(/@(?=[^@]*$)/) : ['', rest];
    return {
        name: tidy((quoted ?? token ?? '').replace(/\\(.)/g, '$1')),
        user: tidy(unescaped(user.split(';')[0].split(':')[0])),
        host: host.split(/[;:?>]/)[0].toLowerCase(),
    };
}

// header(name): the value of a header field or undefined; dn: our own. Gives {name, number, withheld, called}; called is '' when it is
// no other number than our own.
export function callerOf(header, dn) {
    const read = (name) => nameAddr(header(name) ?? '');
    const from = read('From');
    const who = read('P-Asserted-Identity') ?? from;
    const called = read('P-Called-Party-ID')?.user ?? '';
    const withheld = withholds(header('Privacy') ?? '') || !who || !who.user || anonymous(who);

    return {
        ...(withheld ? { name: '', number: '' } : named(who, from)),
        withheld,
        called: called === dn ? '' : called,
    };
}

// RFC 3323 4.2, RFC 3325 9.3
const withholds = (privacy) => /(^|[;,\s])(id|user|header)($|[;,\s])/i.test(privacy);

// RFC 3323 4.1
const anonymous = ({ user, host }) => /^anonymous$/i.test(user) || /^anonymous\.invalid$/.test(host);

function named({ name, user }, from) {
    const shown = name || (from && !anonymous(from) ? from.name : '');

    return { name: shown === user ? '' : shown, number: user };
}
