// What a trunk may be: pure. The gateway judges again.
export interface TrunkValues {
    name: string;
    host: string;
    port: number | '';
    transport: string;
    username: string;
    password: string;
    codecs: string;
    ptime: number;
    ping_seconds: number | '';
    registers: boolean;
    enabled: boolean;
    tls_ca: string;
    tls_name: string;
    tls_cert: string;
}

export const fresh: TrunkValues = { name: '', host: '', port: '', transport: 'udp', username: '', password: '', codecs: 'pcmu, pcma', ptime: 20, ping_seconds: 30, registers: false, enabled: true, tls_ca: '', tls_name: '', tls_cert: '' };
export const usualPort = (transport: string): number => (transport === 'tls' ? 5061 : 5060);
export const validName = (name: string): boolean => /^[A-Za-z0-9._-]{1,63}$/.test(name);
// A name, an IPv4 address, an IPv6 address with or without brackets; no port.
export const validHost = (host: string): boolean => /^(?=.{1,255}$)[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9])?\.?$/.test(host) || /^\[?[0-9A-Fa-f:]*:[0-9A-Fa-f:.]+\]?$/.test(host);
export const listOf = (text: string): string[] => text.toLowerCase().split(/[\s,]+/).filter(Boolean);

// The order with one of them moved by some places; the same list when it can't be.
export function moved<T>(list: T[], from: number, by: number): T[] {
    const to = from + by;
    if (from < 0 || to < 0 || to >= list.length) return list;
    const next = [...list];
    next.splice(to, 0, ...next.splice(from, 1));
    return next;
}

// host:port as one writes it
export const at = (host: string, port: number): string => (host.includes(':') && !host.startsWith('[') ? `[${host}]:${port}` : `${host}:${port}`);
