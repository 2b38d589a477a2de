// What is other between two states of a thing: pure.

export interface Change {
    field: string;
    before: string | null; // null: was not there
    after: string | null;
}

const shown = (v: unknown): string | null =>
    v === undefined || v === null ? null : typeof v === 'object' ? JSON.stringify(v) : String(v);

export function changes(before: Record<string, unknown> | null, after: Record<string, unknown> | null): Change[] {
    const fields = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])];
    return fields
        .map((field) => ({ field, before: shown(before?.[field]), after: shown(after?.[field]) }))
        .filter((c) => c.before !== c.after);
}

// Where two texts part: what both begin and end with, so that a long value shows what is other in it.
export function middle(before: string, after: string): { head: string; before: string; after: string; tail: string } {
    const most = Math.min(before.length, after.length);
    let head = 0;
    let tail = 0;
    while (head < most && before[head] === after[head]) head++;
    while (tail < most - head && before[before.length - 1 - tail] === after[after.length - 1 - tail]) tail++;
    return {
        head: before.slice(0, head),
        before: before.slice(head, before.length - tail),
        after: after.slice(head, after.length - tail),
        tail: before.slice(before.length - tail),
    };
}
