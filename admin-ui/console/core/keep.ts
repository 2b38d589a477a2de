// What this browser remembers of how its reader likes the console: never a secret, and nothing breaks without it.
const PREFIX = 'dngate.console.';

export function kept(name: string): string | null {
    try {
        return localStorage.getItem(PREFIX + name);
    } catch {
        return null;
    }
}

export function keep(name: string, value: string): void {
    try {
        localStorage.setItem(PREFIX + name, value);
    } catch {
        /* a browser that keeps nothing */
    }
}
