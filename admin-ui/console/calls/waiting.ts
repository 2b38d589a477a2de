// Live lists stay as the eye has them: what is new waits until it is asked for, what is over stays in its place until then.
export type Shown<T> = { rows: { item: T; over: boolean }[]; fresh: number; over: number };

// seen: ids in the order of the screen; last: what was known of each when it was there.
export function shown<T>(seen: string[], last: Map<string, T>, now: Map<string, T>): Shown<T> {
    const rows = seen.flatMap((id) => {
        const item = now.get(id) ?? last.get(id);
        return item ? [{ item, over: !now.has(id) }] : [];
    });
    const known = new Set(seen);
    return { rows, fresh: [...now.keys()].filter((id) => !known.has(id)).length, over: rows.filter((row) => row.over).length };
}

// What the screen has when nothing waits: those that run, in the order that they had, then what is new, the newest first.
export function settle<T>(seen: string[], now: Map<string, T>, start: (item: T) => number): string[] {
    const kept = seen.filter((id) => now.has(id));
    const known = new Set(kept);
    const fresh = [...now].filter(([id]) => !known.has(id)).sort(([, one], [, other]) => start(other) - start(one));
    return [...fresh.map(([id]) => id), ...kept];
}
