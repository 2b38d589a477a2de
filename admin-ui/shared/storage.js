// The browser's storage: what it can't keep is only forgotten.
export function read(storage, key) {
    try {
        return JSON.parse(storage().getItem(key));
    } catch {
        return null; // storage is switched off, or holds something foreign
    }
}

export function write(storage, key, value) {
    try {
        if (value === null) storage().removeItem(key);
        else storage().setItem(key, JSON.stringify(value));
    } catch {
        // Without storage the page works.
    }
}

export const tab = () => window.sessionStorage;
export const browser = () => window.localStorage;
