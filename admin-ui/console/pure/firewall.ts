// The ports of this configuration as rules for firewalls: pure.

export interface Port {
    way: string;
    setting: string;
    protocol: string; // udp, tcp
    port: number;
    port_to: number; // 0 or the same: one port
    who: string; // browsers, trunk, administrators …
    needed: boolean;
    listening: boolean;
    state: string;
    detail: string;
    advice: string;
}
export type Form = 'nft' | 'ufw' | 'plain';
export const forms: Form[] = ['nft', 'ufw', 'plain'];

export const span = ({ port, port_to }: Pick<Port, 'port' | 'port_to'>, to = '–'): string =>
    port_to && port_to !== port ? `${port}${to}${port_to}` : String(port);

// Each port once, though several ways may lead to it; those first that are needed.
export function distinct(ports: Port[]): Port[] {
    const seen = new Map<string, Port>();
    for (const p of ports) {
        if (!p.port) continue;
        const key = `${p.protocol} ${span(p)} ${trunk(p)}`;
        const old = seen.get(key);
        if (!old) seen.set(key, p);
        else if (p.needed && !old.needed) seen.set(key, { ...old, needed: true });
    }
    return [...seen.values()];
}

const trunk = (p: Port) => /^(sips?|rtp)$/.test(p.way);
const anyone = (sources: string[]) => !sources.length;
const v6 = (a: string) => a.includes(':');
const words = (p: Port) => `${p.way}: ${p.who}`.replace(/[^\x20-\x7e]/g, ' ').replace(/["\\]/g, "'");

// sources: networks of the trunk's side, to which its ports may be narrowed; none: from anywhere.
export function rules(form: Form, ports: Port[], sources: string[] = []): string {
    const list = distinct(ports).filter((p) => p.needed || p.listening);
    const from = (p: Port) => (trunk(p) ? sources : []);
    const width = Math.max(0, ...list.map((p) => span(p, '-').length));
    const line: Record<Form, (p: Port) => string> = {
        nft: (p) => nft(p, from(p)),
        ufw: (p) => ufw(p, from(p)),
        plain: (p) => `${p.protocol.toUpperCase()}  ${span(p, '-').padEnd(width)}  ${anyone(from(p)) ? 'any' : from(p).join(' ')}  ${words(p)}`,
    };
    // What helps only some is there to be taken, not on by itself.
    return [...list.filter((p) => p.needed), ...list.filter((p) => !p.needed)].map((p) => (p.needed ? line[form](p) : line[form](p).replace(/^/gm, '# '))).join('\n');
}

function ufw(p: Port, sources: string[]): string {
    const comment = ` comment '${words(p).replaceAll("'", '')}'`;
    if (anyone(sources)) return `ufw allow ${span(p, ':')}/${p.protocol}${comment}`;
    return sources.map((s) => `ufw allow from ${s} to any port ${span(p, ':')} proto ${p.protocol}${comment}`).join('\n');
}

// To the chain that Debian's /etc/nftables.conf has: an accept in a chain of our own would not outdo a drop in that one.
function nft(p: Port, sources: string[]): string {
    const end = `${p.protocol} dport ${span(p, '-')} accept comment '"${words(p).replaceAll("'", '')}"'`;
    const lines = anyone(sources)
        ? [end]
        : [false, true].flatMap((six) => {
              const some = sources.filter((s) => v6(s) === six);
              return some.length ? [`${six ? 'ip6' : 'ip'} saddr '{ ${some.join(', ')} }' ${end}`] : [];
          });
    return lines.map((l) => `nft insert rule inet filter input ${l}`).join('\n');
}
