// What the pages that change things share.
import { Problem } from '../core/api';
import { query, setQuery } from '../core/router';
import { num, t } from '../core/words';
import { toast } from './toast';

// Says what is wrong before the box is asked: what is empty is right.
export function wrong(errors: Record<string, string | false | null | undefined | 0>): void {
    const said = Object.entries(errors).filter((e): e is [string, string] => !!e[1]);

    if (said.length) throw new Problem(422, '', Object.fromEntries(said));
}

// What the box says of no field in particular, but can only mean this one: "5001 exists already".
export async function about<T>(field: string, doing: Promise<T>): Promise<T> {
    try {
        return await doing;
    } catch (error) {
        if (error instanceof Problem && (error.status === 409 || error.status === 422) && !Object.keys(error.errors).length) throw new Problem(error.status, error.detail, { [field]: error.detail });
        throw error;
    }
}

// A dialog is a part of the address: ?do=add. `more` are parameters that go with it.
export const doing = () => query.value.get('do') ?? '';
export const begin = (what: string, more: Record<string, string> = {}) => setQuery({ do: what, ...more }, { add: true });
export const end = (...more: string[]) => setQuery(Object.fromEntries(['do', ...more].map((name) => [name, null])));

export const whole = (value: unknown, min: number, max: number) => Number.isInteger(value) && Number(value) >= min && Number(value) <= max;

export async function copy(text: string, done = t('shell.copied')): Promise<void> {
    await navigator.clipboard.writeText(text);
    toast(done);
}

// The text of a file that somebody chose or dropped.
export const bytesOf = async (file: File | undefined | null) => (file ? new Uint8Array(await file.arrayBuffer()) : null);

// 0.8, 12: milliseconds as exactly as one wants them
export const ms = (n: number) => num(n, n < 10 ? 1 : 0, 0);
