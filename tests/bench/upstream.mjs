// What it costs that DNs are registered at SIP Server: node tests/bench/upstream.mjs build/dngate
//   BENCH_UPSTREAM=1000  DNs that are signed in and registered      BENCH_UPSTREAM_DNS=5000  that there are
//   BENCH_UPSTREAM_SECONDS=30  of measuring                          BENCH_UPSTREAM_EXPIRES=60  what SIP Server grants
// Registered, and again after SIP Server has started anew, at the rate of the setting; then the share of a core that refreshing takes, and memory.
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent } from '../e2e/agent.mjs';
import { start } from '../e2e/dngate.mjs';
import { Registrar } from '../e2e/lib/registrar.mjs';
import { until } from '../e2e/lib/wait.mjs';

const program = resolve(process.argv[2] ?? 'build/dngate');
const number = (name, usual) => Number(process.env[name] ?? usual);
const COUNT = number('BENCH_UPSTREAM', 1000), DNS = number('BENCH_UPSTREAM_DNS', 5000), SECONDS = number('BENCH_UPSTREAM_SECONDS', 30);
const EXPIRES = number('BENCH_UPSTREAM_EXPIRES', 60), FIRST = 20000, TICKS = 100, MOST_MS = 300000;

const genesys = await new Registrar().open();
genesys.expires = 3600; // nothing to refresh, at first
const server = await start({ lab: false, program, options: ['http.conns_per_ip=20000', 'http.conns_max=20000', 'http.rate=100000', 'log.level=warn,app=info,media=info,sip=info,web=info,trunk=info'] });
const pid = server.child.pid;
const cli = (words, input) => execFileSync(program, [...words, '--data', server.dir], { input });
// CPU seconds of its threads, by name.
const cpu = () => Object.fromEntries(readdirSync(`/proc/${pid}/task`).map((task) => {
    const [, name, rest] = /\((.*)\) (.*)/.exec(readFileSync(`/proc/${pid}/task/${task}/stat`, 'utf8')), fields = rest.split(' ');
    return [name, (Number(fields[11]) + Number(fields[12])) / TICKS];
}));
// What each thread takes of a core in SECONDS, in percent, and how many REGISTERs came.
async function measure() {
    const heard = genesys.registers().length, begin = performance.now(), used = cpu();
    await sleep(SECONDS * 1000);
    const seconds = (performance.now() - begin) / 1000, now = cpu();
    const shares = Object.fromEntries(Object.keys(used).map((name) => [name, ((now[name] - used[name]) / seconds) * 100]));
    return { shares, all: Object.values(shares).reduce((a, b) => a + b), rate: (genesys.registers().length - heard) / seconds };
}
const mb = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024;
const agents = [];

try {
    cli(['dn', 'import', '-'], `dn,password\n${Array.from({ length: DNS }, (_, i) => `${FIRST + i},secret${FIRST + i}`).join('\n')}\n`);
    cli(['trunk', 'add', 'genesys', '--address', `127.0.0.1:${genesys.port}`, '--register', '--ping', '1']);
    for (let i = 0; i < COUNT; i++) genesys.dns.set(String(FIRST + i), {});
    const empty = mb();
    const signIn = async (from) => {
        for (let i = from; i < COUNT; i += 20) agents.push(await new Agent(server, String(FIRST + i), `secret${FIRST + i}`).open());
    };
    await Promise.all(Array.from({ length: 20 }, (_, i) => signIn(i)));
    await until(() => genesys.bindings.size === COUNT, MOST_MS, 'all are registered');
    const still = await measure();

    genesys.silent = true;
    genesys.expires = EXPIRES;
    await server.says(/ trunk=genesys .* down/);
    genesys.forget();
    const back = performance.now(), from = genesys.heard.length;
    genesys.silent = false;
    await until(() => genesys.bindings.size === COUNT, MOST_MS, 'all are registered again');
    const again = (performance.now() - back) / 1000;

    const busy = await measure(), words = (of) => Object.entries(of.shares).filter(([, share]) => share >= 0.1).map(([name, share]) => `${name} ${share.toFixed(1)}`).join(', ');
    console.log(`upstream: ${COUNT} of ${DNS} DNs registered again ${again.toFixed(1)} s after SIP Server is back (${genesys.heard.slice(from).filter((h) => h.method === 'REGISTER' && !h.again).length} REGISTERs)`);
    console.log(`upstream: ${COUNT} pages alone take ${still.all.toFixed(2)} % of a core (${words(still)})`);
    console.log(`upstream: granted ${EXPIRES} s, ${busy.rate.toFixed(1)} REGISTERs a second take ${(busy.all - still.all).toFixed(2)} % more (${words(busy)}; limit 2 %)`);
    console.log(`upstream: ${mb().toFixed(0)} MB with ${COUNT} pages, ${empty.toFixed(0)} MB before they came (limit 60 MB)`);
} finally {
    agents.forEach((agent) => agent.close());
    genesys.close();
    await server.stop();
}
