// What people type and paste as a number, and what is dialled for it: pure, so that a table can test it (tests/ui/number.test.mjs).
import { unescaped } from './uri.js';

export const LONGEST = 63;

const NAME = /^[a-z0-9][a-z0-9._-]*$/i; // a DN or a user's name
const DIALLED = /[0-9a-z*#]/i;
const SEPARATOR = /[\s\-.()/[\]{}<>~·•∙⋅‧・\p{Pd}\u2212\u2215\u30fc\uff70]/u; // RFC 3966 5.1.1 and how else numbers are set in print
const UNSEEN = /[\p{Cf}\p{Cc}\ufe00-\ufe0f]/gu; // joiners, directions, variation selectors
const SCHEME = /^(?:(?:tel|callto|phone|sips?)\s*:|tel\.)[\s:]*(?:\/\/)?/i;

// Digits of any script (Arabic-Indic, Devanagari …): Unicode has them in runs of ten.
function asciiDigit(character) {
    const code = character.codePointAt(0);
    let n = 0;

    while (/\p{Nd}/u.test(String.fromCodePoint(code - n - 1))) n++;
    return String(n % 10);
}

function plain(text) {
    return text
        .replace(/[\t\n\v\f\r]/g, ' ')
        .replace(UNSEEN, '')
        .normalize('NFC')
        .replace(/[\uff01-\uff5e]/g, (wide) => String.fromCharCode(wide.charCodeAt(0) - 0xfee0)) // full width
        .replace(/[^0-9\P{Nd}]/gu, asciiDigit)
        .trim();
}

// A URI without its scheme, host and parameters; what is left out is added to `dropped`.
function bare(text, dropped) {
    const scheme = SCHEME.exec(text);

    if (!scheme) return text;
    const address = text.slice(scheme[0].length).replace(/>$/, '');
    const [user] = address.split(/[;?@]/, 1);
    const rest = address.slice(user.length);
    if (rest) dropped.push(rest);
    return unescaped(user).trim();
}

// {number, dropped, refused, length}: what will be dialled ('' when nothing can be), which parts of the text are left out of it, and why
// it cannot be dialled: the first character that is not taken, or a length beyond LONGEST.
export function readNumber(input) {
    const dropped = [];
    let text = bare(plain(input).replace(/^<(.*)>$/, '$1'), dropped);
    const result = (number, more = {}) => ({ number, dropped, refused: '', length: 0, ...more });
    let number = '';

    if (/^\s*\+/.test(text)) {
        text = text.replace(/\(\s*0\s*\)/, (zero) => {
            dropped.push(zero); // +49 (0)30: the zero is for callers from within the country
            return '';
        });
    }
    if (NAME.test(text) && /[a-z]/i.test(text)) number = text;
    else {
        for (const character of text) {
            if (DIALLED.test(character) || (character === '+' && !number)) number += character;
            else if (!SEPARATOR.test(character)) return result('', { refused: character });
        }
        if (number === '+') return result('', { refused: '+' });
    }
    return number.length > LONGEST ? result('', { length: number.length }) : result(number);
}
