// Directory numbers: what may be one, and ranges of them: pure. The gateway judges again; this is only sooner.

export const DN_MAX = 63;
export const RANGE_MAX = 5000;
export const validDn = (dn: string): boolean => /^[A-Za-z0-9._+*#-]{1,63}$/.test(dn);

export type RangeTrouble = 'empty' | 'not_dn' | 'no_digits' | 'differ' | 'backwards' | 'too_many';
export interface Range {
    dns: string[];
    field?: 'from' | 'to';
    trouble?: RangeTrouble;
}

const none = (field: 'from' | 'to', trouble: RangeTrouble): Range => ({ dns: [], field, trouble });
const parts = (dn: string) => /^(.*?)(\d+)$/.exec(dn);

// Leading zeros and what stands before the digits stay: A008 … A012.
export function range(from: string, to: string, max = RANGE_MAX): Range {
    if (!from) return none('from', 'empty');
    if (!to) return none('to', 'empty');
    if (!validDn(from)) return none('from', 'not_dn');
    if (!validDn(to)) return none('to', 'not_dn');
    const [a, b] = [parts(from), parts(to)];
    if (!a) return none('from', 'no_digits');
    if (!b) return none('to', 'no_digits');
    if (a[1] !== b[1] || a[2].length > b[2].length || (a[2].length < b[2].length && a[2][0] === '0')) return none('to', 'differ');
    const [first, last] = [BigInt(a[2]), BigInt(b[2])];
    if (last < first) return none('to', 'backwards');
    if (last - first >= BigInt(max)) return none('to', 'too_many');
    return { dns: Array.from({ length: Number(last - first) + 1 }, (_, i) => a[1] + String(first + BigInt(i)).padStart(a[2].length, '0')) };
}

// "5001, 5002, 5003 … 5050"
export const brief = (dns: string[]): string => (dns.length > 5 ? `${dns.slice(0, 3).join(', ')} … ${dns[dns.length - 1]}` : dns.join(', '));

// The DN after this one that is free, for a clone; "" when it ends in no digit.
export function nextDn(dn: string, taken: (dn: string) => boolean): string {
    const p = parts(dn);
    if (!p) return '';
    for (let n = BigInt(p[2]) + 1n, i = 0; i < 1000; n++, i++) {
        const next = p[1] + String(n).padStart(p[2].length, '0');
        if (!taken(next) && validDn(next)) return next;
    }
    return '';
}
